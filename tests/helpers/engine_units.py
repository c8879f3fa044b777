"""Functions and engines for the tests of engines: what any worker can import and run."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ray

from llmfusionbench.engines import Engine
from llmfusionbench.errors import InputError
from tests.helpers.waiting import wait_for


@dataclass(frozen=True)
class Piece:
    """A unit of work with a name."""

    number: int
    folder: Path

    @property
    def name(self) -> str:
        return f"piece-{self.number}"


def squared(piece: Piece) -> int:
    """The square of its number; a file in its folder tells that it has begun."""
    (piece.folder / str(piece.number)).touch()
    return piece.number**2


def refused(piece: Piece, numbers: frozenset[int]) -> int:
    """As `squared`, but an error of ours for some numbers."""
    if piece.number in numbers:
        squared(piece)
        raise InputError(f"piece {piece.number}: cannot be squared. Remedy: choose another")
    return squared(piece)


def broken(piece: Piece) -> int:
    """A bug."""
    return piece.number // 0


def died(_piece: Piece) -> None:
    """The end of the worker."""
    os.kill(os.getpid(), signal.SIGKILL)


def lost(unit: Any, function: Callable[[Any], Any]) -> None:
    """Run the function, and then fail."""
    function(unit)
    raise InputError("this shard is lost. Remedy: none")


def killed_at(unit: Any, function: Callable[[Any], Any], name: str) -> Any:
    """Run the function; every process that comes to the unit whose name begins with this dies."""
    if unit.name.startswith(name):
        os.kill(os.getpid(), signal.SIGKILL)
    return function(unit)


def killed_once(unit: Any, function: Callable[[Any], Any], mark: Path) -> Any:
    """Run the function; the first process that has done so dies before it can tell."""
    result = function(unit)
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return result
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("this process is dead")


def held_on(unit: Any, function: Callable[[Any], Any], node: str, held: Path) -> Any:
    """Run the function anywhere but on `node`, which holds its unit for ever; the others wait until it does."""
    if ray.get_runtime_context().get_node_id() == node:
        held.touch()
        threading.Event().wait()
    wait_for(held.exists)
    return function(unit)


@dataclass(frozen=True)
class Wrapped:
    """An engine that runs a function around that of the work."""

    engine: Engine
    around: Callable[..., Any]

    @property
    def here(self) -> int:
        return self.engine.here

    def spare(self, units: int) -> int:
        return self.engine.spare(units)

    def run(
        self,
        function: Callable[[Any], Any],
        units: Iterable[Any],
        *,
        threads: bool = False,
        sees: Sequence[Path] = (),
    ) -> Iterator[tuple[int, Any]]:
        return self.engine.run(partial(self.around, function=function), units, threads=threads, sees=sees)
