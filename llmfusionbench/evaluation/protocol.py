"""Protocols: the queries and candidates on which a router is fitted, and those on which it is tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.evaluation.scenario import Scaling, Scenario
from llmfusionbench.release.failures import ZERO, check_policy
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.types import Candidate

PROTOCOLS: Final = ("split", "kfold", "leave_one_task_out", "leave_one_llm_out", "learning_curve", "guarded")
"""Names of the protocols."""

CURVE_SIZES: Final = (0.1, 0.25, 0.5, 1.0)
"""Shares of train on the learning curve."""


@dataclass(frozen=True)
class Protocol:
    """A protocol and its settings, which `evaluate` describes.

    Raises:
        UnknownNameError: There is no protocol of this name, or no such policy for failures.
        InputError: A setting of another protocol is given.
    """

    name: str
    split: str | None = None
    folds: int = 5
    ood_tasks: Sequence[str] = ()
    probes: int = 50
    curve_sizes: Sequence[float] = CURVE_SIZES
    seed: int = 0
    failures: str = ZERO

    def __post_init__(self) -> None:
        if self.name not in PROTOCOLS:
            raise UnknownNameError("protocol", self.name, PROTOCOLS)
        check_policy(self.failures)
        if self.ood_tasks and self.name != "guarded":
            raise InputError(
                f"{self.name}: --ood-task works only with --protocol guarded. Remedy: choose that protocol or drop it"
            )

    def tables(self, source: Any) -> tuple[RoutingTable | None, RoutingTable]:
        """(train, test) of a release or of tables, their failures as the policy says; train is None for folds of one table.

        Raises InputError for others.
        """
        train, test = self._given(source)
        return None if train is None else train.with_failures(self.failures), test.with_failures(self.failures)

    def _given(self, source: Any) -> tuple[RoutingTable | None, RoutingTable]:
        one = self.name in ("kfold", "leave_one_task_out")
        if isinstance(source, RoutingTable):
            if not one:
                raise InputError(f"{self.name}: one table, expected a (train, test) pair. Remedy: choose protocol kfold")
            return None, source
        if isinstance(source, tuple):
            if one:
                raise InputError(
                    f"{self.name}: got a (train, test) pair, expected one table: this protocol makes its own folds"
                )
            return source
        if one:
            return None, source.routing(self.split)
        tested = self.split or "test"
        for name in ("train", tested):
            if name not in source.splits:
                raise InputError(
                    f"{source.path}: has no split {name!r}, only {', '.join(source.splits)}. Remedy: choose --protocol kfold"
                )
        return source.routing("train"), source.routing(tested)

    def make(self, train: RoutingTable | None, test: RoutingTable, scenario: Scenario) -> list[Fold]:
        """The folds of the tables that `tables` gave."""
        if train is None:
            if self.name == "kfold":
                return list(kfold(test, scenario, folds=self.folds, seed=self.seed))
            return list(leave_one_task_out(test, scenario))
        both = set(train.query_ids) & set(test.query_ids)
        if both:
            raise InputError(f"{len(both)} queries are in train and in test, such as {min(both)}. Remedy: split by query_id")
        if self.name == "leave_one_llm_out":
            return list(leave_one_llm_out(train, test, scenario, probes=self.probes, seed=self.seed))
        if self.name == "guarded":
            return list(guarded(train, test, scenario, ood_tasks=self.ood_tasks))
        return [_fold("split", train, test, scenario)]

    def curve(self, train: RoutingTable | None, test: RoutingTable, scenario: Scenario) -> Iterator[Fold]:
        """Folds of growing train tables, each containing the one before; none unless the protocol is `learning_curve`."""
        if self.name != "learning_curve" or train is None:
            return
        order = np.random.default_rng(self.seed).permutation(len(train))
        for size in self.curve_sizes:
            if not 0 < size <= 1:
                raise InputError(f"learning curve: size {size}, expected a share of the train queries, above 0 and up to 1")
            some = train.rows(np.sort(order[: max(1, round(size * len(train)))]))
            yield _fold(f"{len(some)} train queries", some, test, scenario)

    def facts(self, folds: int) -> dict[str, Any]:
        """The name, number of folds and settings for the report."""
        own: dict[str, dict[str, Any]] = {
            "guarded": {"ood_tasks": sorted(self.ood_tasks)},
            "leave_one_llm_out": {"probes": self.probes},
        }
        return {"name": self.name, "folds": folds, **own.get(self.name, {})}


@dataclass(frozen=True)
class Fold:
    """One fit and its test; `target` of both tables is the scenario's reward on the scale of this train table."""

    name: str
    train: RoutingTable
    test: RoutingTable
    held_out: RoutingTable | None = None
    """Candidates that are not in train, with their scores on some train queries; only for leave-one-LLM-out."""
    out_of_distribution: frozenset[str] = frozenset()
    """Tasks of the test table that a guarded router must decline."""


def kfold(table: RoutingTable, scenario: Scenario, *, folds: int, seed: int) -> Iterator[Fold]:
    """Every query is tested once; folds are even in every task. Raises InputError if there are too few folds or queries."""
    if folds < 2 or len(table) < folds:
        raise InputError(f"kfold: {folds} folds of {len(table)} queries, expected at least 2 folds and a query for each")
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(table)), np.array(table.tasks)))
    of = np.empty(len(table), np.int64)
    of[order] = np.arange(len(table)) % folds
    for k in range(folds):
        yield _fold(f"fold {k + 1}", table.rows(of != k), table.rows(of == k), scenario)


def leave_one_task_out(table: RoutingTable, scenario: Scenario) -> Iterator[Fold]:
    """Every task in turn is tested by a router that has not seen it. Raises InputError for a single task."""
    tasks = np.array(table.tasks, object)
    if len(set(table.tasks)) < 2:
        raise InputError(f"leave_one_task_out: the release has one task, {table.tasks[:1]}, expected two or more")
    for task in sorted(set(table.tasks)):
        yield _fold(f"without {task}", table.rows(tasks != task), table.rows(tasks == task), scenario)


def leave_one_llm_out(train: RoutingTable, test: RoutingTable, scenario: Scenario, *, probes: int, seed: int) -> Iterator[Fold]:
    """Every LLM in turn, in all its modes, is an unseen candidate. Raises InputError for a single LLM."""
    llms = sorted({Candidate.parse(name).llm for name in train.candidates})
    if len(llms) < 2:
        raise InputError(f"leave_one_llm_out: the release has one LLM, {llms}, expected two or more")
    shown = np.sort(np.random.default_rng(seed).permutation(len(train))[:probes])
    for llm in llms:
        unseen = [name for name in train.candidates if Candidate.parse(name).llm == llm]
        seen = [name for name in train.candidates if name not in unseen]
        fold = _fold(f"without {llm}", train.columns(seen), test, scenario)
        scaling = Scaling.fit(fold.train)
        held_out = train.columns(unseen).rows(shown)
        yield replace(fold, held_out=held_out.with_target(scaling.reward(held_out, scenario)))


def guarded(train: RoutingTable, test: RoutingTable, scenario: Scenario, *, ood_tasks: Sequence[str]) -> Iterator[Fold]:
    """The `ood_tasks` are only in test, where they should be declined (GQR-Bench). Raises InputError for none or all tasks."""
    known = set(test.tasks) | set(train.tasks)
    if not ood_tasks or not set(ood_tasks) < known:
        raise InputError(
            f"guarded: out-of-distribution tasks {sorted(ood_tasks)}, expected some but not all of {', '.join(sorted(known))}"
        )
    inside = np.array([task not in ood_tasks for task in train.tasks], bool)
    yield replace(_fold("guarded", train.rows(inside), test, scenario), out_of_distribution=frozenset(ood_tasks))


def _fold(name: str, train: RoutingTable, test: RoutingTable, scenario: Scenario) -> Fold:
    if not len(train) or not len(test):
        raise InputError(f"{name}: {len(train)} train and {len(test)} test queries, expected some of both. Remedy: try kfold")
    scaling = Scaling.fit(train)
    return Fold(name, train.with_target(scaling.reward(train, scenario)), test.with_target(scaling.reward(test, scenario)))


def widened(table: RoutingTable, candidates: Sequence[str]) -> RoutingTable:
    """`table` with exactly these candidates; values of new ones are missing."""
    extra = [name for name in candidates if name not in table.candidates]
    blank, none = (np.full((len(table), len(extra)), value, kind) for value, kind in ((np.nan, np.float32), (0, np.int32)))
    matrices: dict[str, Any] = {n: np.hstack([getattr(table, n), blank]) for n in ("performance", "cost", "judge")}
    matrices |= {name: np.hstack([getattr(table, name), none]) for name in ("replicates", "failures", "scored")}
    return replace(table, candidates=[*table.candidates, *extra], **matrices, reward=None).columns(candidates)
