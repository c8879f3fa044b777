"""The answers that an SFT corpus takes: the best k of each query, chosen by numbers alone.

How the published FusionFactory script ranks (model_level/sft_data_gen.py): `perf` by performance and then the number of output
tokens, `judge` by the judge's score and then the tokens, `hybrid` by performance and then the judge's score; every key is
sorted from high to low, so of two equally good answers **the longer one wins**. That is the default here; `length="shortest"`
turns it round. Three things differ, each on purpose. The script stops at the first wrong answer, which by judge's score may
stand anywhere: here wrong ones are passed over and the rest is looked at. It lets an answer without a performance through:
here a missing score never wins. Ties beyond its keys follow the order of its file, which is that of the LLMs: here the seed
draws among them, so that no LLM gains by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.exporters.corpora.answers import Answers, Coded, Floats, Mask, Places
from llmfusionbench.baselines.exporters.corpora.drops import Drops
from llmfusionbench.errors import InputError

Setting = Literal["perf", "judge", "hybrid", "baseline"]
SETTINGS: Final[tuple[Setting, ...]] = ("perf", "judge", "hybrid", "baseline")
Length = Literal["longest", "shortest"]
LENGTHS: Final[tuple[Length, ...]] = ("longest", "shortest")

GROUND_TRUTH: Final = -1
"""In place of an answer: the ground truth of the query."""


@dataclass(frozen=True)
class Chosen:
    """What a corpus will hold, n records by query."""

    query: Places
    """[n] places among the queries, ascending."""
    answer: Places
    """[n] places among the answers, or `GROUND_TRUTH`."""
    rank: Places
    """[n] of a record within its query, from 0."""
    rejected: Places | None = None
    """[n] for pairs, the answer that is the worse."""
    gap: Floats | None = None
    """[n] for pairs, by how much."""
    label: Mask | None = None
    """[n] for labelled answers, whether it is a good one."""

    def __len__(self) -> int:
        return len(self.query)

    def rows(self, which: Places | Mask) -> Chosen:
        """Some of the records, in the order asked for."""

        def of(column: npt.NDArray[np.generic] | None) -> npt.NDArray[np.generic] | None:
            return None if column is None else column[which]

        return Chosen(*(of(c) for c in (self.query, self.answer, self.rank, self.rejected, self.gap, self.label)))  # type: ignore[arg-type]


def good_answers(answers: Answers, rows: Places, setting: Setting, drops: Drops) -> Places:
    """Those of `rows` that may be learned from: performance above 0; for `judge`, judged, and not known to be wrong."""
    if setting == "judge":
        rows = drops.keep(rows, ~np.isnan(answers.judge[rows]), "unjudged")
    else:
        rows = drops.keep(rows, ~np.isnan(answers.performance[rows]), "unscored")
    return drops.keep(rows, ~(answers.performance[rows] <= 0), "wrong")


def ranked(answers: Answers, rows: Places, setting: Setting, length: Length, seed: int) -> Places:
    """`rows` by query, the best of each first."""
    tokens = answers.output_tokens[rows] * (-1 if length == "shortest" else 1)
    performance, judge = answers.performance[rows], answers.judge[rows]
    keys = {"perf": (performance, tokens), "judge": (judge, tokens), "hybrid": (performance, judge, tokens)}[setting]
    draw = draws(answers, seed)[rows]
    return rows[np.lexsort((draw, *(_descending(key) for key in reversed(keys)), answers.query[rows]))]


def draws(answers: Answers, seed: int, purpose: int = 0) -> Floats:
    """[N] a random number for every answer, whatever else is left out; another series for another purpose."""
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
        InputError: there are too few tasks for that.
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
            "Remedy: a higher --max-share"
        )
    draw = np.random.default_rng((seed, 2)).random(len(chosen))
    order = np.lexsort((draw, chosen.rank, codes))
    keep = np.zeros(len(chosen), bool)
    keep[order[positions(codes[order]) < low]] = True
    return keep


def _descending(key: Floats) -> Floats:
    """What sorts `key` from high to low, the missing last."""
    return np.where(np.isnan(key), np.inf, -key)
