"""The queries of a simulation: how many of each task and split, and their stream."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from llmfusionbench.builders.simulation.query import SimulatedQuery
from llmfusionbench.builders.simulation.tasks import TASKS
from llmfusionbench.errors import InputError, UnknownNameError

FULL_QUERIES = 6_400
"""Queries at scale 1.0, of train and partial_test together: 256,000 rows with 40 candidates."""
_PARTIAL_SHARE = 700 / 6_400


@dataclass(frozen=True, slots=True)
class TaskShare:
    """How many queries of a task a simulation has."""

    task: str
    train: int
    partial_test: int


def shares(scale: float) -> list[TaskShare]:
    """The queries of every task at a scale; they add up to round(6,400 x scale).

    Raises:
        InputError: the sum is 0.
    """
    total = round(FULL_QUERIES * scale) if math.isfinite(scale) else 0
    if total < 1:
        raise InputError(f"scale is {scale}, which gives no query. Remedy: choose at least {1 / FULL_QUERIES:.5f}")
    each, extra = divmod(total, len(TASKS))
    counts = [each + (index < extra) for index in range(len(TASKS))]
    return [
        TaskShare(task, count - round(count * _PARTIAL_SHARE), round(count * _PARTIAL_SHARE))
        for task, count in zip(TASKS, counts, strict=True)
    ]


def task_queries(task: str, n: int, seed: int = 0) -> Iterator[SimulatedQuery]:
    """`n` queries of a task; a larger `n` begins with the same queries. Raises UnknownNameError for any other task."""
    if task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    return TASKS[task].queries(random.Random(f"queries {seed} {task}"), n)  # noqa: S311


def simulate_queries(per_task: int, seed: int = 0) -> Iterator[SimulatedQuery]:
    """`per_task` queries of each of the fourteen tasks, task after task."""
    return itertools.chain.from_iterable(task_queries(task, per_task, seed) for task in TASKS)
