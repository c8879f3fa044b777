"""The routing table: queries x candidates as dense matrices, what a router is fitted and measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class RoutingTable:
    """Q queries and C candidates; rows and columns are named, never counted on."""

    query_ids: list[str]
    """[Q]"""
    prompts: list[str | None]
    """[Q] the text in direct mode; null where the log does not hold it."""
    tasks: list[str]
    """[Q]"""
    candidates: list[str]
    """[C] `name` for the direct mode of an LLM, `name_think` for its think mode; sorted."""
    performance: Matrix
    """[Q, C] float32, task metric from 0 to 1; NaN where missing."""
    cost: Matrix
    """[Q, C] float32, USD; NaN where missing."""
    judge: Matrix
    """[Q, C] float32, mean of the judges' scores from 0 to 1; NaN where missing."""

    def __repr__(self) -> str:
        missing = float(np.isnan(self.performance).mean()) if self.performance.size else 0.0
        return f"RoutingTable({len(self.query_ids):,} queries x {len(self.candidates)} candidates, {missing:.1%} unscored)"

    @classmethod
    def from_view(cls, view: pa.Table) -> RoutingTable:
        """The matrices of a table `routing`."""
        lists = view.column("candidates").combine_chunks()
        lists = lists if isinstance(lists, pa.Array) else pa.concat_arrays(lists.chunks)
        cells = lists.flatten()
        names = cells.field("candidate").dictionary_encode()
        candidates = sorted(names.dictionary.to_pylist())
        place = {name: i for i, name in enumerate(candidates)}
        columns = np.array([place[n] for n in names.dictionary.to_pylist()], np.int64)[names.indices.to_numpy()]
        rows = np.repeat(np.arange(len(lists)), np.asarray(lists.value_lengths()))

        def matrix(field: str) -> Matrix:
            dense = np.full((len(lists), len(candidates)), np.nan, np.float32)
            dense[rows, columns] = cells.field(field).to_numpy(zero_copy_only=False)
            return dense

        return cls(
            query_ids=view.column("query_id").to_pylist(),
            prompts=view.column("prompt").to_pylist(),
            tasks=view.column("task").to_pylist(),
            candidates=candidates,
            performance=matrix("performance"),
            cost=matrix("cost_usd"),
            judge=matrix("judge_score"),
        )
