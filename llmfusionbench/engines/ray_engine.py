"""The engine for clusters: one task of Ray per unit. Ray places the tasks, and repeats those whose worker was lost."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from llmfusionbench.engines.engine import Result, Unit, finished
from llmfusionbench.engines.ray_cluster import cluster
from llmfusionbench.engines.ray_tasks import run_unit, work_of
from llmfusionbench.errors import EngineError, LLMFusionBenchError, MissingExtraError

RETRIES: Final = 3
"""How often Ray repeats a unit whose worker was killed or whose node was lost. An error of the unit itself is not repeated."""
_AHEAD: Final = 2
"""Units under way per CPU of the cluster: those that run, and those that Ray may place on nodes that are coming."""
_CANCELLED_S: Final = 30.0


@dataclass(frozen=True)
class Ray:
    """Runs units as tasks of the Ray cluster at RAY_ADDRESS, or of one that is started on this machine for the run.

    Args:
        workers: Number of units under way at a time; None for twice as many as the cluster has CPUs.
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        """Raise MissingExtraError before any work is done if Ray is not installed."""
        if find_spec("ray") is None:
            raise MissingExtraError("ray", "ray")

    @property
    def here(self) -> int:
        return os.cpu_count() or 1

    def spare(self, units: int) -> int:
        """One: a task has one CPU."""
        return 1

    def run(
        self,
        function: Callable[[Unit], Result],
        units: Iterable[Unit],
        *,
        threads: bool = False,
        sees: Sequence[Path] = (),
    ) -> Iterator[tuple[int, Result]]:
        """See `Engine.run`."""
        with cluster(self.workers) as ray:
            task = ray.remote(max_retries=RETRIES, retry_exceptions=False)(run_unit)
            work = ray.put(work_of(function, sees))
            references: dict[Future[Any], Any] = {}

            def submit(unit: Unit) -> Future[Any]:
                for done in [future for future in references if future.done()]:
                    del references[done]  # Ray keeps a result as long as there is a reference
                reference = task.remote(work, pickle.dumps(unit))
                future: Future[Any] = reference.future()
                references[future] = reference
                return future

            def limit() -> int:
                return self.workers or _AHEAD * _cpus(ray)

            try:
                for place, result in finished(units, submit, limit, partial(_cause, ray)):
                    yield place, pickle.loads(result)  # noqa: S301 made by `run_unit`
            finally:
                under_way = [reference for future, reference in references.items() if not future.done()]
                for reference in under_way:
                    ray.cancel(reference, force=True)
                if under_way:  # they write to a directory that is about to be removed
                    ray.wait(under_way, num_returns=len(under_way), timeout=_CANCELLED_S, fetch_local=False)


def _cpus(ray: Any) -> int:
    """Number of CPUs that the cluster has at the moment."""
    return max(1, int(ray.cluster_resources().get("CPU", 0)))


def _cause(ray: Any, error: BaseException, unit: str) -> BaseException:
    """The error that a unit has raised, or why Ray has no result of it."""
    if isinstance(error, ray.exceptions.RayTaskError):
        cause: BaseException = error.cause
        if not isinstance(cause, LLMFusionBenchError):  # a bug: where it is
            cause.add_note(str(error))
        return cause
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return EngineError(
        f"{unit}: no worker of Ray lived long enough to finish it, in {1 + RETRIES} attempts ({type(error).__name__}: {why}). "
        "Remedy: give the nodes more memory, or use fewer --workers"
    )
