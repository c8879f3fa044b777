"""The routing benchmark: any router against the baselines, with intervals."""

from llmfusionbench.evaluation.measures import MEASURES, Measure
from llmfusionbench.evaluation.protocol import PROTOCOLS
from llmfusionbench.evaluation.report.report import Report, compare
from llmfusionbench.evaluation.routers.check import check_router
from llmfusionbench.evaluation.routers.live import LiveRouter
from llmfusionbench.evaluation.routers.predictions import PredictionsRouter
from llmfusionbench.evaluation.routers.router import Router
from llmfusionbench.evaluation.routers.sklearn_adapter import EstimatorRouter
from llmfusionbench.evaluation.run import evaluate
from llmfusionbench.evaluation.scenario import SCENARIOS, Scaling, Scenario

__all__ = [
    "MEASURES",
    "PROTOCOLS",
    "SCENARIOS",
    "EstimatorRouter",
    "LiveRouter",
    "Measure",
    "PredictionsRouter",
    "Report",
    "Router",
    "Scaling",
    "Scenario",
    "check_router",
    "compare",
    "evaluate",
]
