"""Cover exact match: the response contains one of the accepted answers once both are normalised (SQuAD)."""

from __future__ import annotations

from collections.abc import Mapping

from llmfusionbench.scoring.answers.marks import unwrapped
from llmfusionbench.scoring.answers.normalise import contains_words, normalise, normalise_spaced
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
    plain = normalise(text)
    spaced: str | None = None
    for truth in truths:
        expected = normalise(truth)
        if text == truth or contains_words(plain, expected):
            return right(truth)
        # Without punctuation "Paris/London" is one word: try again with spaces instead.
        head = expected.split(" ", 1)[0]
        if head and head in plain:
            spaced = normalise_spaced(text) if spaced is None else spaced
            if contains_words(spaced, normalise_spaced(truth)):
                return right(truth)
    return wrong(None, "refusal" if declines(text) else "no accepted answer in the response")
