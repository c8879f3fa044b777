"""Baseline routers by name; each file names its source paper."""

from typing import Any, Final

from llmfusionbench.baselines.routers.aptitude import Aptitude
from llmfusionbench.baselines.routers.bert import Bert
from llmfusionbench.baselines.routers.cascade import Cascade
from llmfusionbench.baselines.routers.constrained import Constrained
from llmfusionbench.baselines.routers.elo import Elo
from llmfusionbench.baselines.routers.graph import GraphRouter
from llmfusionbench.baselines.routers.guarded import Guarded
from llmfusionbench.baselines.routers.iterative_ranker import IterativeRanker
from llmfusionbench.baselines.routers.kernel_ridge import KernelRidge
from llmfusionbench.baselines.routers.kmeans import KMeans
from llmfusionbench.baselines.routers.knn import KNN, KNNLabel
from llmfusionbench.baselines.routers.linear import SVM, Logistic, Ridge
from llmfusionbench.baselines.routers.matrix_factorization import MatrixFactorization
from llmfusionbench.baselines.routers.mlp import MLP
from llmfusionbench.baselines.routers.residual_blend import ResidualBlend
from llmfusionbench.baselines.routers.residual_forest import ResidualForest
from llmfusionbench.baselines.routers.reward_distilled import RewardDistilled
from llmfusionbench.baselines.routers.routerdc import RouterDC
from llmfusionbench.baselines.routers.skills import Skills
from llmfusionbench.baselines.routers.task_then_expert import TaskThenExpert
from llmfusionbench.baselines.routers.trivial import BestSingle, Cheapest, Largest, Oracle, PerTask, Random, Smallest

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
