"""Calls made in batches: those of a provider, or files for `vllm run-batch`. Online calls and batches share one run.

What is in a batch is not asked online, and what was answered online goes into no batch. A run that is killed at any moment goes
on where it was, and never submits a batch twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.collecting.batch_connection import BatchConnection
from llmfusionbench.builders.collecting.batch_files import check_settings
from llmfusionbench.builders.collecting.batch_lane import Lane
from llmfusionbench.builders.collecting.batch_ledger import Ledger
from llmfusionbench.builders.collecting.batch_manner import Manner, Poll
from llmfusionbench.builders.collecting.batch_places import to_do
from llmfusionbench.builders.collecting.batch_provider import Provider
from llmfusionbench.builders.collecting.batch_states import Batch
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.calls import Attempt, Call, Slot
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.interrupts import interrupts
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.records import attempt_record, use_record
from llmfusionbench.builders.collecting.result import NO_ROOM, NO_ROOM_YET, Result
from llmfusionbench.builders.collecting.surroundings import to_stderr, utc_now
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release.card_text import counted

_RESTS: Final = 10
"""Pauses of a run that does not wait: as long as it is not known whether a batch exists, or whether its results are whole."""
_TURN: Final = 256
"""Calls after which others of the event loop have their turn."""


@dataclass
class BatchResult(Result):
    """What came of the batches of a run."""

    files: list[Path] = field(default_factory=list)
    """Files of requests that wait for `vllm run-batch`."""
    others: int = 0
    """Those of `answered` and `failed` that are of none of the calls that were to be made, but in batches of earlier runs."""


async def run_batches(
    calls: Iterable[Call],
    endpoints: Sequence[Endpoint],
    journal: RunJournal,
    budget: Budget,
    board: Board,
    *,
    manner: Manner | None = None,
    poll: Poll | None = None,
    offline: Container[str] = (),
    again: Container[str] = (),
    halt_on_drift: bool = False,
    say: Callable[[str], None] = to_stderr,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    today: Callable[[], datetime] = utc_now,
) -> BatchResult:
    """Make calls in batches, and go on with the batches of earlier runs. Ctrl-C, or SIGTERM, stops waiting for them.

    Args:
        calls: Calls in any order; none to go on with earlier batches alone.
        endpoints: The LLMs that may be called.
        journal: Journal of the run, entered.
        budget: The cap on the cost; its `spent` has what the journal has.
        board: Shows the progress.
        manner: Whether to submit and to wait, and the limits of files.
        poll: How often the provider is asked.
        offline: LLMs without a provider. Their files of requests are written for `vllm run-batch`.
        again: Keys of calls that are asked once more although they were answered or have failed.
        halt_on_drift: Submit no more batches when another model answers than was requested.
        say: Called with each line for the user.
        pause: Waits some seconds.
        today: The wall clock. It labels records, and gives the day of prices.

    Raises:
        InputError: The journal or a file cannot be written or read, or a setting of an endpoint is wrong.
        UnknownNameError: A call is to an LLM that is not one of the endpoints.
    """
    named = {endpoint.name: endpoint for endpoint in endpoints}
    ledger = Ledger(journal, budget, board, named, say=say, today=today)
    run = _Run(ledger, manner or Manner(), poll or Poll(), pause, again=again, halt_on_drift=halt_on_drift)
    return await run.run(calls, offline)


async def look_at_batches(
    endpoints: Sequence[Endpoint],
    journal: RunJournal,
    board: Board,
    *,
    halt_on_drift: bool = False,
    say: Callable[[str], None] = to_stderr,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    today: Callable[[], datetime] = utc_now,
) -> BatchResult:
    """Take what the batches of earlier runs have brought so far, before calls are made online; submit nothing.

    Batches that no provider has are given up, so that their calls can be made online.

    Args:
        endpoints: The LLMs of the run.
        journal: Journal of the run, entered.
        board: Shows the progress.
        halt_on_drift: Stop when another model answers than was requested.
        say: Called with each line for the user.
        pause: Waits some seconds.
        today: The wall clock.

    Returns:
        What came of them. If it was stopped, no calls are to be made online.

    Raises:
        InputError: See `run_batches`.
    """
    if all(Batch.of(record).closed for record in journal.state.batches.values()):
        return BatchResult()
    budget = Budget(None, endpoints, today=lambda: today().date())
    result = await run_batches(
        (), endpoints, journal, budget, board,
        manner=Manner(wait=False, submit=False, faults=2), halt_on_drift=halt_on_drift, say=say, pause=pause, today=today,
    )  # fmt: skip
    board.leave()
    return result


class _Run:
    """The batches of all LLMs."""

    def __init__(
        self,
        ledger: Ledger,
        manner: Manner,
        poll: Poll,
        pause: Callable[[float], Awaitable[None]],
        *,
        again: Container[str],
        halt_on_drift: bool,
    ) -> None:
        self.ledger, self.manner, self.poll, self.pause = ledger, manner, poll, pause
        self.again, self.halt_on_drift = again, halt_on_drift
        self.result = BatchResult(in_flight_lost=ledger.journal.in_flight_lost)
        self.lanes: dict[str, Lane] = {}
        self.halt = asyncio.Event()
        self._same: list[tuple[str, Slot]] = []
        """Further slots of requests that are under way."""
        self._asked: set[str] = set()
        """Keys of the calls that are to be made."""
        self._cut = False
        """Whether a second Ctrl-C has ended what was being done."""

    async def run(self, calls: Iterable[Call], offline: Container[str]) -> BatchResult:
        needed = {batch.llm for batch in self.ledger.open_batches() if not batch.offline}
        for name, endpoint in self.ledger.endpoints.items():
            if self.manner.submit:
                check_settings(endpoint)
            provider = Provider(BatchConnection(endpoint))
            if name in needed or (self.manner.submit and name not in offline):
                provider.check()
            self.lanes[name] = Lane(endpoint, self.ledger, self.manner, provider, offline=name in offline)
        try:
            with interrupts(partial(self._interrupt, asyncio.current_task())):
                await self._resume()
                await self._plan(calls)
                await self._work_all()
        except asyncio.CancelledError:
            if not self._cut:
                raise
        finally:
            for lane in self.lanes.values():
                await lane.close()
        await self._sum()
        return self.result

    async def _resume(self) -> None:
        """Go on with the batches of earlier runs."""
        unknown: Counter[str] = Counter()
        for batch in self.ledger.open_batches():
            unknown[batch.llm] += batch.llm not in self.lanes
        for llm, count in unknown.items():
            if count:
                are = "batch is" if count == 1 else "batches are"
                self.ledger.say(f"{llm}: {count:,} {are} under way, but it is not among the LLMs of this run")
        for name, lane in self.lanes.items():
            await lane.resume(batch for batch in self.ledger.open_batches() if batch.llm == name)

    async def _plan(self, calls: Iterable[Call]) -> None:
        """Sort the calls: those to be made to their LLMs, and the others by why they are not."""
        journal, result = self.ledger.journal, self.result
        under_way = journal.state.in_batches()
        known = {batch.batch for batch in self.ledger.open_batches()}
        taken = {call.key for lane in self.lanes.values() for call in lane.pending}
        new: Counter[str] = Counter()
        for number, call in enumerate(calls):
            if number % _TURN == 0:
                await asyncio.sleep(0)
            if call.llm not in self.lanes:
                raise UnknownNameError("LLM", call.llm, self.lanes)
            if call.key in under_way and under_way[call.key][0] not in known:
                self._note_lost(call, *under_way.pop(call.key))
            if call.key in self.again or not (call.key in journal.answered or call.key in journal.failed):
                self._asked.add(call.key)
            if call.key in taken or call.key in under_way:
                self._same.append((call.key, call.slot))
            elif call.key not in self._asked:
                self._note_use(call.key, call.slot)
            else:
                taken.add(call.key)
                new[call.llm] += 1
                self.lanes[call.llm].pending.append(call)
        for name, count in new.items():
            if count:
                self.ledger.board.expect(name, count)
        result.complete = True

    def _note_lost(self, call: Call, batch: str, number: int, worst_usd: float | None) -> None:
        """Record that the journal has lost the batch that has this call: it may have been charged."""
        lost = Attempt("error", error="the journal has lost the batch of this request", passing=True, charged=True)
        at = self.ledger.now()
        self.ledger.journal.add(attempt_record(call, lost, number=number, final=False, cost_usd=worst_usd, at=at, batch=batch))

    def _note_use(self, key: str, slot: Slot) -> None:
        journal = self.ledger.journal
        self.result.reused += key in journal.answered
        self.result.failed_before += key in journal.failed
        if not journal.has_slot(key, slot):
            journal.add(use_record(key, slot))

    async def _work_all(self) -> None:
        """Have all lanes work. Those without room go on as long as others have settled what they had reserved."""
        lanes, settled = list(self.lanes.values()), -1
        while lanes and settled != self.ledger.settled:
            settled = self.ledger.settled
            await _all(self._work(lane) for lane in lanes)
            lanes = [lane for lane in self.lanes.values() if lane.full and lane.pending and lane.closed is None]

    async def _work(self, lane: Lane) -> None:
        """Step until all is done, or cannot be done now."""
        wait_s, poll, rests = self.poll.first_s, self.poll, 0
        while not self.halt.is_set():
            if await lane.step():
                wait_s = poll.first_s
                self._watch()
                continue
            rests += 1
            if not (self._goes_on(lane) or (lane.unsettled and rests <= _RESTS)):
                return
            await self._rest(max(wait_s, lane.wait_s))
            lane.rested()
            wait_s = min(2 * wait_s, poll.most_s)

    def _goes_on(self, lane: Lane) -> bool:
        """Whether waiting helps a lane that does not move."""
        if not self.manner.wait:
            return False
        return lane.watched or (lane.full and any(other.watched or other.busy for other in self.lanes.values()))

    def _watch(self) -> None:
        """Stop if the disk is full, or if another model answers and that is to stop the run."""
        trouble = self.ledger.journal.trouble
        if trouble is not None:
            raise InputError(trouble)
        if self.halt_on_drift and self.ledger.drift and self.result.stopped is None:
            llm, served = next(iter(self.ledger.drift.items()))
            self.stop(f"{llm}: {served[0]!r} answered in place of the model that was requested")

    def stop(self, reason: str) -> None:
        """Stop waiting. Batches that were submitted go on at their providers, and a later run takes them."""
        if self.result.stopped is None:
            self.result.stopped = reason
        self.halt.set()

    async def _rest(self, seconds: float) -> None:
        """Wait some seconds, or until the run is stopped."""
        rest = [asyncio.ensure_future(self.pause(seconds)), asyncio.ensure_future(self.halt.wait())]
        try:
            done, _ = await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in rest:
                task.cancel()

    def _interrupt(self, task: asyncio.Task[Any] | None) -> None:
        """Ctrl-C and SIGTERM stop waiting; a second one ends what is being done."""
        if not self.halt.is_set():
            self.ledger.say("Stopping. Batches that were submitted go on; the same command takes them later.")
            self.stop("interrupted")
        elif task is not None and not self._cut:
            self._cut = True
            task.cancel()

    async def _sum(self) -> None:
        """Fill in the result, and note the further slots of what was answered meanwhile."""
        ledger, result = self.ledger, self.result
        under_way = ledger.journal.state.in_batches()
        pending = {(call.key, call.slot) for lane in self.lanes.values() for call in lane.pending}
        for key, slot in self._same:
            known = key in ledger.journal.answered or key in ledger.journal.failed
            if known and not ledger.journal.has_slot(key, slot):
                self._note_use(key, slot)
            result.not_started += not known and key not in under_way and (key, slot) not in pending
        await ledger.journal.synced()
        result.answered, result.failed, result.drift = ledger.answered, ledger.failed, ledger.drift
        result.others = len(ledger.outcomes - self._asked)
        result.in_batches = len(under_way)
        for lane in self.lanes.values():
            result.not_started += len(lane.pending)
            if lane.closed is not None:
                result.closed[lane.endpoint.name] = lane.closed
            if lane.full and lane.pending and lane.endpoint.name not in result.closed:
                result.closed[lane.endpoint.name] = NO_ROOM_YET if under_way else NO_ROOM
                do, beside = "does" if len(lane.pending) == 1 else "do", " beside the batches under way" if under_way else ""
                ledger.say(f"{lane.endpoint.name}: {counted(len(lane.pending), 'call')} {do} not fit into --max-cost{beside}")
            for batch in lane.batches:
                if batch.offline:
                    result.files.append(ledger.files(batch).requests)
                    ledger.say(to_do(batch, ledger.files(batch)))


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all at a time; the first error ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
