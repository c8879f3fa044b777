"""The routing table: queries x candidates as dense matrices, what a router is fitted and measured on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import Candidate

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.bool_] | npt.NDArray[np.int64] | Sequence[int]


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
    domains: list[str] = field(default_factory=list)
    """[Q] of the tasks; where none are handed in, the tasks themselves."""
    llm_info: dict[str, dict[str, Any]] = field(default_factory=dict)
    """LLM -> its row of the table `llms`: prices, scale, parameters, description, licence."""
    reward: Matrix | None = None
    """[Q, C] float32, what a scenario asks to maximise in place of performance; see `with_target`."""

    def __post_init__(self) -> None:
        if not self.domains:
            object.__setattr__(self, "domains", list(self.tasks))

    def __len__(self) -> int:
        return len(self.query_ids)

    def __repr__(self) -> str:
        missing = float(np.isnan(self.performance).mean()) if self.performance.size else 0.0
        return f"RoutingTable({len(self.query_ids):,} queries x {len(self.candidates)} candidates, {missing:.1%} unscored)"

    @property
    def target(self) -> Matrix:
        """[Q, C] float32, what a router is to maximise: performance, unless a scenario's reward was put in its place."""
        return self.performance if self.reward is None else self.reward

    def with_target(self, matrix: npt.ArrayLike) -> RoutingTable:
        """The same table with `matrix` [Q, C] as what a router is to maximise; NaN where missing.

        Raises:
            InputError: its shape is not that of the table.
        """
        reward = np.asarray(matrix, np.float32)
        if reward.shape != self.performance.shape:
            raise InputError(f"target: shape {reward.shape}, expected {self.performance.shape}. Remedy: one value a cell")
        return replace(self, reward=reward)

    def rows(self, which: Rows) -> RoutingTable:
        """Some queries, by a mask [Q] or by their indices, in the order asked for."""
        chosen = np.asarray(which)
        index = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        return replace(
            self,
            query_ids=[self.query_ids[i] for i in index],
            prompts=[self.prompts[i] for i in index],
            tasks=[self.tasks[i] for i in index],
            domains=[self.domains[i] for i in index],
            performance=self.performance[index],
            cost=self.cost[index],
            judge=self.judge[index],
            reward=None if self.reward is None else self.reward[index],
        )

    def columns(self, candidates: Sequence[str]) -> RoutingTable:
        """Some candidates, in the order asked for.

        Raises:
            UnknownNameError: the table has no such candidate.
        """
        place = {name: i for i, name in enumerate(self.candidates)}
        for name in candidates:
            if name not in place:
                raise UnknownNameError("candidate", name, self.candidates)
        index = np.array([place[name] for name in candidates], np.int64)
        return replace(
            self,
            candidates=list(candidates),
            performance=self.performance[:, index],
            cost=self.cost[:, index],
            judge=self.judge[:, index],
            reward=None if self.reward is None else self.reward[:, index],
        )

    def filter(
        self,
        *,
        tasks: Collection[str] | None = None,
        domains: Collection[str] | None = None,
        llms: Collection[str] | None = None,
        modes: Collection[str] | None = None,
        scales: Collection[str] | None = None,
        max_cost: float | None = None,
    ) -> RoutingTable:
        """The queries and candidates that meet every condition given.

        Args:
            tasks: Names of tasks.
            domains: Names of domains.
            llms: Names of LLMs, without their mode.
            modes: Of `direct` and `think`.
            scales: Of `small`, `medium` and `large`; an LLM whose scale is unknown meets none.
            max_cost: USD; the highest mean cost of an answer that a candidate may have. One of unknown cost does not meet it.

        Raises:
            UnknownNameError: a name that the table does not have.
        """
        split = [Candidate.parse(name) for name in self.candidates]
        scale_of = {llm: row.get("scale") for llm, row in self.llm_info.items()}
        has = {
            "task": (tasks, set(self.tasks)),
            "domain": (domains, set(self.domains)),
            "LLM": (llms, {c.llm for c in split}),
            "mode": (modes, {"direct", "think"}),
            "scale": (scales, {"small", "medium", "large"}),
        }
        for noun, (wanted, known) in has.items():
            for name in wanted or ():
                if name not in known:
                    raise UnknownNameError(noun, name, known)
        keep = [
            (llms is None or c.llm in llms)
            and (modes is None or c.mode in modes)
            and (scales is None or scale_of.get(c.llm) in scales)
            for c in split
        ]
        if max_cost is not None:
            keep = [k and mean <= max_cost for k, mean in zip(keep, column_means(self.cost), strict=True)]
        mask = np.ones(len(self), bool)
        if tasks is not None:
            mask &= np.array([t in tasks for t in self.tasks], bool)
        if domains is not None:
            mask &= np.array([d in domains for d in self.domains], bool)
        narrowed = self.columns([name for name, k in zip(self.candidates, keep, strict=True) if k])
        return narrowed if mask.all() else narrowed.rows(mask)

    @classmethod
    def from_view(
        cls, view: pa.Table, queries: pa.Table | None = None, llm_info: dict[str, dict[str, Any]] | None = None
    ) -> RoutingTable:
        """The matrices of a table `routing`.

        Args:
            view: Rows of `routing`.
            queries: Columns query_id and domain of `queries`; without them a task is its own domain.
            llm_info: LLM -> its row of `llms`.
        """
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

        domains: list[str] = []
        if queries is not None:
            found = pc.index_in(view.column("query_id"), value_set=queries["query_id"].combine_chunks())
            domains = pc.coalesce(queries["domain"].take(found), view.column("task")).to_pylist()
        return cls(
            query_ids=view.column("query_id").to_pylist(),
            prompts=view.column("prompt").to_pylist(),
            tasks=view.column("task").to_pylist(),
            candidates=candidates,
            performance=matrix("performance"),
            cost=matrix("cost_usd"),
            judge=matrix("judge_score"),
            domains=domains,
            llm_info=llm_info or {},
        )


def column_means(values: Matrix) -> npt.NDArray[np.float64]:
    """[C] means of the columns over the rows that have a value; NaN where none has."""
    given = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: npt.NDArray[np.float64] = np.where(given, values, 0).sum(axis=0, dtype=np.float64) / given.sum(axis=0)
    return means
