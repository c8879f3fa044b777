"""What an engine is, and the loop that all engines share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

_NOTE: Final = "In "
Unit = TypeVar("Unit")
Result = TypeVar("Result")


PARALLEL_ROWS: Final = 40_000
"""Answers of a release from which workers are worth their start where a shard is only read."""


class Engine(Protocol):
    """Runs a function over units of work, such as the shards of a release.

    The function is pure: its result and the files it writes depend on its unit alone, so that they are the same with any engine
    and any number of workers. It can be imported, and it, the units and the results can be pickled. An engine may run a unit
    twice, if the first worker was lost: what a unit writes appears in one step, by a rename.
    """

    @property
    def here(self) -> int:
        """Number of processes for work that is not done by unit, on this machine."""
        ...

    def spare(self, units: int) -> int:
        """Number of processes that each of `units` units may use for itself, at least 1."""
        ...

    def run(
        self,
        function: Callable[[Unit], Result],
        units: Iterable[Unit],
        *,
        threads: bool = False,
        sees: Sequence[Path] = (),
    ) -> Iterator[tuple[int, Result]]:
        """(place of the unit, result) of each unit, in the order in which they are done; see `in_order`.

        Units begin in their order. If some fail, no others begin, and the error of the first of them in that order is raised,
        with a note that names the unit (by its `name`, if it has one). Only some units ahead are taken from an iterator.

        Args:
            function: What is run.
            units: What it is run over.
            threads: Whether the function spends its time outside of Python's lock, so that threads are enough.
            sees: Files that every worker must find with the same content, such as a marker in a directory that they share.

        Raises:
            EngineError: a worker does not see one of the files, or no worker lived long enough to finish a unit.
            MissingExtraError: the engine's package is not installed.
        """
        ...


def named(error: BaseException, unit: object, place: int) -> BaseException:
    """The error of a unit, with a note that names the unit."""
    error.add_note(f"{_NOTE}{label(unit, place)}.")
    return error


def unit_of(error: BaseException | None) -> str | None:
    """The unit that the notes of an error, or those of its cause, name; None if it is not the error of a unit."""
    while error is not None:
        for note in getattr(error, "__notes__", ()):
            if note.startswith(_NOTE) and note.endswith("."):
                return str(note[len(_NOTE) : -1])
        error = error.__cause__
    return None


def label(unit: object, place: int) -> str:
    """A unit in messages."""
    name = getattr(unit, "name", None)
    return f"shard {place + 1}" if name is None else f"shard {name}"


def finished(
    units: Iterable[Unit],
    submit: Callable[[Unit], Future[Any]],
    limit: Callable[[], int],
    cause: Callable[[BaseException, str], BaseException] = lambda error, _: error,
) -> Iterator[tuple[int, Any]]:
    """`Engine.run`, made of functions of the engine.

    Args:
        units: What is run.
        submit: Begins a unit.
        limit: Number of units that may be under way.
        cause: Makes the error of a future and the label of its unit into the error that is raised.
    """
    waiting, ended = enumerate(units), False
    running: dict[Future[Any], tuple[int, Unit]] = {}
    fault: tuple[int, BaseException] | None = None
    while True:
        while not ended and fault is None and len(running) < limit():
            following = next(waiting, None)
            if following is None:
                ended = True
            else:
                running[submit(following[1])] = following
        if fault is not None and all(place > fault[0] for place, _ in running.values()):
            raise fault[1]
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda future: running[future][0]):
            place, unit = running.pop(future)
            error = future.exception()
            if error is None:
                yield place, future.result()
            elif fault is None or place < fault[0]:
                fault = place, named(cause(error, label(unit, place)), unit, place)


def in_order(results: Iterable[tuple[int, Result]]) -> Iterator[Result]:
    """The results in the order of their units."""
    early: dict[int, Result] = {}
    following = 0
    for place, result in results:
        early[place] = result
        while following in early:
            yield early.pop(following)
            following += 1
