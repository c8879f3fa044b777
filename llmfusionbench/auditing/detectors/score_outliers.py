"""LLMs that do far worse or better in one task than their other scores let expect."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.auditing.counting import Floats, example_of, numbers
from llmfusionbench.auditing.finding import EXAMPLES, Example, Finding, Place
from llmfusionbench.types import Candidate

MIN_CANDIDATES: Final = 5
"""Smallest number of candidates, so that there is something to compare with."""
MIN_TASKS: Final = 4
"""Smallest number of tasks: with fewer, the effect of an LLM is hardly known without the task in question."""
MIN_SCORES: Final = 20
"""Smallest number of scores of a candidate in a task."""
Z: Final = 4.0
"""Robust z-score from which a residual is an outlier."""
GAP: Final = 0.1
"""Smallest difference between the score and the expected one."""
_ILLUSTRATED: Final = 2_000
"""Number of (candidate, task) for which an example is kept."""
_TO_SD: Final = 1.4826
"""A normal distribution has a standard deviation of this number of median absolute deviations."""

Cell = tuple[str, str]
"""Candidate and task."""


class Outlier(NamedTuple):
    """A score that is far from what is expected."""

    cell: Cell
    score: float
    expected: float
    z: float


class ScoreOutliers:
    """Fits log odds of the mean score = LLM + task by median polish, and looks for outliers among the residuals.

    A residual is divided by the largest of three standard deviations: of all residuals and of those of the task (from the
    median absolute deviation), and the sampling error of the score itself.
    """

    name = "score_outliers"
    columns = ("performance", "prompt", "response", "ground_truth")

    def __init__(self) -> None:
        self.cells: dict[Cell, list[float]] = {}
        """Cell -> [sum of the scores, number of scores]."""
        self.examples: dict[Cell, tuple[float, Example]] = {}
        """Cell -> the score of an answer and that answer, a wrong one if there is one."""

    def look(self, batch: pa.RecordBatch) -> None:
        """Add up the scores of each cell."""
        scores = numbers(batch["performance"])
        names, code = np.unique(_cell_codes(batch), return_inverse=True)
        known = ~np.isnan(scores)
        sums = np.bincount(code[known], weights=scores[known], minlength=len(names))
        counts = np.bincount(code[known], minlength=len(names))
        lowest = np.lexsort((scores, code))  # NaN comes last
        first = lowest[np.searchsorted(code[lowest], np.arange(len(names)))]
        for i in np.flatnonzero(counts):
            row = int(first[i])
            llm, mode, task = (batch[column][row].as_py() for column in ("llm", "mode", "task"))
            cell = (Candidate(llm, mode).name, task)
            total = self.cells.setdefault(cell, [0.0, 0.0])
            total[0] += float(sums[i])
            total[1] += float(counts[i])
            self._keep(cell, float(scores[row]), batch, row)

    def merge(self, other: Self) -> None:
        """Add the sums of `other`."""
        for cell, (total, count) in other.cells.items():
            mine = self.cells.setdefault(cell, [0.0, 0.0])
            mine[0] += total
            mine[1] += count
        for cell, (score, example) in other.examples.items():
            if self._wants(cell, score):
                self.examples[cell] = (score, example)

    def findings(self) -> list[Finding]:
        """One finding for all outliers."""
        found = outliers_of(self.cells)
        if not found:
            return []
        words = [f"{' in '.join(o.cell)} has {o.score:.3f}, where {o.expected:.3f} is expected (z {o.z:+.1f})" for o in found]
        answers = [
            replace(self.examples[o.cell][1], note=f"{words[i]}; this answer scores {self.examples[o.cell][0]:.3g}.")
            for i, o in enumerate(found)
            if o.cell in self.examples
        ]
        counts = [int(self.cells[o.cell][1]) for o in found]
        return [
            Finding(
                detector=self.name,
                title="Scores that do not fit the LLM",
                what="; ".join(words[:3]) + (f"; and {len(words) - 3} more." if len(words) > 3 else "."),
                count=sum(counts),
                total=int(sum(count for _, count in self.cells.values())),
                remedy="Read answers of this LLM in this task: cut off, refused, in another format, or scored in another way?",
                severity="medium",
                places=[Place("llm / task", " / ".join(o.cell), count, count) for o, count in zip(found, counts, strict=True)],
                examples=answers[:EXAMPLES],
            )
        ]

    def _wants(self, cell: Cell, score: float) -> bool:
        if cell in self.examples:
            return score < self.examples[cell][0]
        return len(self.examples) < _ILLUSTRATED

    def _keep(self, cell: Cell, score: float, batch: pa.RecordBatch, row: int) -> None:
        if self._wants(cell, score):
            texts = {"prompt": "prompt", "answer": "response", "ground truth": "ground_truth"}
            self.examples[cell] = (score, example_of(batch, row, texts))


def outliers_of(cells: dict[Cell, list[float]]) -> list[Outlier]:
    """The outliers among the mean scores of cells, the largest z-score first; none if there are too few cells to judge.

    The log odds are those of (sum + 1/2) successes and (count - sum + 1/2) failures (Haldane 1956); the median polish is
    Tukey's (1977).
    """
    full = {cell: (total, count) for cell, (total, count) in cells.items() if count >= MIN_SCORES}
    candidates, tasks = sorted({c for c, _ in full}), sorted({t for _, t in full})
    if len(candidates) < MIN_CANDIDATES or len(tasks) < MIN_TASKS:
        return []
    wins, fails = (np.full((len(candidates), len(tasks)), np.nan) for _ in range(2))
    row, column = ({name: i for i, name in enumerate(names)} for names in (candidates, tasks))
    for (candidate, task), (total, count) in full.items():
        place = row[candidate], column[task]
        wins[place], fails[place] = total + 0.5, count - total + 0.5
    odds = np.log(wins / fails)
    residuals = polished(odds)
    spread = np.maximum(
        np.maximum(_TO_SD * np.nanmedian(np.abs(residuals)), _TO_SD * np.nanmedian(np.abs(residuals), axis=0)),
        np.sqrt(1 / wins + 1 / fails),
    )
    z = residuals / spread
    score, expected = wins / (wins + fails), 1 / (1 + np.exp(residuals - odds))
    rows, columns = np.nonzero((np.abs(np.nan_to_num(z)) >= Z) & (np.abs(score - expected) >= GAP))
    found = [
        Outlier((candidates[i], tasks[j]), float(score[i, j]), float(expected[i, j]), float(z[i, j]))
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    return sorted(found, key=lambda o: (-abs(o.z), o.cell))


def polished(values: Floats, rounds: int = 10) -> Floats:
    """The residuals [L, T] of a median polish of `values` [L, T]; NaN is missing."""
    residuals = values.copy()
    for _ in range(rounds):
        residuals -= np.nan_to_num(np.nanmedian(residuals, axis=1, keepdims=True))
        residuals -= np.nan_to_num(np.nanmedian(residuals, axis=0, keepdims=True))
    return residuals


def _cell_codes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """[n] a number for the LLM, mode and task of each row."""
    codes = np.zeros(batch.num_rows, np.int64)
    for column in ("llm", "mode", "task"):
        encoded = batch[column].dictionary_encode()
        codes = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
    return codes
