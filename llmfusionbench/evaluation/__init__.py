"""The routing benchmark: anyone's router against baselines, with intervals."""

from .check import check_router
from .live import LiveRouter
from .metrics import METRICS, Metric
from .predictions import PredictionsRouter
from .protocol import PROTOCOLS
from .report import Report, compare
from .router import Router
from .run import evaluate
from .scenario import SCENARIOS, Scaling, Scenario
from .sklearn_adapter import EstimatorRouter

__all__ = [
    "METRICS",
    "PROTOCOLS",
    "SCENARIOS",
    "EstimatorRouter",
    "LiveRouter",
    "Metric",
    "PredictionsRouter",
    "Report",
    "Router",
    "Scaling",
    "Scenario",
    "check_router",
    "compare",
    "evaluate",
]
