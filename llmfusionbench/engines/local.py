"""The default engine: threads or processes of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmfusionbench.engines.engine import Result, Unit, finished, named
from llmfusionbench.errors import EngineError
from llmfusionbench.processes import process_pool


@dataclass(frozen=True)
class Local:
    """Runs units in processes, or in threads where these are enough; one worker is this process itself.

    Args:
        workers: Number of processes; None for one per core.
    """

    workers: int | None = None

    @property
    def here(self) -> int:
        return self.workers or os.cpu_count() or 1

    def spare(self, units: int) -> int:
        """The workers, divided among the units that run at a time."""
        return self.here // max(1, min(self.here, units))

    def run(
        self,
        function: Callable[[Unit], Result],
        units: Iterable[Unit],
        *,
        threads: bool = False,
        sees: Sequence[Path] = (),
    ) -> Iterator[tuple[int, Result]]:
        """See `Engine.run`. All workers see what this process sees."""
        count = min(self.here, len(units)) if isinstance(units, Sized) else self.here
        if count <= 1:
            yield from _one_by_one(function, units)
            return
        try:
            with ThreadPoolExecutor(count) if threads else process_pool(count) as pool:

                def submit(unit: Unit) -> Future[Any]:
                    return pool.submit(function, unit)

                yield from finished(units, submit, lambda: 2 * count)
        except BrokenProcessPool as error:
            raise EngineError(
                "a worker process was killed, as happens when memory runs out. Remedy: run it again with fewer --workers"
            ) from error


def _one_by_one(function: Callable[[Unit], Result], units: Iterable[Unit]) -> Iterator[tuple[int, Result]]:
    for place, unit in enumerate(units):
        try:
            result = function(unit)
        except Exception as error:
            raise named(error, unit, place)  # noqa: B904 it is the same error
        yield place, result
