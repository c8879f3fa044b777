"""Which rows of a task are its queries, and in which split. Only what the rows say decides, and not their order.

A row's rank is a hash of the seed and of its query's id. A row that is moved changes nothing. A row that is added takes at most
one place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from llmfusionbench.builders.tasks.rows import Pool
from llmfusionbench.builders.tasks.task import Task
from llmfusionbench.errors import UnknownNameError
from llmfusionbench.types import SPLITS

TRAIN: Final = "train"
TEST: Final = "test"
PARTIAL: Final = "partial_test"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may become a query."""

    query_id: str
    pool: Pool
    group: str = ""


def check_split(split: str | None) -> None:
    """Raises UnknownNameError for a name that is not a split's."""
    if split is not None and split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)


def rank(seed: int, query_id: str) -> str:
    """The place of a query in the order of a seed, as a text that sorts."""
    return hashlib.sha256(f"{seed}:{query_id}".encode()).hexdigest()


def choose(
    candidates: Iterable[Candidate], task: Task, *, seed: int, split: str | None, limit: int | None = None
) -> list[tuple[str, str]]:
    """(split, query_id) of the queries of a task.

    Train queries are the first `task.train` by rank, per group if the task states it. The test split is the official one, or
    what is left. Its first `task.partial_test` queries are `partial_test`.

    Args:
        candidates: The rows, each query once.
        task: The task with its counts.
        seed: Decides the ranks.
        split: `train`, `test` (all of it) or `partial_test`; None: `train` and `partial_test`.
        limit: Most queries of a split, spread over the groups.

    Raises:
        UnknownNameError: there is no such split.
    """
    check_split(split)
    ranked = sorted(candidates, key=lambda one: rank(seed, one.query_id))
    train = _first([one for one in ranked if one.pool != TEST], task.train, task.train_per_group)
    taken = {one.query_id for one in train}
    test = _in_turns([one for one in ranked if one.pool == TEST or (one.pool is None and one.query_id not in taken)])
    of_split = {TRAIN: train, TEST: test, PARTIAL: test[: task.partial_test]}
    wanted = (TRAIN, PARTIAL) if split is None else (split,)
    return [(name, one.query_id) for name in wanted for one in of_split[name][:limit]]


def _first(ranked: Sequence[Candidate], count: int, per_group: bool) -> list[Candidate]:
    if not per_group:
        return _in_turns(ranked)[:count]
    kept: dict[str, int] = {}
    found = []
    for one in ranked:
        kept[one.group] = kept.get(one.group, 0) + 1
        if kept[one.group] <= count:
            found.append(one)
    return _in_turns(found)


def _in_turns(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The candidates so that each group has its turn: the first of every group, the second of every group, and so on."""
    turns: dict[str, int] = {}
    order = []
    for place, one in enumerate(ranked):
        turns[one.group] = turns.get(one.group, 0) + 1
        order.append((turns[one.group], place))
    return [ranked[place] for _, place in sorted(order)]
