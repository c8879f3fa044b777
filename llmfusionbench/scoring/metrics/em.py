"""Exact match: the response is one of the accepted answers once both are normalised (SQuAD)."""

from __future__ import annotations

from collections.abc import Mapping

from llmfusionbench.scoring.answers.booleans.boolean import as_boolean, read_boolean
from llmfusionbench.scoring.answers.marks import final_text, unwrapped
from llmfusionbench.scoring.answers.normalise import normalise, normalised_truth
from llmfusionbench.scoring.answers.refusal import declines, no_answer_reason
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.outcome import Score, binary, missing, right, wrong


def em(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """1 if the response is an accepted answer, or commits to the right one of true/false/yes/no."""
    truths = accepted_answers(ground_truth)
    if not truths:
        return missing("the ground truth has no answer")
    boolean = boolean_score(response, truths)
    if boolean is not None:
        return boolean
    text = unwrapped(response).strip()
    plain = normalise(text)
    for truth in truths:
        expected = normalised_truth(truth)
        if text == truth or (expected and plain == expected):
            return right(text)
    return wrong(text, "refusal" if declines(text) else "differs from the ground truth")


def boolean_score(response: str, truths: tuple[str, ...]) -> Score | None:
    """The score of a true/false question; None if the accepted answers are not all true/false words."""
    expected = as_boolean(truths[0])
    if expected is None or any(as_boolean(truth) is not expected for truth in truths[1:]):
        return None
    text = final_text(response)
    value = read_boolean(text)
    if value is None:
        return wrong(None, no_answer_reason(text, "true or false"))
    return binary(value is expected, "true" if value else "false")
