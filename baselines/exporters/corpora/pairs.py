"""Preference pairs: a better and a worse answer to the same prompt."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from llmfusionbench.baselines.exporters.corpora.answers import Answers, Floats, Places
from llmfusionbench.baselines.exporters.corpora.selection import Chosen, draws, positions

By = Literal["performance", "judge"]
BYS: Final[tuple[By, ...]] = ("performance", "judge")

_CELLS: Final = 2**20
"""Pairs weighed at a time: what bounds the memory."""


def scores(answers: Answers, by: By) -> Floats:
    """[N] what is compared."""
    return answers.performance if by == "performance" else answers.judge


def pairs(answers: Answers, rows: Places, *, by: By, n: int, min_gap: float, match_length: float | None, seed: int) -> Chosen:
    """Up to `n` pairs of a query, the widest gap first; no answer is in two of them.

    Both answers of a pair were asked for in the same mode, for the two modes are sent different prompts. An answer known to be
    wrong (performance 0) is never the chosen one, whatever its judges say.

    Args:
        answers: The numbers.
        rows: The answers to pair; all have a score.
        by: Which score.
        n: Pairs of a query at most.
        min_gap: What the chosen answer's score is above the rejected one's, at least.
        match_length: The longer answer may have so many times the tokens of the shorter one; those without a count match none.
            Of pairs with the same gap the closest in length comes first then, else the seed decides.
        seed: Of the draw among equals.
    """
    group = answers.query * 2 + answers.think
    rows = rows[np.argsort(group[rows], kind="stable")]
    score, draw = scores(answers, by), draws(answers, seed)
    starts = np.flatnonzero(np.r_[True, group[rows][1:] != group[rows][:-1]]) if len(rows) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(rows)])
    parts = []
    for first, last in _blocks(sizes, answers.query[rows][starts]):
        size, start = sizes[first:last], starts[first:last]
        cells = size * size
        cell = np.arange(int(cells.sum())) - np.repeat(np.cumsum(cells) - cells, cells)
        width = np.repeat(size, cells)
        better = rows[np.repeat(start, cells) + cell // width]
        worse = rows[np.repeat(start, cells) + cell % width]
        gap = score[better] - score[worse]
        # Differences of decimals: 0.9 - 0.6 is a gap of 0.3.
        fits = (gap >= min_gap - 1e-9) & (gap > 0) & ~(answers.performance[better] <= 0)
        better, worse, gap = better[fits], worse[fits], gap[fits]
        apart = np.zeros(len(better))
        if match_length is not None:
            tokens = np.maximum(answers.output_tokens, 1)
            apart = np.abs(np.log(tokens[better] / tokens[worse]))
            near = apart <= np.log(match_length) + 1e-9  # a missing count is near nothing
            better, worse, gap, apart = better[near], worse[near], gap[near], apart[near]
        query = answers.query[better]
        order = np.lexsort((draw[worse], draw[better], apart, -np.round(gap, 9), query))
        parts.append(_matched(query[order], better[order], worse[order], gap[order], n))
    if not parts:
        none = np.zeros(0, np.int64)
        return Chosen(none, none, none, rejected=none, gap=np.zeros(0))
    query, better, worse, gap, rank = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Chosen(query, better, rank, rejected=worse, gap=gap)


def _matched(
    query: Places, better: Places, worse: Places, gap: Floats, n: int
) -> tuple[Places, Places, Places, Floats, Places]:
    """Of pairs in order of merit by query, up to `n` a query that share no answer: the best, then the best of the rest."""
    taken: list[Places] = []
    left = np.arange(len(query))
    for _ in range(n):
        best = left[positions(query[left]) == 0]
        if not len(best):
            break
        taken.append(best)
        used = np.unique(np.concatenate([better[best], worse[best]]))
        left = left[~(np.isin(better[left], used) | np.isin(worse[left], used))]
    chosen = np.concatenate(taken) if taken else left
    rank = np.repeat(np.arange(len(taken)), [len(t) for t in taken]) if taken else left
    order = np.lexsort((rank, query[chosen]))
    chosen, rank = chosen[order], rank[order]
    return query[chosen], better[chosen], worse[chosen], gap[chosen], rank


def _blocks(sizes: Places, query: Places) -> list[tuple[int, int]]:
    """Ranges of groups with some million pairs each; the two modes of a query stay together."""
    blocks, first, cells = [], 0, 0
    for i, size in enumerate(sizes.tolist()):
        if cells and cells + size * size > _CELLS and query[i] != query[i - 1]:
            blocks.append((first, i))
            first, cells = i, 0
        cells += size * size
    return [*blocks, (first, len(sizes))] if len(sizes) else []
