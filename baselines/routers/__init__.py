"""Baselines that route queries: each one file with its source paper, all listed here by name."""

from typing import Any, Final

from .aptitude import Aptitude
from .bert import Bert
from .cascade import Cascade
from .constrained import Constrained
from .elo import Elo
from .graph import GraphRouter
from .guarded import Guarded
from .iterative_ranker import IterativeRanker
from .kernel_ridge import KernelRidge
from .kmeans import KMeans
from .knn import KNN, KNNLabel
from .linear import SVM, Logistic, Ridge
from .matrix_factorization import MatrixFactorization
from .mlp import MLP
from .residual_blend import ResidualBlend
from .residual_forest import ResidualForest
from .reward_distilled import RewardDistilled
from .routerdc import RouterDC
from .skills import Skills
from .task_then_expert import TaskThenExpert
from .trivial import BestSingle, Cheapest, Largest, Oracle, PerTask, Random, Smallest

ROUTERS: Final[dict[str, Any]] = {
    "random": Random,
    "oracle": Oracle,
    "best_single": BestSingle,
    "cheapest": Cheapest,
    "largest": Largest,
    "smallest": Smallest,
    "per_task": PerTask,
    "knn": KNN,
    "knn_label": KNNLabel,
    "ridge": Ridge,
    "logistic": Logistic,
    "svm": SVM,
    "mlp": MLP,
    "matrix_factorization": MatrixFactorization,
    "elo": Elo,
    "kmeans": KMeans,
    "cascade": Cascade,
    "aptitude": Aptitude,
    "iterative_ranker": IterativeRanker,
    "reward_distilled": RewardDistilled,
    "constrained": Constrained,
    "skills": Skills,
    "task_then_expert": TaskThenExpert,
    "guarded": Guarded,
    "kernel_ridge": KernelRidge,
    "residual_forest": ResidualForest,
    "residual_blend": ResidualBlend,
    "graph": GraphRouter,
    "routerdc": RouterDC,
    "bert": Bert,
}

__all__ = ["ROUTERS"]
