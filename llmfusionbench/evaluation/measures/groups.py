"""Means over all rows of a trial, and over its tasks and domains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics import Floats, Linear, Sample, ratio

Mask = npt.NDArray[np.bool_]


class Groups:
    """Means over the rows that take part, and within each task or domain.

    Args:
        tasks: [R] task of each row.
        domains: [R] domain of each row.
        sample: The queries of the rows.
        rows: Mask [R] of the rows that take part.
    """

    def __init__(self, tasks: Sequence[str], domains: Sequence[str], sample: Sample, rows: Mask) -> None:
        self.sample, self.rows = sample, rows
        self._codes: dict[str, tuple[list[str], npt.NDArray[np.int64]]] = {}
        for level, labels in (("task", tasks), ("domain", domains)):
            names = sorted({name for name, takes_part in zip(labels, rows, strict=True) if takes_part})
            place = {name: i for i, name in enumerate(names)}
            self._codes[level] = names, np.array([place.get(name, -1) for name in labels], np.int64)

    @property
    def tasks(self) -> npt.NDArray[np.int64]:
        """[R] number of each row's task."""
        return self._codes["task"][1]

    def members(self, level: str) -> dict[str, Mask]:
        """Task or domain -> mask [R] of its rows that take part."""
        names, codes = self._codes[level]
        return {name: self.rows & (codes == i) for i, name in enumerate(names)}

    def micro(self, values: npt.ArrayLike) -> Linear:
        """The mean of `values` [R] over the rows."""
        return self.sample.mean(values, self.rows)

    def macro(self, values: npt.ArrayLike) -> Linear:
        """The mean over tasks of their means; a task without values does not count."""
        return self.sample.macro(values, self.tasks, self.rows)

    def macro_values(self, matrix: Floats) -> Floats:
        """[K] `macro` of each column of `matrix` [R, K], without its variance."""
        means = np.array([column_ratios(matrix[members]) for members in self.members("task").values()])
        if not len(means):
            return np.full(matrix.shape[1], np.nan)
        known = ~np.isnan(means)
        return ratio(np.where(known, means, 0.0).sum(axis=0), known.sum(axis=0))


def column_ratios(matrix: Floats) -> Floats:
    """[K] means of the values of each column; NaN without any."""
    known = ~np.isnan(matrix)
    return ratio(np.where(known, matrix, 0.0).sum(axis=0), known.sum(axis=0))
