"""What a corpus will hold, and the arithmetic of choosing: runs, ranks, draws and shares, over numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.exporters.corpora.answers import Answers, By
from llmfusionbench.baselines.exporters.corpora.drops import Drops
from llmfusionbench.baselines.exporters.corpora.queries import Coded, Floats, Mask, Places
from llmfusionbench.errors import InputError

GROUND_TRUTH: Final = -1
"""In place of an answer: the ground truth of the query."""


@dataclass(frozen=True)
class Chosen:
    """The records of a corpus, n of them, by query."""

    query: Places
    """[n] places among the queries, ascending."""
    answer: Places
    """[n] places among the answers, or `GROUND_TRUTH`."""
    rank: Places
    """[n] of a record within its query, from 0."""
    rejected: Places | None = None
    """[n] for pairs, the worse answer."""
    gap: Floats | None = None
    """[n] for pairs, the difference of their scores."""
    label: Mask | None = None
    """[n] for labelled answers, whether it is a good one."""

    def __len__(self) -> int:
        return len(self.query)

    def rows(self, which: Places | Mask) -> Chosen:
        """Some of the records, in the order asked for."""
        columns: dict[str, Any] = {name: None if c is None else c[which] for name, c in vars(self).items()}
        return Chosen(**columns)


def scored(answers: Answers, rows: Places, by: By, drops: Drops) -> Places:
    """Those of the answers that have the score; of answers without a judge score, those judged in pairs are counted apart."""
    known = ~np.isnan(answers.score(by))
    if by == "judge":
        rows = drops.keep(rows, (known | ~answers.in_pairs)[rows], "judged_in_pairs")
    return drops.keep(rows, known[rows], "unjudged" if by == "judge" else "unscored")


def ranked(answers: Answers, rows: Places, keys: Sequence[Floats], seed: int) -> Places:
    """`rows` by query, the best of each first: by `keys` [N] from high to low, missing values last, then by a draw."""
    draw = draws(answers, seed)[rows]
    return rows[np.lexsort((draw, *(_descending(key[rows]) for key in reversed(keys)), answers.query[rows]))]


def draws(answers: Answers, seed: int, purpose: int = 0) -> Floats:
    """[N] a random number per answer, whatever else is dropped; another series for another purpose."""
    return np.random.default_rng((seed, purpose)).random(len(answers))


def drawn(answers: Answers, rows: Places, n: int, seed: int) -> Mask:
    """[n] whether an answer is among `n` drawn of its query, whatever they are worth."""
    order = np.lexsort((draws(answers, seed, 1)[rows], answers.query[rows]))
    taken = np.zeros(len(rows), bool)
    taken[order[positions(answers.query[rows][order]) < n]] = True
    return taken


def positions(groups: npt.NDArray[np.integer]) -> Places:
    """[n] the place of each within its run of equal values."""
    if not len(groups):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))


def firsts(*keys: npt.NDArray[np.integer]) -> Mask:
    """[n] whether no earlier row has the same keys."""
    order = np.lexsort(keys[::-1])  # stable: of equals the earliest stands first
    new = np.zeros(len(order), bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    found = np.zeros(len(order), bool)
    found[order[new]] = True
    return found


def balanced(task: Coded, chosen: Chosen, max_share: float, seed: int) -> Mask:
    """[n] the records to keep so that no task has more than `max_share` of them; the lowest ranks go first, by the seed.

    Raises:
        InputError: There are too few tasks for that.
    """
    codes = task.codes[chosen.query]
    counts = np.bincount(codes, minlength=1)
    tasks = int((counts > 0).sum())
    # The most records a task may have, c, is the largest number with c <= share x sum of min(count, c). The right side less
    # the left one is concave in c and 0 at 0, so the numbers that will do are those from 0 up to c.
    low, high = 0, int(counts.max())
    while low < high:
        middle = (low + high + 1) // 2
        if middle <= max_share * np.minimum(counts, middle).sum() * (1 + 1e-12):
            low = middle
        else:
            high = middle - 1
    if low == 0 and len(chosen):
        raise InputError(
            f"max_share {max_share}: {tasks} tasks cannot all stay within it, the least is {1 / tasks:.3g}. "
            "Remedy: raise --max-share"
        )
    draw = np.random.default_rng((seed, 2)).random(len(chosen))
    return lowest(codes, (draw, chosen.rank), low)


def lowest(groups: npt.NDArray[np.integer], keys: Sequence[npt.NDArray[np.generic]], n: int) -> Mask:
    """[m] whether a row is among the `n` lowest of its group; `keys` as `np.lexsort` takes them."""
    order = np.lexsort((*keys, groups))
    keep = np.zeros(len(groups), bool)
    keep[order[positions(groups[order]) < n]] = True
    return keep


def _descending(key: Floats) -> Floats:
    """What sorts `key` from high to low, the missing last."""
    return np.where(np.isnan(key), np.inf, -key)
