"""The choices of a router for the queries of a table, checked; all faults are reported at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import RoutingTable, column_means, comparable_means

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_SHOWN: Final = 200
"""Maximum number of characters shown of an unknown name, which may come from a server."""


@dataclass(frozen=True)
class Decisions:
    """The choices of a router for Q queries among the C candidates of a table."""

    choice: Indices
    """[Q] column of the candidate; -1 for a declined or missing choice."""
    declined: Mask
    """[Q] whether the router declined the query."""
    scores: npt.NDArray[np.float64] | None
    """[Q, C] scores, higher is better; -inf for unknown candidates. None for a router that only chooses."""
    faults: tuple[str, ...] = ()
    """The faults behind missing choices, one line each."""


def decide(router: Any, table: RoutingTable, train: RoutingTable, *, may_decline: bool = False) -> Decisions:
    """Ask a router for its choices.

    Ties between equal scores go to the candidate with the lowest expected cost, its mean cost in train on the query's task,
    then to the first name. What the answers to the tested queries cost decides only for a bound, such as the oracle.

    Args:
        router: Fitted, if it has `fit`.
        table: The queries, and the candidates that may be chosen.
        train: The table it was fitted on; its candidates are the columns of the scores unless the router names others.
        may_decline: Whether it may leave queries without a choice (the guarded track).

    Raises:
        InputError: The result does not have the shape of scores or choices.
    """
    if getattr(router, "needs_truth", False):
        seen = from_scores(router.score_table(table), table.candidates, table, may_decline=may_decline)
        assert seen.scores is not None
        return _tied(seen, table.cost, table.candidates)  # it sees the cost of each answer, too
    if hasattr(router, "decide"):
        decisions: Decisions = router.decide(table, may_decline=may_decline)
        return _tied(decisions, expected_cost(train, table), table.candidates)
    if hasattr(router, "score"):
        scores = router.score(list(table.prompts), list(table.tasks))
        columns = list(getattr(router, "candidates_", train.candidates))
        named = list(getattr(scores, "columns", ()))  # of a data frame
        if named and all(isinstance(name, str) for name in named):
            columns = named
        made = from_scores(scores, columns, table, may_decline=may_decline)
        return _tied(made, expected_cost(train, table), table.candidates)
    if hasattr(router, "route"):
        return from_names(router.route(list(table.prompts), list(table.tasks)), table, may_decline=may_decline)
    raise InputError(f"{name_of(router)}: has neither score nor route. Remedy: see llmfusionbench.evaluation.Router")


def from_scores(scores: Any, columns: Sequence[str], table: RoutingTable, *, may_decline: bool = False) -> Decisions:
    """The best candidates by scores [Q, len(columns)]; ties go to the first name. Raises InputError for other arrays."""
    try:
        if np.iscomplexobj(scores):  # NumPy would drop the imaginary parts with only a warning
            raise TypeError("complex numbers")
        given = np.ma.asarray(scores, np.float64).filled(np.nan)  # masked values are missing
    except (TypeError, ValueError) as error:  # texts, or rows of different lengths
        raise InputError(f"scores: not a numeric array ({error}). Remedy: return shape [queries, candidates]") from error
    if given.shape != (len(table), len(columns)):
        raise InputError(
            f"scores: shape {given.shape}, expected ({len(table)}, {len(columns)}): one row per query, one column per candidate"
        )
    double = [name for name, count in Counter(columns).items() if count > 1]
    if double:
        raise InputError(f"scores: several columns are called {', '.join(map(str, double))}. Remedy: return one per candidate")
    place = {name: i for i, name in enumerate(table.candidates)}
    known = [name in place for name in columns]
    faults = [f'scores: unknown candidate "{name}"' for name, is_known in zip(columns, known, strict=True) if not is_known]
    dense = np.full((len(table), len(table.candidates)), -np.inf)
    if any(known):
        dense[:, [place[name] for name in columns if name in place]] = given[:, known]
    bad = np.isnan(dense).any(axis=1) | np.isposinf(dense).any(axis=1)
    nothing = np.isneginf(dense).all(axis=1)
    faults += [
        f"query {table.query_ids[i]}: score is {_bad_score(dense[i])}, expected a finite number" for i in np.flatnonzero(bad)
    ]
    if not may_decline:
        faults += [f"query {table.query_ids[i]}: no candidate has a score" for i in np.flatnonzero(nothing & ~bad)]
    dense[bad] = -np.inf
    made = Decisions(np.where(bad | nothing, -1, 0), nothing & ~bad & may_decline, dense, tuple(faults))
    return _tied(made, np.full(dense.shape, np.nan), table.candidates)


def from_names(names: Sequence[str | None], table: RoutingTable, *, may_decline: bool = False) -> Decisions:
    """Choices by name, one per query. Raises InputError for any other number of them."""
    if len(names) != len(table):
        raise InputError(f"route: {len(names)} choices for {len(table)} queries. Remedy: return one per query, in order")
    place = {name: i for i, name in enumerate(table.candidates)}
    choice = np.full(len(table), -1, np.int64)
    declined = np.zeros(len(table), bool)
    faults = []
    for i, name in enumerate(names):
        if name is None and may_decline:
            declined[i] = True
        elif isinstance(name, str) and name in place:
            choice[i] = place[name]
        elif name is None:
            faults.append(f"query {table.query_ids[i]}: no choice")
        else:
            shown = str(name)
            shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
            faults.append(f'query {table.query_ids[i]}: unknown candidate "{shown}"')
    return Decisions(choice, declined, None, tuple(faults))


def cheapest_first(table: RoutingTable) -> Indices:
    """[C] columns in the order that breaks ties: by mean cost, unknown costs last, then by name."""
    means = column_means(table.cost)
    return np.lexsort((np.arange(len(means)), np.where(np.isnan(means), np.inf, means)))


def expected_cost(train: RoutingTable, table: RoutingTable) -> npt.NDArray[np.float64]:
    """[Q, C] USD; mean cost in train of each candidate of `table` on the query's task, over all tasks where the task has none.

    NaN for a candidate without a cost in train.
    """
    known = {name: i for i, name in enumerate(train.candidates)}
    tasks = np.array(train.tasks, object)
    overall = column_means(train.cost)
    by_task = {}
    for task in set(table.tasks):
        rows = tasks == task
        means = column_means(train.cost[rows]) if rows.any() else np.full(len(overall), np.nan)
        means = np.where(np.isnan(means), overall, means)
        by_task[task] = np.array([means[known[c]] if c in known else np.nan for c in table.candidates])
    return np.array([by_task[task] for task in table.tasks], np.float64).reshape(len(table), len(table.candidates))


def best_cells(values: npt.ArrayLike, cost: npt.ArrayLike) -> Indices:
    """[Q] column of the highest value of every row, ties to the cheapest cell; -1 for a row without any value."""
    matrix = np.asarray(values, np.float64)
    if not matrix.shape[1]:
        return np.full(len(matrix), -1, np.int64)
    filled = np.where(np.isnan(matrix), -np.inf, matrix)
    price = np.asarray(cost, np.float64)
    price = np.where(np.isnan(price), np.finfo(np.float64).max, price)
    tied = filled == filled.max(axis=1, keepdims=True)
    chosen: Indices = np.argmin(np.where(tied, price, np.inf), axis=1).astype(np.int64)
    chosen[np.isneginf(filled).all(axis=1)] = -1
    return chosen


def best_column(table: RoutingTable) -> int:
    """The candidate with the highest mean target, comparable where scores are missing; ties to the cheapest, -1 without any."""
    means = comparable_means(table.target)
    return int(best_cells(means[None, :], column_means(table.cost)[None, :])[0])


def refuse(name: str, faults: Sequence[str]) -> None:
    """Raise one InputError that lists all faults, if there are any."""
    if faults:
        noun = "fault" if len(faults) == 1 else "faults"
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise InputError(
            f"router {name}: found {len(faults)} {noun} in its choices:\n{lines}\n"
            "Remedy: fix them, or use --allow-partial, which counts missing choices"
        )


def _tied(made: Decisions, cost: npt.ArrayLike, names: Sequence[str]) -> Decisions:
    """The choices by the scores, ties to the lowest of `cost` [Q, C], then to the first name; unchanged without scores."""
    if made.scores is None:
        return made
    order = np.argsort(np.asarray(names, str), kind="stable")
    best = best_cells(np.where(np.isneginf(made.scores), np.nan, made.scores)[:, order], np.asarray(cost)[:, order])
    return replace(made, choice=np.where((made.choice >= 0) & (best >= 0), order[best] if len(order) else -1, -1))


def name_of(router: Any) -> str:
    """The name of a router's class, or of the class itself."""
    return router.__name__ if isinstance(router, type) else type(router).__name__


def _bad_score(row: npt.NDArray[np.float64]) -> str:
    return "NaN" if np.isnan(row).any() else "infinite"
