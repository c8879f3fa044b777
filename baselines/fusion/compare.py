"""Measures answer-level fusion: every query is answered by a fusion fitted on the other folds, beside the best single LLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.fusion.answers import AnswerTable
from llmfusionbench.baselines.fusion.vote import Floats, Vote
from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import comparable_means
from llmfusionbench.statistics import Mean, mean_columns, paired_columns, share_columns


@dataclass(frozen=True)
class Comparison:
    """What the fusions and their yardsticks reach on the same Q queries; each `Mean` has an interval over queries."""

    names: list[str]
    """[N] the fusions, then `best_single` and `oracle`."""
    performance: Mean
    """[N]"""
    cost: Mean
    """[N] USD a query, all members' calls together."""
    gain: Mean
    """[N] performance minus that of the best single LLM, query by query."""
    p: Floats
    """[N] two-sided p-value of a gain of 0."""
    oracle_performance: Mean
    """[N] what the oracle reaches on the queries in which the row has a performance; not below `performance`."""
    members: list[list[list[str]]]
    """[N][folds] who was asked."""


def compare(
    table: AnswerTable,
    fusions: Mapping[str, Vote],
    *,
    single_from: Sequence[str] | None = None,
    folds: int = 5,
    seed: int = 0,
    resamples: int = 1000,
) -> Comparison:
    """Cross-fits every fusion over `folds` random folds of the queries.

    The best single LLM is found on the other folds too, among `single_from` (all candidates by default), which are also the
    oracle's. `resamples` is the number of random changes of signs behind each p-value.

    Raises:
        InputError: fewer queries than folds, or fewer than two folds.
    """
    total = len(table.query_ids)
    if not 2 <= folds <= total:
        raise InputError(f"folds is {folds}, expected 2 to {total}, the number of queries")
    fold = np.random.default_rng(seed).permutation(np.arange(total) % folds)
    pool = table.columns(table.candidates if single_from is None else single_from)
    names = [*fusions, "best_single", "oracle"]
    performance: Floats = np.full((total, len(names)), np.nan)
    cost: Floats = np.full((total, len(names)), np.nan)
    members: list[list[list[str]]] = [[] for _ in names]
    for number in range(folds):
        held = np.flatnonzero(fold == number)
        train, test = table.rows(fold != number), table.rows(held)
        for column, fusion in enumerate(fusions.values()):
            fused = copy(fusion).fit(train).combine(test)
            performance[held, column], cost[held, column] = fused.performance, fused.cost
            members[column].append(fused.members)
        best = int(np.nanargmax(comparable_means(pool.performance[fold != number])))
        performance[held, -2], cost[held, -2] = pool.performance[held, best], pool.cost[held, best]
        members[-2].append([pool.candidates[best]])
    performance[:, -1], cost[:, -1] = _oracle(pool)
    gain, p = paired_columns(performance - performance[:, [-2]], resamples=resamples, seed=seed)
    return Comparison(
        names=names,
        performance=share_columns(performance),
        cost=mean_columns(cost),
        gain=gain,
        p=p,
        oracle_performance=share_columns(np.where(np.isnan(performance), np.nan, performance[:, [-1]])),
        members=members,
    )


def _oracle(table: AnswerTable) -> tuple[Floats, Floats]:
    """[Q] the best performance of any candidate, and [Q] what the cheapest that reaches it costs."""
    known = np.where(np.isnan(table.performance), -np.inf, table.performance.astype(np.float64))
    best = known.max(axis=1)
    costs = np.where(known == best[:, None], table.cost.astype(np.float64), np.nan)
    cheapest = np.fmin.reduce(costs, axis=1)
    return np.where(np.isinf(best), np.nan, best), np.where(np.isinf(best), np.nan, cheapest)
