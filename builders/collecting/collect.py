"""A run at work: what is left to ask, the calls themselves, and what came of them."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Final, Protocol

from llmfusionbench.builders.collecting.batch_hand_in import take_files
from llmfusionbench.builders.collecting.batch_ledger import worst_in_batches
from llmfusionbench.builders.collecting.batch_manner import Manner, Poll
from llmfusionbench.builders.collecting.batch_places import Places, places_of
from llmfusionbench.builders.collecting.batch_run import BatchResult, look_at_batches, run_batches
from llmfusionbench.builders.collecting.board import Board, Rows
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.result import Result
from llmfusionbench.errors import InputError

_COUNTED: Final = 20_000
"""Most calls that are counted after a stop, to state how many are left. It takes about a second."""


class Calls(Protocol):
    """Calls to several LLMs."""

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The LLMs that are asked."""
        ...

    def calls(self) -> Iterable[Call]:
        """All calls."""
        ...

    def by_llm(self) -> Mapping[str, Iterable[Call]]:
        """LLM -> its calls."""
        ...


class Work(Calls, Protocol):
    """The calls of a `Plan` or a `Retry`."""

    def counts(self) -> dict[str, int] | None:
        """LLM -> the number of its calls; None if that is not known yet."""
        ...


@dataclass(frozen=True, kw_only=True)
class Batches:
    """How calls are made in batches."""

    wait: bool = True
    """Whether to go on until the provider has answered."""
    files: frozenset[str] = frozenset()
    """LLMs whose requests are only written to files, for `vllm run-batch`."""
    poll: Poll = field(default_factory=Poll)
    """How often the provider is asked."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How calls are made."""

    max_cost: float | None = None
    """The cap on the cost of the whole run, USD."""
    halt_on_drift: bool = False
    """Stop when another model answers than was requested."""
    batches: Batches | None = None
    """Calls are made in batches; None: online."""
    say: Callable[[str], None] = field(default=lambda line: None)
    """Prints a line for the user."""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    result: Result
    asked: int
    """Calls that had no outcome before, or that ask again."""
    left: int
    """Those of them without an outcome now."""
    more: bool
    """Whether there may be more of them: a run that was stopped counts only some of what is left."""
    summary: Rows
    """The table at the end."""
    failures: Sequence[str]
    """Why calls failed, one line per LLM."""
    places: Places
    """Where those of `left` are that are in batches."""
    full: bool = False
    """Whether the disk of the journal took no more, so that it needs room before the run can go on."""


def today() -> date:
    """The day whose prices count, UTC."""
    return datetime.now(UTC).date()


def check_ready(endpoints: Sequence[Endpoint], settings: Settings) -> None:
    """Refuse what would stop a run before its first call, while no file is written for it yet.

    Raises:
        InputError: a setting is wrong, a key is not in the environment, or there is a cap and the price of an LLM is unknown.
        MissingExtraError: the client is not installed.
    """
    Budget(settings.max_cost, endpoints, today=today)
    for endpoint in endpoints:
        if settings.batches is None or endpoint.name not in settings.batches.files:
            Caller(endpoint).check()


@dataclass(frozen=True)
class Sample:
    """Some calls of a run, as `Work`."""

    endpoints: Sequence[Endpoint]
    chosen: Sequence[Call]

    def calls(self) -> Iterator[Call]:
        """The calls."""
        return iter(self.chosen)

    def by_llm(self) -> dict[str, Iterable[Call]]:
        """LLM -> its calls."""
        return {one.name: [call for call in self.chosen if call.llm == one.name] for one in self.endpoints}

    def counts(self) -> dict[str, int]:
        """LLM -> the number of its calls."""
        return Counter(call.llm for call in self.chosen)


class Watched:
    """The calls of a run as they are taken, counted: those that have no outcome yet, or that ask again.

    Args:
        work: The calls.
        journal: The journal of the run, entered.
        board: It expects the calls that are to be made: all at first, and fewer with each one that has its outcome.
        again: Keys of calls that are asked again.
    """

    def __init__(self, work: Work, journal: RunJournal, board: Board, again: set[str]) -> None:
        self.endpoints = work.endpoints
        self._journal, self._board, self._again = journal, board, again
        self.open: set[str] = set()
        """Keys of those that were taken so far."""
        self._work = work
        self._streams: list[Iterator[Call]] = []

    def calls(self) -> Iterator[Call]:
        """All calls, for someone else who has the board expect them."""
        return self._watched(self._work.calls(), None)

    def by_llm(self) -> dict[str, Iterable[Call]]:
        """LLM -> its calls."""
        counts = self._work.counts()
        for llm, n in (counts or {}).items():
            self._board.expect(llm, n)
        steps = (1, 0) if counts is None else (0, -1)
        return {llm: self._watched(calls, steps) for llm, calls in self._work.by_llm().items()}

    def counted(self) -> tuple[int, bool]:
        """(number of the calls to make, whether there may be more). Of those that were not taken yet, some are taken now."""
        rest = chain.from_iterable(self._streams)
        deque(islice(rest, _COUNTED), 0)
        return len(self.open), next(rest, None) is not None

    def _watched(self, calls: Iterable[Call], steps: tuple[int, int] | None) -> Iterator[Call]:
        """The calls; `steps` is what the board expects more with a call that is to be made, and with another one."""
        stream = self._each(calls, steps)
        self._streams.append(stream)
        return stream

    def _each(self, calls: Iterable[Call], steps: tuple[int, int] | None) -> Iterator[Call]:
        answered, failed = self._journal.answered, self._journal.failed
        for call in calls:
            done = call.key in answered or call.key in failed
            is_open = (not done or call.key in self._again) and call.key not in self.open
            if is_open:
                self.open.add(call.key)
            if steps is not None and (step := steps[not is_open]):
                self._board.expect(call.llm, step)
            yield call


def collect(
    work: Work, journal: RunJournal, settings: Settings, *, again: set[str] | None = None, board: Board | None = None
) -> Outcome:
    """Make the calls that have no outcome yet; what comes is in the journal, whatever happens.

    Args:
        work: The calls.
        journal: The journal of the run, entered.
        settings: How they are made.
        again: Keys of calls that are asked again; `work` may fill it while it gives its calls.
        board: Shows the progress, and has that of calls that were made before these; None for a new one.

    Raises:
        InputError: a setting of an LLM is wrong, or the journal cannot be opened or brought to the disk. A journal that takes
            no more lines, as on a full disk, ends the run with an outcome.
    """
    keys = set() if again is None else again
    spent, names = journal.spent_usd, [one.name for one in work.endpoints]
    Budget(settings.max_cost, work.endpoints, today=today, spent=spent)  # a cap without prices is refused before anything else
    board = board or Board(names, max_cost=settings.max_cost, spent=spent, say=settings.say)
    watched = Watched(work, journal, board, keys)
    with board:
        try:
            result = asyncio.run(make_calls(watched, journal, board, settings, keys))
        except InputError:
            if journal.fault is None:
                raise
            tallies = board.tallies.values()
            result = Result(sum(t.answered for t in tallies), sum(t.failed for t in tallies), stopped=journal.fault)
    asked, more = watched.counted()
    others = result.others if isinstance(result, BatchResult) else 0
    left = max(0, asked + others - result.answered - result.failed)
    if journal.fault is not None:  # the counts have results of other calls, too, when batches came back
        left = max(left, sum(key not in journal.answered and key not in journal.failed for key in watched.open))
    places, full = places_of(journal, watched.open), journal.fault is not None
    return Outcome(result, asked, left, more, board.summary(), board.failures(), places, full)


def take_results(paths: Sequence[Path], work: Work, journal: RunJournal, settings: Settings) -> Outcome:
    """Take the results of batches from files into the journal, without a call.

    Raises:
        InputError: a file cannot be read, or has no result of a batch of this run that is under way.
    """
    spent = journal.spent_usd
    budget = Budget(None, work.endpoints, today=today, spent=spent)
    board = Board([one.name for one in work.endpoints], spent=spent, say=settings.say)
    with board:
        result = asyncio.run(take_files(paths, work.endpoints, journal, budget, board, say=settings.say))
    watched = Watched(work, journal, board, set())
    watched.calls()
    left, more = watched.counted()
    asked, places = left + result.answered + result.failed, places_of(journal, watched.open)
    return Outcome(result, asked, left, more, board.summary(), board.failures(), places)


async def make_calls(work: Calls, journal: RunJournal, board: Board, settings: Settings, again: Container[str]) -> Result:
    """Make calls online or in batches, after a look at the batches of earlier runs.

    Args:
        work: The calls.
        journal: The journal of the run, entered.
        board: Shows the progress, entered.
        settings: How they are made.
        again: Keys of calls that are asked again.

    Raises:
        InputError: a setting of an LLM is wrong, or the journal cannot be written.
    """
    halt, say = settings.halt_on_drift, settings.say
    how = settings.batches
    seen = BatchResult() if how else await look_at_batches(work.endpoints, journal, board, halt_on_drift=halt, say=say)
    if seen.stopped is not None:
        work.by_llm()  # so that they are counted
        return seen
    # What batches may cost is spent already, unless they are those of the LLMs of `run_batches`.
    under_way = worst_in_batches(journal, [one.name for one in work.endpoints] if how else ())
    budget = Budget(settings.max_cost, work.endpoints, today=today, spent=journal.spent_usd + under_way)
    if how is None:
        engine = Engine(work.endpoints, journal, budget=budget, board=board, halt_on_drift=halt, say=say)
        result = await engine.run(work.by_llm(), again=again)
        for llm, served in seen.drift.items():
            result.drift[llm] = list(dict.fromkeys([*served, *result.drift.get(llm, ())]))
        return result
    return await run_batches(
        work.calls(), work.endpoints, journal, budget, board,
        manner=Manner(wait=how.wait), poll=how.poll, offline=how.files, again=again, halt_on_drift=halt, say=say,
    )  # fmt: skip
