"""Open-ended answers, without a ground truth: the value is a judge's score, or missing if there is none yet."""

from __future__ import annotations

import math
from collections.abc import Mapping

from llmfusionbench.errors import InputError
from llmfusionbench.scoring.outcome import Score, graded, missing


def judge(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """The `judge_score` of the context (0 to 1), or None if there is none yet."""
    score = context.get("judge_score")
    if score is None or (isinstance(score, float) and math.isnan(score)):
        return missing("waits for a judge")
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 1:
        raise InputError(f"judge_score is {score!r}, expected a number from 0 to 1. Remedy: scale it before scoring.")
    return graded(float(score), None, "scored by a judge")
