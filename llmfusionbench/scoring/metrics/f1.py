"""Token F1: the overlap of words between the response and the best accepted answer, once normalised (SQuAD)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from llmfusionbench.scoring.answers.marks import unwrapped
from llmfusionbench.scoring.answers.normalise import normalise
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.outcome import Score, graded, missing

WHOLE_ONLY = frozenset(("yes", "no", "noanswer"))
"""Answers that overlap only with themselves: a rule of HotpotQA, which the reference pipeline follows."""


def f1_score(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """2PR / (P + R) of the words of the response and an accepted answer; the best one counts."""
    truths = accepted_answers(ground_truth)
    if not truths:
        return missing("the ground truth has no answer")
    text = unwrapped(response).strip()
    plain = normalise(text)
    best = max(1.0 if text == truth else token_f1(plain, normalise(truth)) for truth in truths)
    reason = "matches the ground truth" if best == 1 else "some words overlap" if best else "no word overlaps"
    return graded(best, text, reason)


def token_f1(answer: str, truth: str) -> float:
    """F1 of two normalised texts; 0 if one is empty."""
    if answer == truth:
        return 1.0 if answer else 0.0
    if answer in WHOLE_ONLY or truth in WHOLE_ONLY:
        return 0.0
    words, expected = answer.split(), truth.split()
    wanted = Counter(expected)
    counts = Counter([word for word in words if word in wanted])
    shared = sum(min(count, wanted[word]) for word, count in counts.items())
    if not shared:
        return 0.0
    precision, recall = shared / len(words), shared / len(expected)
    return 2 * precision * recall / (precision + recall)
