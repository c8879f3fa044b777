"""The routing benchmark: any router against the baselines, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmfusionbench.lazy_names import lazy_names

if TYPE_CHECKING:
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
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "measures": ("MEASURES", "Measure"),
            "protocol": ("PROTOCOLS",),
            "report.report": ("Report", "compare"),
            "routers.check": ("check_router",),
            "routers.live": ("LiveRouter",),
            "routers.predictions": ("PredictionsRouter",),
            "routers.router": ("Router",),
            "routers.sklearn_adapter": ("EstimatorRouter",),
            "run": ("evaluate",),
            "scenario": ("SCENARIOS", "Scaling", "Scenario"),
        },
    )

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
