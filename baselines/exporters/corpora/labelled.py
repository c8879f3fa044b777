"""Labelled answers, for KTO: single answers, each called good or bad."""

from __future__ import annotations

import numpy as np

from llmfusionbench.baselines.exporters.corpora.answers import Answers, Mask, Places
from llmfusionbench.baselines.exporters.corpora.pairs import By, scores
from llmfusionbench.baselines.exporters.corpora.selection import Chosen, draws, positions


def labels(answers: Answers, rows: Places, *, by: By, good: float, bad: float) -> tuple[Mask, Mask]:
    """[n] whether an answer is good (a score of `good` or above) and whether it is bad (of `bad` or below).

    By judge's score, one that is known to be wrong (performance 0) is not good.
    """
    score = scores(answers, by)[rows]
    return (score >= good) & ~(answers.performance[rows] <= 0), score <= bad


def labelled(answers: Answers, rows: Places, label: Mask, *, by: By, n: int, seed: int) -> Chosen:
    """Up to `n` good and `n` bad answers of a query: the best and the worst, the seed deciding among equals.

    Args:
        answers: The numbers.
        rows: The answers that have a label.
        label: [n] whether it is good.
        by: Which score says how good.
        n: Answers of each label of a query.
        seed: Of the draw.
    """
    merit = np.where(label, -1, 1) * scores(answers, by)[rows]
    query = answers.query[rows]
    order = np.lexsort((draws(answers, seed)[rows], merit, ~label, query))
    place = positions((query * 2 + label)[order])
    order, place = order[place < n], place[place < n]
    return Chosen(query[order], rows[order], place, label=label[order])


def lacking(good: int, bad: int) -> str | None:
    """What to say of so many good and bad answers where one of them is none."""
    if good and bad:
        return None
    missing, remedy = ("bad", "a higher --bad") if good else ("good", "a lower --good")
    return f"no answer is {missing}, and KTO learns by telling good from bad. Remedy: {remedy}, or more LLMs and tasks"


def evened(chosen: Chosen, seed: int) -> Mask:
    """[n] the records to keep so that there are as many good as bad ones; the lowest ranks of the others go, by the seed."""
    assert chosen.label is not None
    draw = np.random.default_rng((seed, 3)).random(len(chosen))
    order = np.lexsort((draw, chosen.rank, chosen.label))
    least = min(int(chosen.label.sum()), int((~chosen.label).sum()))
    keep = np.zeros(len(chosen), bool)
    keep[order[positions(chosen.label[order].astype(np.int64)) < least]] = True
    return keep
