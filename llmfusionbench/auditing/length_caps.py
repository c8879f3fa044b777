"""Lengths that many answers of an LLM share because a limit cut them off: a spike at the longest length, with open ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.auditing.counting import Bools
from llmfusionbench.auditing.score_gap import Sums, score_sums

Place = tuple[str, str, str]
"""LLM, mode and task: limits differ between them."""

LEAST: Final = 5
"""Answers that must share the longest length."""
_KEPT: Final = 32
"""Longest lengths that are kept for each place."""
_STEEP: Final = 3
"""How many times as many answers have the longest length as any other of the kept lengths."""
_OPEN: Final = 0.25
"""Least share of the answers at the limit that stop before their end: short answers of one form share their length, too."""


@dataclass
class AtLength:
    """The answers of one length."""

    open: int
    """Those that stop before their end."""
    closed: int
    """Those whose text could be complete."""
    scores: Sums
    """[2] `score_sums` of the closed ones."""


class LengthCaps:
    """The longest lengths of each LLM, mode and task.

    Args:
        shortest: Shortest limit that is looked for; the length of shorter answers follows from their form.
    """

    def __init__(self, shortest: int) -> None:
        self.shortest = shortest
        self.lengths: dict[Place, dict[int, AtLength]] = {}
        """Place -> length -> the answers of that length, for the `_KEPT` longest."""

    def add(
        self, batch: pa.RecordBatch, sizes: npt.NDArray[np.float64], is_open: Bools, scores: npt.NDArray[np.float64]
    ) -> None:
        """Count the answers of a batch by length.

        Args:
            batch: Names the LLM, mode and task of each answer.
            sizes: [n] length of each answer; NaN where it is unknown, or where it is known why the answer stopped.
            is_open: [n] whether the text stops before its end.
            scores: [n] score of each answer; NaN if missing.
        """
        codes = np.zeros(len(sizes), np.int64)
        names: list[tuple[str, ...]] = [()]
        for column in ("llm", "mode", "task"):
            encoded = batch[column].dictionary_encode()
            values = [str(value) for value in encoded.dictionary.to_pylist()]
            codes = codes * len(values) + encoded.indices.to_numpy()
            names = [(*name, value) for name in names for value in values]
        codes = np.where(np.isnan(sizes), -1, codes)
        for code in np.unique(codes[codes >= 0]).tolist():
            rows = np.flatnonzero(codes == code)
            llm, mode, task = names[code]
            place = (llm, mode, task)
            for length in np.unique(sizes[rows])[-_KEPT:].tolist():
                same = rows[sizes[rows] == length]
                closed = same[~is_open[same]]
                self._add(place, int(length), AtLength(same.size - closed.size, closed.size, score_sums(scores[closed])))
            self._trim(place)

    def merge(self, other: LengthCaps) -> None:
        """Add the counts of `other`."""
        for place, lengths in other.lengths.items():
            for length, found in lengths.items():
                self._add(place, length, found)
            self._trim(place)

    def caps(self) -> dict[Place, tuple[int, AtLength]]:
        """Place -> (limit, the answers at it), where the longest length is a spike."""
        return {place: spike for place in sorted(self.lengths) if (spike := self._spike(place)) is not None}

    def _spike(self, place: Place) -> tuple[int, AtLength] | None:
        lengths = self.lengths[place]
        longest = max(lengths)
        found = lengths[longest]
        count = found.open + found.closed
        others = max((at.open + at.closed for length, at in lengths.items() if length != longest), default=0)
        if longest < self.shortest or count < LEAST or count < _STEEP * others or found.open < _OPEN * count:
            return None
        return longest, found

    def _add(self, place: Place, length: int, found: AtLength) -> None:
        lengths = self.lengths.setdefault(place, {})
        before = lengths.get(length)
        if before is not None:
            found = AtLength(before.open + found.open, before.closed + found.closed, before.scores + found.scores)
        lengths[length] = found

    def _trim(self, place: Place) -> None:
        lengths = self.lengths[place]
        for length in sorted(lengths)[:-_KEPT]:
            del lengths[length]
