"""A worker of a run: a process, maybe on another machine, that makes a part of the calls and has a journal of its own."""

from __future__ import annotations

import asyncio
import io
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.collect import Watched, Work, today
from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.journal_state import JournalState
from llmfusionbench.builders.collecting.parts import Part, part_of
from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.result import Result
from llmfusionbench.builders.collecting.retry import Retry
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.reading.run_files import JOURNAL, WORKERS
from llmfusionbench.errors import LLMFusionBenchError

STOP: Final = "stop"
"""File beside the folders of the workers that has them start no more calls. Its content is the reason."""
AT_ONCE: Final = "stop-at-once"
"""File that has them cut off the calls in flight."""
_GLANCE_S: Final = 0.2


@dataclass(frozen=True)
class Again:
    """What `Retry` asks again."""

    kinds: tuple[str, ...]
    max_tokens: int | None


@dataclass(frozen=True)
class Unit:
    """The calls that one worker makes. It can be sent to another process, and holds no secret."""

    run: Path
    place: int
    """Number of the worker, from 0."""
    of: Mapping[str, int]
    """LLM -> how many workers ask it."""
    max_cost: float | None
    """The part of the cap that it may spend, USD."""
    again: Again | None
    halt_on_drift: bool

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.place + 1} of the calls"

    @property
    def folder(self) -> Path:
        """Where its journal is."""
        return self.run / WORKERS / f"{self.place:04d}"

    @property
    def llms(self) -> list[str]:
        """The LLMs that it asks."""
        return [llm for llm, of in self.of.items() if self.place < of]


@dataclass
class Made:
    """What came of the calls of a worker."""

    result: Result = field(default_factory=Result)
    asked: int = 0
    """As in `Outcome`."""
    more: bool = False
    full: bool = False
    """The same."""
    said: list[str] = field(default_factory=list)
    """Lines for the user."""
    error: LLMFusionBenchError | None = None
    """What ended it early."""


def ask(unit: Unit) -> Made:
    """Make the calls of a worker that have no outcome yet. What comes is in its journal, whatever happens."""
    made = Made()
    with (
        _left_to_the_command(),
        ThreadPoolExecutor(1) as thread,
    ):  # so that SIGTERM ends this process, and the engine takes none
        try:
            thread.submit(_ask, unit, made).result()
        except LLMFusionBenchError as error:
            made.error = error
    return made


@contextmanager
def _left_to_the_command() -> Iterator[None]:
    """Ctrl-C in a terminal reaches all processes of a command; a worker waits for the word of the one that has the run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _ask(unit: Unit, made: Made) -> None:
    run = Run.read(unit.run)
    known = {one.name: one for one in run.endpoints()}
    endpoints = tuple(part_of(known[llm], unit.place, unit.of[llm]) for llm in unit.llms)
    work: Work = Plan(run, endpoints)
    keys: set[str] = set()
    if unit.again is not None:
        retry = Retry(run, endpoints, unit.again.kinds, unit.again.max_tokens)
        work, keys = retry, retry.again
    unit.folder.mkdir(parents=True, exist_ok=True)
    # Its own journal has lines if an engine begins it twice, after the first process was killed.
    budget = Budget(unit.max_cost, endpoints, today=today, spent=_spent(unit.folder / JOURNAL))
    with RunJournal(unit.folder, after=unit.run / JOURNAL) as journal:
        board = Board(unit.llms, console=Console(file=io.StringIO()))
        watched = Watched(Part(work, unit.place, unit.of), journal, board, keys)
        engine = Engine(endpoints, journal, budget=budget, board=board, halt_on_drift=unit.halt_on_drift, say=made.said.append)
        try:
            made.result = asyncio.run(_obedient(engine, watched, keys, unit.folder.parent))
        except LLMFusionBenchError:
            made.result = engine.result
            if journal.fault is None:
                raise
            made.result.stopped, made.full = journal.fault, True
        made.asked, made.more = watched.counted()


def _spent(path: Path) -> float:
    """USD that the attempts in a journal cost, those in flight at most."""
    state = JournalState()
    if path.exists():
        state.read(path)
    return sum(state.spent.values()) + sum(lost.worst_usd or 0.0 for lost in state.open_attempts())


async def _obedient(engine: Engine, work: Watched, again: set[str], place: Path) -> Result:
    """Run the engine, and stop it when one of the two files is there."""

    async def look() -> None:
        while not (place / AT_ONCE).exists():
            if (place / STOP).exists():
                engine.stop((place / STOP).read_text(encoding="utf-8"))
            await asyncio.sleep(_GLANCE_S)
        engine.stop_at_once()

    looking = asyncio.create_task(look())
    try:
        return await engine.run(work.by_llm(), again=again)
    finally:
        looking.cancel()
