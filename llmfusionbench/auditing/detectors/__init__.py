"""The detectors of an audit, one kind of fault each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from llmfusionbench.auditing.detector import Detector
from llmfusionbench.auditing.detectors.broken_json import BrokenJson
from llmfusionbench.auditing.detectors.chat_tokens import ChatTokens
from llmfusionbench.auditing.detectors.constant_answers import ConstantAnswers
from llmfusionbench.auditing.detectors.costs import Costs
from llmfusionbench.auditing.detectors.cut_off import CutOff
from llmfusionbench.auditing.detectors.empty_answers import EmptyAnswers
from llmfusionbench.auditing.detectors.errors import Errors
from llmfusionbench.auditing.detectors.judge_length import JudgeLength
from llmfusionbench.auditing.detectors.judge_modes import JudgeModes
from llmfusionbench.auditing.detectors.loops import Loops
from llmfusionbench.auditing.detectors.near_duplicates import near_duplicates
from llmfusionbench.auditing.detectors.other_language import OtherLanguage
from llmfusionbench.auditing.detectors.personal_data import PersonalData
from llmfusionbench.auditing.detectors.reasoning_left import ReasoningLeft
from llmfusionbench.auditing.detectors.refusals import Refusals
from llmfusionbench.auditing.detectors.same_text import SameText
from llmfusionbench.auditing.detectors.score_outliers import ScoreOutliers
from llmfusionbench.auditing.detectors.scores_disagree import ScoresDisagree
from llmfusionbench.auditing.detectors.served_model import ServedModel
from llmfusionbench.auditing.detectors.template_prompts import TemplatePrompts
from llmfusionbench.auditing.detectors.token_counts import TokenCounts
from llmfusionbench.auditing.detectors.truth_in_prompt import TruthInPrompt
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
    "cut_off": CutOff,
    "broken_json": BrokenJson,
    "loops": Loops,
    "refusals": Refusals,
    "reasoning_left": ReasoningLeft,
    "chat_tokens": ChatTokens,
    "template_prompts": TemplatePrompts,
    "same_text": SameText,
    "other_language": OtherLanguage,
    "truth_in_prompt": TruthInPrompt,
    "personal_data": PersonalData,
}
"""Name -> class of the detectors that look at rows."""

RELEASE_DETECTORS: Final[dict[str, Callable[[Release], list[Finding]]]] = {"near_duplicates": near_duplicates}
"""Name -> function of those that need the release as a whole, such as `near_duplicates`."""
