"""Cover exact match: the response contains one of the accepted answers once both are normalised (SQuAD)."""

from __future__ import annotations

from collections.abc import Mapping

from llmfusionbench.scoring.answers.marks import unwrapped
from llmfusionbench.scoring.answers.phrases.cover import covered
from llmfusionbench.scoring.answers.refusal import declines
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.metrics.em import boolean_score
from llmfusionbench.scoring.outcome import Score, missing, right, wrong


def cem(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """1 if the response contains an accepted answer as whole words ("art" is not in "party")."""
    truths = accepted_answers(ground_truth)
    if not truths:
        return missing("the ground truth has no answer")
    boolean = boolean_score(response, truths)
    if boolean is not None:
        return boolean
    text = unwrapped(response).strip()
    found = covered(text, ground_truth)
    if found is not None:
        return right(found)
    return wrong(None, "refusal" if declines(text) else "no accepted answer in the response")
