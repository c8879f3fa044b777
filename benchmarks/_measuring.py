"""The cost of a piece of work: seconds and peak memory."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from llmfusionbench.processes import process_pool


class Cost(NamedTuple):
    """What a piece of work takes."""

    wall: float
    """Seconds by the clock."""
    cpu: float
    """Seconds of all processors, including the processes that it starts and waits for."""


def cost(work: Callable[[], object], repeats: int = 1) -> Cost:
    """The cost of some work, the median of each figure."""
    found = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), _processors()
        work()
        found.append((time.perf_counter() - wall, _processors() - cpu))
    return Cost(*map(statistics.median, zip(*found, strict=True)))


def cost_alone(work: Callable[..., object], *arguments: object) -> tuple[Cost, float]:
    """The cost of a function in a new process, and the MB of that process at their peak."""
    return alone(_cost_of, work, arguments)


def alone(work: Callable[..., Any], *arguments: object) -> tuple[Any, float]:
    """What a function gives in a new process, and the MB of that process at their peak."""
    with process_pool(1) as pool:
        return pool.submit(_given_with_peak, work, arguments).result()


def peak(*, of_children: bool = False) -> float:
    """MB of this process at their peak so far, or of the largest process that it started and that has ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF).ru_maxrss / 1024


def _cost_of(work: Callable[..., object], arguments: tuple[Any, ...]) -> Cost:
    return cost(lambda: work(*arguments))


def _given_with_peak(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, float]:
    return work(*arguments), peak()


def _processors() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
