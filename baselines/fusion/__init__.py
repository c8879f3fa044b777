"""Answer-level fusion: combines the answers of several LLMs to each query into one."""

from typing import Final

from llmfusionbench.baselines.fusion.answers import VOTABLE, AnswerTable, answer_key, read_answers
from llmfusionbench.baselines.fusion.compare import Comparison, compare
from llmfusionbench.baselines.fusion.topla import FailureCounts, Topla
from llmfusionbench.baselines.fusion.vote import Fused, Vote, WeightedVote

FUSIONS: Final[dict[str, type[Vote]]] = {"vote": Vote, "weighted_vote": WeightedVote, "topla": Topla}

__all__ = [
    "FUSIONS",
    "VOTABLE",
    "AnswerTable",
    "Comparison",
    "FailureCounts",
    "Fused",
    "Topla",
    "Vote",
    "WeightedVote",
    "answer_key",
    "compare",
    "read_answers",
]
