"""What a fault costs: the mean score of the answers that have it, against that of the LLM's other answers."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.auditing.counting import Bools, lower_share, numbers

_UNIT: Final = 2**20
"""Scores are added up as integers of this unit, so that the sum does not depend on the order."""
Sums = npt.NDArray[np.int64]


def score_sums(scores: npt.ArrayLike) -> Sums:
    """[2] number of scores and their sum, in whole units; NaN is not counted."""
    values = np.asarray(scores, np.float64)
    units = np.rint(np.clip(values[~np.isnan(values)], 0, 1) * _UNIT).astype(np.int64)
    return np.array([units.size, units.sum()], np.int64)


class ScoreGap:
    """Sums of the scores (0 to 1) of each LLM, with and without the fault."""

    def __init__(self) -> None:
        self.sums: dict[str, Sums] = {}
        """LLM -> [2, 2] `score_sums` of its answers without and with the fault."""

    def add(self, batch: pa.RecordBatch, hits: Bools) -> None:
        """Take the column `performance` of a batch into account; `hits` [n] have the fault."""
        scores = numbers(batch["performance"])
        llms = batch["llm"].dictionary_encode()
        codes = llms.indices.to_numpy()
        for code, llm in enumerate(llms.dictionary.to_pylist()):
            mine = codes == code
            self.add_sums(llm, np.stack([score_sums(scores[mine & ~hits]), score_sums(scores[mine & hits])]))

    def add_sums(self, llm: str, sums: Sums) -> None:
        """Add [2, 2] sums of an LLM."""
        self.sums[llm] = self.sums.get(llm, np.zeros((2, 2), np.int64)) + sums

    def move(self, llm: str, sums: Sums) -> None:
        """Count the answers behind [2] sums as ones with the fault, which were counted as ones without it."""
        self.add_sums(llm, np.stack([-sums, sums]))

    def merge(self, other: ScoreGap) -> None:
        """Add the sums of `other`."""
        for llm, sums in other.sums.items():
            self.add_sums(llm, sums)

    def sentence(self, llm: str) -> str:
        """The two means with their 95% intervals, and what the fault costs the LLM's mean score; empty without scores."""
        without, with_fault = self.sums.get(llm, np.zeros((2, 2), np.int64)).tolist()
        if not with_fault[0] or not without[0]:
            return ""
        cost = (_mean(without) - _mean(with_fault)) * with_fault[0] / (with_fault[0] + without[0])
        means = f"mean score {_interval(with_fault)} against {_interval(without)} of its others"
        return f"{means}, a loss of {100 * cost:.1f} points"


def _mean(sums: list[int]) -> float:
    return sums[1] / sums[0] / _UNIT


def _interval(sums: list[int]) -> str:
    """The mean with Wilson's 95% interval, which is wide enough: no scores from 0 to 1 vary more than zeros and ones."""
    count, mean = sums[0], _mean(sums)
    low, high = lower_share(mean * count, count), 1 - lower_share((1 - mean) * count, count)
    return f"{mean:.2f} ({low:.2f} to {high:.2f})"
