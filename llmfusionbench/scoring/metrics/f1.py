"""Token F1: the overlap of words between the response and the best accepted answer, once normalised (SQuAD)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from llmfusionbench.scoring.answers.marks import unwrapped
from llmfusionbench.scoring.answers.normalise import normalise, normalised_truth
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
    best = 1.0 if text in truths else _best_f1(plain, map(normalised_truth, truths))
    reason = "matches the ground truth" if best == 1 else "some words overlap" if best else "no word overlaps"
    return graded(best, text, reason)


def token_f1(answer: str, truth: str) -> float:
    """F1 of two normalised texts; 0 if one is empty."""
    return _best_f1(answer, (truth,))


def _best_f1(answer: str, truths: Iterable[str]) -> float:
    """The highest F1 of a normalised text with any of `truths`, which are normalised; an empty text has 0."""
    words = answer.split()
    counts: dict[str, int] = {}
    best = 0.0
    for truth in truths:
        if answer == truth:
            best = max(best, 1.0 if answer else 0.0)
        elif answer not in WHOLE_ONLY and truth not in WHOLE_ONLY:
            counts = counts or Counter(words)  # when first needed
            best = max(best, _overlap(counts, len(words), truth.split()))
    return best


def _overlap(counts: Mapping[str, int], total: int, expected: Sequence[str]) -> float:
    shared = sum(min(counts[word], count) for word, count in Counter(expected).items() if word in counts)
    if not shared:
        return 0.0
    precision, recall = shared / total, shared / len(expected)
    return 2 * precision * recall / (precision + recall)
