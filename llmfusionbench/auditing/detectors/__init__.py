"""The detectors of an audit, one kind of fault each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from llmfusionbench.auditing.detector import Detector
from llmfusionbench.auditing.detectors.constant_answers import ConstantAnswers
from llmfusionbench.auditing.detectors.costs import Costs
from llmfusionbench.auditing.detectors.empty_answers import EmptyAnswers
from llmfusionbench.auditing.detectors.errors import Errors
from llmfusionbench.auditing.detectors.judge_length import JudgeLength
from llmfusionbench.auditing.detectors.judge_modes import JudgeModes
from llmfusionbench.auditing.detectors.score_outliers import ScoreOutliers
from llmfusionbench.auditing.detectors.scores_disagree import ScoresDisagree
from llmfusionbench.auditing.detectors.served_model import ServedModel
from llmfusionbench.auditing.detectors.token_counts import TokenCounts
from llmfusionbench.auditing.finding import Finding
from llmfusionbench.release import Release

DETECTORS: Final[dict[str, type[Detector]]] = {
    "served_model": ServedModel,
    "empty_answers": EmptyAnswers,
    "errors": Errors,
    "scores_disagree": ScoresDisagree,
    "constant_answers": ConstantAnswers,
    "score_outliers": ScoreOutliers,
    "costs": Costs,
    "token_counts": TokenCounts,
    "judge_modes": JudgeModes,
    "judge_length": JudgeLength,
}
"""Name -> class of the detectors that look at rows."""

RELEASE_DETECTORS: Final[dict[str, Callable[[Release], list[Finding]]]] = {}
"""Name -> function of those that need the release as a whole, such as `near_duplicates`."""
