"""Many calls to several endpoints at a time: each is answered once, recorded, and paid for within the budget."""

from __future__ import annotations

import asyncio
import random as randomness
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from llmfusionbench.builders.collecting.account import accounts_of
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.calls import Attempt, Call, Slot
from llmfusionbench.builders.collecting.dealing import Dealer
from llmfusionbench.builders.collecting.drift import drift_of, drift_warning
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.interrupts import interrupts
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.lane import Asks, Lane, Shows
from llmfusionbench.builders.collecting.pace import Pace
from llmfusionbench.builders.collecting.records import attempt_record, sent_record, use_record
from llmfusionbench.builders.collecting.result import NO_ROOM, Result
from llmfusionbench.builders.collecting.surroundings import to_stderr, utc_now
from llmfusionbench.errors import InputError
from llmfusionbench.release.card_text import counted

FIRST_DELAY_S: Final = 0.5
"""Longest pause before the first retry; it doubles with each further one."""
LAST_DELAY_S: Final = 60.0
"""Longest pause before any retry."""
LEAST_FAILED: Final = 20
"""Least calls that fail one after the other before an LLM gets no more; twice its concurrency if that is more, because
one fault of a network breaks all of its connections."""
_CUT_OFF: Final = Attempt(status="error", error="the run was stopped", charged=True)
_NO_MORE: Final = ". It gets no more calls; the others go on"
_TURN: Final = 128
"""Reused calls after which others of the event loop have their turn."""


class Engine:
    """Makes calls. Ctrl-C, or SIGTERM, lets those in flight end and be recorded; a second one stops at once.

    Args:
        endpoints: The LLMs.
        journal: Journal of the run, entered.
        budget: The cap on the cost; its `spent` has what the journal has.
        board: Shows the progress.
        halt_on_drift: Stop the run when another model answers than was requested.
        say: Called with each line for the user, such as why an LLM gets no more calls.
        caller: Makes the client of an endpoint.
        random: Spreads retries.
        clock: Seconds that only grow.
        today: The wall clock. It labels records, and no rule depends on it.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        journal: RunJournal,
        *,
        budget: Budget,
        board: Shows,
        halt_on_drift: bool = False,
        say: Callable[[str], None] = to_stderr,
        caller: Callable[[Endpoint], Asks] = Caller,
        random: randomness.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = utc_now,
    ) -> None:
        self.endpoints = list(endpoints)
        self.journal, self.budget, self.board = journal, budget, board
        self.halt_on_drift = halt_on_drift
        self._say = say
        self._caller = caller
        self._random = randomness.Random() if random is None else random  # noqa: S311 (only spreads retries)
        self._clock, self._today = clock, today
        self._lanes: dict[str, Lane] = {}
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._same: dict[str, list[Slot]] = {}
        """Key of each call under way -> the slots of equal calls that came meanwhile."""
        self._again: Container[str] = ()
        self._asked_again: set[str] = set()
        self._error: BaseException | None = None
        self.result = Result()

    async def run(self, calls: Iterable[Call] | Mapping[str, Iterable[Call]], *, again: Container[str] = ()) -> Result:
        """Make the calls that the journal has no answer to. Nothing that was answered is asked again.

        Args:
            calls: The calls, or those of each LLM. They are taken as they are needed. With one iterable, an LLM that is slow
                holds up the others after 10,000 calls; so calls to different LLMs should alternate.
            again: Keys of calls that are asked once more although they were answered or have failed.

        Raises:
            InputError: The journal cannot be written, or a setting of an endpoint is wrong. Calls in flight are recorded first
                where that is possible.
            UnknownNameError: A call is to an LLM that is not one of the endpoints.
        """
        self.result = result = Result(in_flight_lost=self.journal.in_flight_lost)
        self._again, self._asked_again, self._error = again, set(), None
        batches = self.journal.state.in_batches()
        self._lanes = self._made_lanes(calls)
        for lane in self._lanes.values():
            lane.caller.check()
        try:
            with interrupts(self._interrupt):
                for lane in self._lanes.values():
                    work = (self._work(lane, batches) for _ in range(max(1, lane.endpoint.concurrency)))
                    lane.workers = {asyncio.create_task(each) for each in work}
                await self._finished()
        finally:
            for lane in self._lanes.values():
                await lane.caller.close()
        dealers = {lane.dealer for lane in self._lanes.values()}
        result.complete = all(dealer.ended for dealer in dealers)
        result.not_started += sum(dealer.skipped for dealer in dealers)
        if self._error is not None:
            raise self._error
        await self.journal.synced()
        return result

    def stop(self, reason: str) -> None:
        """Start no more calls; those in flight end and are recorded."""
        if self.result.stopped is None:
            self.result.stopped = reason
            for lane in self._lanes.values():
                self._close(lane)

    def stop_at_once(self) -> None:
        """Cut off the calls in flight."""
        self.stop("interrupted")
        self.result.cut_off += len(self._in_flight)
        for task in self._in_flight:
            task.cancel()

    def _made_lanes(self, calls: Iterable[Call] | Mapping[str, Iterable[Call]]) -> dict[str, Lane]:
        names = [endpoint.name for endpoint in self.endpoints]
        if isinstance(calls, Mapping):
            dealers = {name: Dealer(calls.get(name, ()), [name]) for name in names}
        else:
            dealers = dict.fromkeys(names, Dealer(calls, names))
        accounts = accounts_of(self.endpoints, clock=self._clock)
        return {
            one.name: Lane(one, dealers[one.name], self._caller(one), Pace(one, accounts[one.name])) for one in self.endpoints
        }

    async def _finished(self) -> None:
        """Return when all workers have ended. A run that is cancelled from outside cuts off its calls."""
        workers = [task for lane in self._lanes.values() for task in lane.workers]
        try:
            if workers:
                await asyncio.wait(workers)
        except asyncio.CancelledError:
            self.stop_at_once()
            await asyncio.wait(workers)
            raise

    def _interrupt(self) -> None:
        count = len(self._in_flight)
        flying = f"{counted(count, 'call')} in flight"
        if self.result.stopped is not None:
            self._say(f"Stopped at once: {flying} {'was' if count == 1 else 'were'} cut off.")
            self.stop_at_once()
            return
        them = "it" if count == 1 else "them"
        self._say(f"Stopping: {flying} will be recorded. Press Ctrl-C again to cut {them} off.")
        self.stop("interrupted")

    def _close(self, lane: Lane) -> None:
        """Give an LLM no more calls. Its workers that wait, for a place or before a retry, end now."""
        lane.dealer.close(lane.endpoint.name)
        for task in lane.workers - self._in_flight:
            if task is not asyncio.current_task():
                task.cancel()

    def _close_for(self, lane: Lane, reason: str, then: str = _NO_MORE) -> None:
        """Give an LLM no more calls. `then` follows the reason in the line for the user."""
        name = lane.endpoint.name
        if name not in self.result.closed:
            self.result.closed[name] = reason
            self._say(f"{name}: {reason}{then}")
            self._close(lane)

    async def _work(self, lane: Lane, batches: Container[str]) -> None:
        """Make calls to one LLM until there are no more."""
        try:
            while (call := await lane.dealer.next(lane.endpoint.name)) is not None:
                if call.key in batches:
                    self.result.in_batches += 1
                elif self._is_known(call):
                    lane.heard = lane.heard or call.key in self.journal.answered
                    if self.result.reused % _TURN == 0:
                        await asyncio.sleep(0)
                else:
                    await self._make(lane, call)
        except asyncio.CancelledError:
            if not self._is_over(lane):
                raise
        except BaseException as error:
            self._error = self._error or error
            self.stop("an error")

    def _is_over(self, lane: Lane) -> bool:
        return self.result.stopped is not None or lane.endpoint.name in self.result.closed

    def _is_known(self, call: Call) -> bool:
        """Whether a call needs no request: it is answered, has failed for good, or is equal to one that is under way."""
        if call.key in self._same:
            self._same[call.key].append(call.slot)
            return True
        if call.key in self._again and call.key not in self._asked_again:
            return False
        answered = call.key in self.journal.answered
        if not answered and call.key not in self.journal.failed:
            return False
        self._note_use(call.key, call.slot, answered=answered)
        return True

    def _note_use(self, key: str, slot: Slot, *, answered: bool) -> None:
        self.result.reused += answered
        self.result.failed_before += not answered
        if not self.journal.has_slot(key, slot):
            self.journal.add(use_record(key, slot))

    async def _make(self, lane: Lane, call: Call) -> None:
        """Make a call, with retries."""
        self._same[call.key] = []
        done: Attempt | None = None
        try:
            done = await self._final(lane, call)
        finally:
            slots = self._same.pop(call.key)
            if done is None:
                self.result.not_started += 1 + len(slots)
        if done is None:
            return
        if call.key in self._again:
            self._asked_again.add(call.key)
        answered = done.status != "error"
        self.result.answered += answered
        self.result.failed += not answered
        for slot in slots:
            self._note_use(call.key, slot, answered=answered)

    async def _final(self, lane: Lane, call: Call) -> Attempt | None:
        """The attempt that settles a call; None if a later run has to make it."""
        retries = lane.endpoint.retries
        for tried in range(retries + 1):
            if tried:
                # Full jitter: clients that failed together do not come back together.
                await asyncio.sleep(self._random.uniform(0, min(LAST_DELAY_S, FIRST_DELAY_S * 2 ** (tried - 1))))
            came = await self._attempt(lane, call, again=tried > 0, last=tried == retries)
            if came is None or came[0].refused:
                return None
            if came[1]:
                return came[0]
            if self._is_over(lane):
                return None
        return None

    async def _attempt(self, lane: Lane, call: Call, *, again: bool, last: bool) -> tuple[Attempt, bool] | None:
        """(one attempt, whether it settles the call), recorded; None if it was not made."""
        # Without a limit of tokens their number matters to no one, and counting them takes time.
        tokens = None if lane.pace.tokens_per_minute is None else self.budget.worst_case(call).tokens
        await lane.pace.enter(tokens)
        attempt: Attempt | None = None
        try:
            held = await self.budget.wait(call)
            if held is None:
                self._close_for(lane, NO_ROOM, ", so it gets no more calls")
                return None
            number = self.journal.next_number(call.key)
            sent = False
            try:
                self.journal.add(sent_record(call, number=number, worst_usd=held.worst_usd))
                sent = True
                attempt = await self._answer(lane, call)
            finally:
                cost = self.budget.settle(held, attempt or (_CUT_OFF if sent else None))
        finally:
            lane.pace.leave(attempt, tokens)
        # A last failure at a server that is down by now says nothing of the call.
        last = last and call.llm not in self.result.closed
        final = not attempt.refused and (attempt.status != "error" or not attempt.passing or last)
        self.journal.add(attempt_record(call, attempt, number=number, final=final, cost_usd=cost, at=self._label()))
        self.board.finished(call.llm, attempt, cost, final, again=again)
        self._look_at(lane, call, attempt)
        self._count(lane, attempt, final)
        return attempt, final

    async def _answer(self, lane: Lane, call: Call) -> Attempt:
        task = asyncio.current_task()
        assert task is not None
        self._in_flight.add(task)
        self.board.started(call.llm)
        try:
            return await lane.caller.attempt(call.payload)
        finally:
            self._in_flight.discard(task)

    def _look_at(self, lane: Lane, call: Call, attempt: Attempt) -> None:
        """React to an answer: to a refusal, to another model, and to a journal that has no more room."""
        if attempt.refused:
            self._close_for(lane, attempt.error or "the server refuses all calls")
        if (drift := drift_of(call, attempt, lane.endpoint)) is not None:
            served, asked = drift
            found = self.result.drift.setdefault(call.llm, [])
            found += [served] if served not in found else []
            is_first = self.journal.is_first_drift(call.llm, served)
            if self.halt_on_drift and self.result.stopped is None:
                self.stop(f"{call.llm}: {served!r} answered in place of {asked!r}")
            elif is_first:
                self._say(drift_warning(call.llm, served, asked))
        if self.journal.trouble is not None and self.result.stopped is None:
            self._error = self._error or InputError(self.journal.trouble)
            self.stop(self.journal.trouble)

    def _count(self, lane: Lane, attempt: Attempt, final: bool) -> None:
        """Give no more calls to an LLM whose server is down, or takes no request as it is sent."""
        if attempt.status != "error" or (lane.heard and not attempt.passing):
            lane.heard, lane.failed = lane.heard or attempt.status != "error", 0
            return
        lane.failed += final
        if lane.failed >= max(LEAST_FAILED, 2 * lane.endpoint.concurrency):
            reason = f"{lane.failed} calls in a row failed, the last one with: {attempt.error}"
            self._close_for(lane, reason, f"{_NO_MORE}. --retry error asks again what failed")

    def _label(self) -> str:
        return self._today().isoformat(timespec="milliseconds")
