"""The routing table: queries x candidates as dense matrices, on which routers are fitted and measured."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release.failures import (
    MISSING,
    ZERO,
    check_policy,
    failures_as_missing,
    failures_as_zero,
    tasks_with_scores,
)
from llmfusionbench.types import DIRECT, THINK, Candidate

Matrix = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int32]
_Conditions = dict[str, tuple[Collection[str] | None, list[Any]]]
"""Noun -> (the names wanted or None for any, the name of each query or candidate)."""
Rows = npt.NDArray[np.bool_] | npt.NDArray[np.int64] | Sequence[int]


@dataclass(frozen=True)
class RoutingTable:
    """Q queries and C candidates, both identified by name."""

    query_ids: list[str]
    """[Q]"""
    prompts: list[str | None]
    """[Q] the text in direct mode; None if the log does not have it."""
    tasks: list[str]
    """[Q]"""
    candidates: list[str]
    """[C] sorted; `name` for an LLM in direct mode, `name_think` in think mode, `name@mode` in another."""
    performance: Matrix
    """[Q, C] float32, task metric from 0 to 1, the mean over replicates; NaN = missing. Failures: see `failure_policy`."""
    cost: Matrix
    """[Q, C] float32, USD, the mean over replicates; NaN = missing."""
    judge: Matrix
    """[Q, C] float32, mean of the judges' scores from 0 to 1; NaN = missing. Failures: see `failure_policy`."""
    domains: list[str] = field(default_factory=list)
    """[Q] of the tasks; by default the tasks themselves."""
    llm_info: dict[str, dict[str, Any]] = field(default_factory=dict)
    """LLM -> its row of the table `llms`."""
    replicates: Counts = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    """[Q, C] int32, number of answers behind each cell; by default 1 where any number is known, else 0."""
    reward: Matrix | None = None
    """[Q, C] float32, what a scenario maximises instead of performance; see `with_target`."""
    failures: Counts = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    """[Q, C] int32, number of failed answers of each cell; by default 0. See `llmfusionbench.release.failures`."""
    scored: Counts = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    """[Q, C] int32, number of answers with a performance; by default all that did not fail, where there is a performance."""
    scored_tasks: frozenset[str] = frozenset()
    """Tasks with performances elsewhere in the release, besides those in this table."""
    failure_policy: str | None = None
    """What failures count as: `zero` or `missing`, see `with_failures`. None: missing in `performance`, and 0 in `target`."""

    def __post_init__(self) -> None:
        if not self.domains:
            object.__setattr__(self, "domains", list(self.tasks))
        if self.replicates.shape != self.performance.shape:
            known = ~(np.isnan(self.performance) & np.isnan(self.cost) & np.isnan(self.judge))
            object.__setattr__(self, "replicates", known.astype(np.int32))
        if self.failures.shape != self.performance.shape:
            object.__setattr__(self, "failures", np.zeros(self.performance.shape, np.int32))
        if self.scored.shape != self.performance.shape:
            count = np.where(np.isnan(self.performance), 0, np.maximum(self.replicates - self.failures, 1))
            object.__setattr__(self, "scored", count.astype(np.int32))

    def __len__(self) -> int:
        return len(self.query_ids)

    def __repr__(self) -> str:
        missing = float(np.isnan(self.performance).mean()) if self.performance.size else 0.0
        return f"RoutingTable({len(self.query_ids):,} queries x {len(self.candidates)} candidates, {missing:.1%} unscored)"

    @property
    def target(self) -> Matrix:
        """[Q, C] float32, what a router maximises: the reward of a scenario, or else performance, in which failures are 0."""
        if self.reward is not None:
            return self.reward
        return self.performance if self.failure_policy is not None else self.with_failures(ZERO).performance

    @property
    def all_failed(self) -> bool:
        """Whether it has answers, all of them failed, and none counts as 0."""
        unknown = np.isnan(self.performance).all() and np.isnan(self.judge).all()
        return bool(unknown and self.failures.any() and (self.replicates <= self.failures).all())

    def with_target(self, matrix: npt.ArrayLike) -> RoutingTable:
        """The same table with `matrix` [Q, C] as what a router maximises. Raises InputError for a different shape."""
        reward = np.asarray(matrix, np.float32)
        if reward.shape != self.performance.shape:
            raise InputError(
                f"target: shape {reward.shape}, expected {self.performance.shape}. Remedy: give one value per cell"
            )
        return replace(self, reward=reward)

    def with_failures(self, policy: str) -> RoutingTable:
        """The same table with failures worth 0 (`zero`), or as unknown as answers never asked for (`missing`).

        It has no reward, which depends on the policy. Raises UnknownNameError for another policy.
        """
        if check_policy(policy) == self.failure_policy:
            return self
        answered = self.replicates > self.failures
        found: dict[str, Any] = {}
        for name, scored in (("performance", self.scored), ("judge", np.where(answered, self.replicates - self.failures, 0))):
            values = getattr(self, name)
            if policy == MISSING:
                found[name] = failures_as_missing(values, self.failures, scored) if self.failure_policy == ZERO else values
                continue
            tasks = tasks_with_scores(values, self.tasks) | (self.scored_tasks if name == "performance" else frozenset())
            in_task = np.array([task in tasks for task in self.tasks], bool)
            found[name] = failures_as_zero(values, self.failures, scored, answered, in_task)
        return replace(self, **found, reward=None, failure_policy=policy)

    def rows(self, which: Rows) -> RoutingTable:
        """Some queries, by a mask [Q] or by their indices, in the order given."""
        chosen = np.asarray(which)
        index = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        return replace(
            self,
            query_ids=[self.query_ids[i] for i in index],
            prompts=[self.prompts[i] for i in index],
            tasks=[self.tasks[i] for i in index],
            domains=[self.domains[i] for i in index],
            **self._cells(index),
        )

    def columns(self, candidates: Sequence[str]) -> RoutingTable:
        """Some candidates, in the order given. Raises UnknownNameError for one that the table does not have."""
        place = {name: i for i, name in enumerate(self.candidates)}
        for name in candidates:
            if name not in place:
                raise UnknownNameError("candidate", name, self.candidates)
        index = np.array([place[name] for name in candidates], np.int64)
        return replace(self, candidates=list(candidates), **self._cells((slice(None), index)))

    def _cells(self, index: Any) -> dict[str, Any]:
        """The matrices at `index`."""
        names = ("performance", "cost", "judge", "replicates", "failures", "scored", "reward")
        matrices = {name: getattr(self, name) for name in names}
        return {name: matrix[index] for name, matrix in matrices.items() if matrix is not None}

    def cells_of(
        self, matrix: npt.NDArray[Any], query_ids: Sequence[str], candidates: Sequence[str]
    ) -> npt.NDArray[np.float64]:
        """[len(query_ids), len(candidates)] the cells of `matrix` [Q, C]; NaN for queries and candidates that are not here."""
        row, column = ({name: i for i, name in enumerate(names)} for names in (self.query_ids, self.candidates))
        wide = np.full((len(self) + 1, len(self.candidates) + 1), np.nan)
        wide[:-1, :-1] = matrix
        found: npt.NDArray[np.float64] = wide[
            np.ix_([row.get(query, -1) for query in query_ids], [column.get(name, -1) for name in candidates])
        ]
        return found

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
            llms: Names of LLMs, without a mode.
            modes: Names of modes, such as `direct` and `think`.
            scales: Any of `small`, `medium` and `large`; an LLM of unknown scale meets none.
            max_cost: Highest mean cost per answer of a candidate, USD; one of unknown cost does not meet it.

        Raises:
            UnknownNameError: the table does not have one of the names.
        """
        split = [Candidate.parse(name) for name in self.candidates]
        by_query: _Conditions = {"task": (tasks, self.tasks), "domain": (domains, self.domains)}
        by_candidate: _Conditions = {
            "LLM": (llms, [c.llm for c in split]),
            "mode": (modes, [c.mode for c in split]),
            "scale": (scales, [self.llm_info.get(c.llm, {}).get("scale") for c in split]),
        }
        fixed = {"mode": {DIRECT, THINK, *(c.mode for c in split)}, "scale": {"small", "medium", "large"}}
        for noun, (wanted, values) in (by_query | by_candidate).items():
            known = fixed[noun] if noun in fixed else set(values)
            for name in wanted or ():
                if name not in known:
                    raise UnknownNameError(noun, name, known)
        keep = _meet(by_candidate, len(split))
        if max_cost is not None:
            keep &= column_means(self.cost) <= max_cost
        narrowed = self.columns([name for name, kept in zip(self.candidates, keep, strict=True) if kept])
        mask = _meet(by_query, len(self))
        return narrowed if mask.all() else narrowed.rows(mask)

    @classmethod
    def from_view(
        cls, view: pa.Table, queries: pa.Table | None = None, llm_info: dict[str, dict[str, Any]] | None = None
    ) -> RoutingTable:
        """The matrices of the table `routing`, whose failures are missing; see `with_failures`.

        Args:
            view: Rows of `routing`.
            queries: Columns query_id and domain of `queries`; without them, tasks serve as domains.
            llm_info: LLM -> its row of `llms`.
        """
        lists = view.column("candidates").combine_chunks()
        lists = lists if isinstance(lists, pa.Array) else pa.concat_arrays(lists.chunks)
        cells = lists.flatten()
        names = cells.field("candidate").dictionary_encode()
        named = names.dictionary.to_pylist()
        candidates = sorted(named)
        place = {name: i for i, name in enumerate(candidates)}
        shape = len(lists), len(candidates)
        rows = np.repeat(np.arange(len(lists)) * len(candidates), np.asarray(lists.value_lengths()))
        # Where each cell goes in a matrix whose rows stand one after another.
        places = rows + np.array([place[name] for name in named], np.int64)[names.indices.to_numpy()]

        def matrix(field: str) -> Matrix:
            dense = np.full(len(lists) * len(candidates), np.nan, np.float32)
            dense[places] = cells.field(field).to_numpy(zero_copy_only=False)
            return dense.reshape(shape)

        def given(field: str) -> npt.NDArray[np.int64]:
            return np.asarray(cells.field(field).is_valid().to_numpy(zero_copy_only=False), np.int64)

        def known() -> npt.NDArray[np.int64]:
            return given("performance") | given("cost_usd") | given("judge_score")

        def counts(field: str, default: Callable[[], npt.NDArray[np.int64]]) -> Counts:
            dense = np.zeros(len(lists) * len(candidates), np.int32)
            found = cells.field(field) if cells.type.get_field_index(field) >= 0 else pa.nulls(len(cells), pa.int64())
            if found.null_count:
                found = pc.coalesce(found, pa.array(default()))
            dense[places] = found.to_numpy(zero_copy_only=False)
            return dense.reshape(shape)

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
            # Null in a release of schema 1.0, whose candidates have one answer each, and where a candidate was never asked.
            replicates=counts("replicates", known),
            failures=counts("failures", lambda: np.zeros(len(cells), np.int64)),
            scored=counts("scored", lambda: given("performance")),
            llm_info=llm_info or {},
        )


def _meet(conditions: _Conditions, n: int) -> npt.NDArray[np.bool_]:
    """[n] whether each value is one of those wanted, in all conditions."""
    met = np.ones(n, bool)
    for wanted, values in conditions.values():
        if wanted is not None:
            met &= np.array([value in wanted for value in values], bool)
    return met


def comparable_means(values: Matrix) -> npt.NDArray[np.float64]:
    """[C] means of the columns as if each had a value in every row: `column_means` where no value is missing.

    A candidate asked only easy questions is not the better one for it. The means are those of the additive model row + column,
    by least squares; NaN for a column without values. Groups of columns that share no row, not even through others, cannot be
    compared so, and each keeps the level of its rows.
    """
    from scipy.sparse.csgraph import connected_components

    given = ~np.isnan(values)
    means = column_means(values)
    if given.all() or not given.any():
        return means
    rows = given[given.any(axis=1)].astype(np.float64)
    known = np.where(given, values, 0)[given.any(axis=1)].astype(np.float64)
    per_row = rows.sum(axis=1)
    # The normal equations of the columns, once those of the rows are solved.
    shared = rows.T @ (rows / per_row[:, None])
    left = np.diag(rows.sum(axis=0)) - shared
    right = known.sum(axis=0) - rows.T @ (known.sum(axis=1) / per_row)
    effect = np.linalg.lstsq(left, right, rcond=None)[0]
    level = (known.sum(axis=1) - rows @ effect) / per_row
    group = connected_components(shared > 0, directed=False)[1]
    group_of_row = group[rows.argmax(axis=1)]
    base = np.array([level[group_of_row == g].mean() if (group_of_row == g).any() else np.nan for g in group])
    adjusted: npt.NDArray[np.float64] = np.where(given.any(axis=0), effect + base, np.nan)
    return adjusted


def column_means(values: Matrix) -> npt.NDArray[np.float64]:
    """[C] means of the columns over the rows that have a value; NaN if none has."""
    given = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: npt.NDArray[np.float64] = np.where(given, values, 0).sum(axis=0, dtype=np.float64) / given.sum(axis=0)
    return means
