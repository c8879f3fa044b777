"""The batches of one LLM: written, handed over, watched and taken, and the calls that they do not answer asked again."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterable
from typing import Final

from llmfusionbench.builders.collecting.batch_asking import Asking, LaneError, LaterError
from llmfusionbench.builders.collecting.batch_fetch import Fetch, check_saved
from llmfusionbench.builders.collecting.batch_files import ADDRESS, AZURE_ADDRESS, lines_in, request_line
from llmfusionbench.builders.collecting.batch_ledger import Ledger
from llmfusionbench.builders.collecting.batch_manner import Manner
from llmfusionbench.builders.collecting.batch_pending import Pending, model_of
from llmfusionbench.builders.collecting.batch_provider import Provider, State
from llmfusionbench.builders.collecting.batch_refusal import Refusal
from llmfusionbench.builders.collecting.batch_results import Result, results_of
from llmfusionbench.builders.collecting.batch_rounds import FRUITLESS, Rounds
from llmfusionbench.builders.collecting.batch_states import (
    AT_WORK,
    CANCELLED,
    COMPLETED,
    ENDED,
    FAILED,
    IN_PROGRESS,
    OVER,
    SUBMITTED,
    TAKEN,
    UPLOADED,
    WRITTEN,
    Batch,
)  # fmt: skip
from llmfusionbench.builders.collecting.batch_taking import LACKING, NOT_MADE, NOT_SENT, Taking
from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.release.card_text import counted

SEARCHES: Final = 2
"""Looks through the provider's list before a batch that may exist is created: a list may lag behind."""
_TURN: Final = 256
"""Requests after which others of the event loop have their turn."""


class Lane:
    """The batches of one LLM.

    Args:
        endpoint: The LLM and its server.
        ledger: Journal, budget and progress of the run.
        manner: How batches are handled.
        provider: The batches at the server.
        offline: Whether new batches are only written, for `vllm run-batch`.
    """

    def __init__(self, endpoint: Endpoint, ledger: Ledger, manner: Manner, provider: Provider, *, offline: bool) -> None:
        self.endpoint, self.ledger, self.manner, self.offline = endpoint, ledger, manner, offline
        self.pending = Pending()
        """Calls that are in no batch."""
        self.batches: list[Batch] = []
        """Those that are not closed."""
        self.full = False
        """Whether the budget had no room for the next call."""
        self.busy = False
        """Whether a step is under way."""
        self._no_room = False
        self.closed: str | None = None
        """The reason why the LLM gets no more batches in this run."""
        self._provider = provider
        self._address = AZURE_ADDRESS if endpoint.has_deployments else ADDRESS
        self._most = manner.most_requests
        self._asked: Counter[str] = Counter()
        self._searches: Counter[str] = Counter()
        self._stuck: set[str] = set()
        """Batches that the provider refuses to tell about."""
        self._rounds, self._refusals = Rounds(), 0
        self._asking = Asking(manner.faults, lambda reason: ledger.say(f"{endpoint.name}: {reason}"), waits=manner.wait)
        self._fetch = Fetch(provider, self._asking)

    @property
    def wait_s(self) -> float:
        """Seconds that the provider asked to wait in the last step."""
        return self._asking.wait_s

    @property
    def unsettled(self) -> bool:
        """Whether it is not known yet if the provider has a batch, or whether all of its results have come."""
        searching = self.closed is None and any(self._searches[batch.batch] for batch in self.batches)
        return searching or any(self._fetch.is_short(one) for one in self.batches if one.batch not in self._stuck)

    @property
    def watched(self) -> bool:
        """Whether there are batches that may move, or calls that wait for room at the provider."""
        closed = self.closed is not None
        if self._no_room and self.pending and not closed:
            return True
        return any(not (one.offline or one.batch in self._stuck or (closed and one.unsent)) for one in self.batches)

    async def close(self) -> None:
        """Close the connections."""
        await self._provider.close()

    async def resume(self, batches: Iterable[Batch]) -> None:
        """Go on with the batches of earlier runs: reserve what they may cost.

        Raises:
            InputError: A file of a batch is missing or was changed.
        """
        self.batches = list(batches)
        for batch in list(self.batches):
            files, room = self.ledger.files(batch), True
            files.check(batch.sha256)
            for number, (call, one) in enumerate(files.each_call(batch.llm)):
                self.ledger.note_sent(call, one.attempt, batch)
                if number % _TURN == 0:
                    await asyncio.sleep(0)
            due, new = self.ledger.due(batch, files.placed()), batch.state == WRITTEN and not batch.offline
            self.ledger.board.expect(batch.llm, len(due))
            for number, (call, one) in enumerate(files.each_call(batch.llm)):
                if call.key in due:
                    self._asked[call.key] = one.tries
                    self.ledger.started(batch)
                    room = room and (self.ledger.reserve(call, one.attempt) if new else self.ledger.hold(call, one.attempt))
                if number % _TURN == 0:
                    await asyncio.sleep(0)
            if new and not (room and len(due) == batch.requests and self.manner.submit):
                self._drop(batch)
            elif batch.unsent and not new and not batch.offline:
                self._searches[batch.batch] = SEARCHES

    async def step(self) -> bool:
        """Do all that can be done now; whether anything has moved.

        Raises:
            InputError: The journal or a file cannot be written or read, or a setting of the endpoint is wrong.
        """
        self.busy = True
        try:
            return await self._steps()
        finally:
            self.busy = False

    async def _steps(self) -> bool:
        moved, blocked, self._asking.wait_s = False, False, 0.0
        while not (blocked or self._no_room) and self.closed is None and (batch := await self._next()) is not None:
            try:
                moved |= await self._hand_over(batch)
            except LaterError:
                blocked = True
            except LaneError as error:
                self._give_up(str(error))
        for batch in list(self.batches):
            if batch.batch not in self._stuck:
                moved |= await self._moves(batch)
        return moved

    async def _moves(self, batch: Batch) -> bool:
        try:
            return await self._look_at(batch)
        except LaterError:
            return False
        except LaneError as error:
            self._stuck.add(batch.batch)
            self._give_up(str(error))
            return False

    def rested(self) -> None:
        """Some time has passed, so that a provider that had no room may have some."""
        self._no_room = False

    def _give_up(self, reason: str) -> None:
        """Submit no more batches; those under way are still watched."""
        if self.closed is None:
            self.closed = reason
            self.ledger.say(f"{self.endpoint.name}: {reason}. It gets no more batches now; the others go on")

    async def _next(self) -> Batch | None:
        """The next batch to hand over: of those that are written, else a new one. Files for `vllm run-batch` end here."""
        found = next((one for one in self.batches if one.unsent and not one.offline), None)
        while found is None and self.pending and self.manner.submit:
            batch = await self._write()
            if batch is None or not batch.offline:
                return batch
        return found

    async def _write(self) -> Batch | None:
        """A new batch of as many pending calls of one model as a file and the budget have room for."""
        group: list[tuple[Call, int, int]] = []
        size, ledger = 0, self.ledger
        self.full = False
        while self.pending and len(group) < self._most:
            call = self.pending.first
            size += len(request_line(call, self._address))
            if group and (size > self.manner.most_bytes or model_of(call) != model_of(group[0][0])):
                break
            number = ledger.journal.next_number(call.key)
            if not ledger.reserve(call, number):
                self.full = True
                break
            self._asked[call.key] += 1
            group.append((self.pending.take(), number, self._asked[call.key]))
            if len(group) % _TURN == 0:
                await asyncio.sleep(0)
        if not group:
            return None
        batch = Batch(ledger.next_name(self.endpoint.name), self.endpoint.name, offline=self.offline)
        files = ledger.files(batch)
        written = await asyncio.to_thread(files.write, group, self._address)
        token = f"{secrets.token_hex(8)}-{written.sha256[:32]}"
        ledger.note_state(batch, WRITTEN, requests=written.requests, sha256=written.sha256, token=token)
        for call, number, _ in group:
            ledger.note_sent(call, number, batch)
            ledger.started(batch)
        await ledger.journal.synced()
        self.batches.append(batch)
        self._rounds.begin(batch.batch)
        return batch

    async def _hand_over(self, batch: Batch) -> bool:
        """Give a batch to the provider, once; whether that is settled."""
        provider, name = self._provider, batch.batch
        if batch.state == WRITTEN:
            file_id = await self._asking.ask(provider.upload(self.ledger.files(batch).requests))
            self.ledger.note_state(batch, UPLOADED, file_id=file_id)
            await self.ledger.journal.synced()
        assert batch.file_id is not None
        if self._searches[name]:
            found = await self._asking.ask(provider.find(batch.file_id, batch.token, set(batch.refused_ids)), proves=False)
            if found is not None:
                return await self._note_submitted(batch, found)
            self._searches[name] -= 1
            if self._searches[name]:
                raise LaterError(unsure=True)
        if not self.manner.submit or not self.ledger.has_room(batch):
            self._drop(batch)
            return True
        first = batch.state != FAILED
        try:
            made = await self._asking.ask(provider.create(batch.file_id, batch.token, self._address))
        except LaterError as error:
            self._searches[name] = SEARCHES * error.unsure
            raise
        return await self._note_submitted(batch, made) and first

    async def _note_submitted(self, batch: Batch, state: State) -> bool:
        self._searches.pop(batch.batch, None)
        self.ledger.note_state(batch, SUBMITTED, batch_id=state.id)
        await self.ledger.journal.synced()
        self.ledger.say(f"{batch.llm}: batch {batch.batch} is submitted with {batch.size} ({state.id})")
        return True

    async def _look_at(self, batch: Batch) -> bool:
        """Ask how far a batch is, and take its results when it has ended; whether it has moved."""
        if batch.offline:
            if batch.state == WRITTEN and lines_in(self.ledger.files(batch).output) >= batch.requests:
                self.ledger.note_state(batch, COMPLETED)
        elif batch.state in (SUBMITTED, IN_PROGRESS):
            assert batch.batch_id is not None
            state = await self._asking.ask(self._provider.retrieve(batch.batch_id))
            if state is None:
                self._note_gone(batch)
                return await self._take(batch)
            if state.status == "failed":
                return self._note_refused(batch, state)
            if state.status in AT_WORK and batch.state == SUBMITTED:
                self.ledger.note_state(batch, IN_PROGRESS)
                return True
            if state.status in OVER:
                self.ledger.note_state(
                    batch, OVER[state.status], completed=state.completed,
                    output_file_id=state.output_file_id, error_file_id=state.error_file_id,
                )  # fmt: skip
        return batch.state in ENDED and await self._take(batch)

    async def _take(self, batch: Batch) -> bool:
        """Take the results of a batch that has ended; whether that is done."""
        files = self.ledger.files(batch)
        paths, short = await self._fetch.files(batch, files)
        taking = Taking(batch, self.ledger, self._is_last)
        for path in paths:
            for number, result in enumerate(results_of(path)):
                taking.offer(result)
                if number % _TURN == 0:
                    await asyncio.sleep(0)
        how, charged = batch.state, not batch.offline and (batch.state == COMPLETED or short or taking.counts.damaged > 0)
        self._close(batch, taking, LACKING if charged else NOT_MADE, TAKEN)
        await self.ledger.journal.synced()
        self._no_room, self._refusals = False, 0
        self._most = min(2 * self._most, self.manner.most_requests)
        if not batch.offline:
            files.leave()
        if taking.refused is not None:
            raise LaneError(taking.refused)
        if self._rounds.end(batch.batch, batch.requests - len(taking.not_made)):
            raise LaneError(FRUITLESS.format(how))
        return True

    def _note_gone(self, batch: Batch) -> None:
        """The provider no longer has a batch: its results are those that the user has put in place."""
        check_saved(batch, self.ledger.files(batch).output)
        self.ledger.note_state(batch, COMPLETED)

    def _note_refused(self, batch: Batch, state: State) -> bool:
        """A batch that the provider refused: its calls go into others, or it is submitted later; whether it has moved."""
        refusal = Refusal(state.problems, batch.requests)
        self._no_room = refusal.passing
        taking = Taking(batch, self.ledger, self._is_last)
        if refusal.lines:
            keys = list(taking.placed)
            for line, problem in refusal.lines.items():
                taking.offer(Result(keys[line - 1], Attempt("error", error=problem.message)))
            others = Attempt("error", error="the provider refused the batch for another request in it", passing=True)
            self._close(batch, taking, others, FAILED, refusal.texts)
            return True
        refused = Attempt("error", error=f"the provider refused the batch: {refusal}", passing=True)
        if not refusal.passing:
            self._close(batch, taking, refused, FAILED, refusal.texts)
            raise LaneError(f"the provider refused a batch: {refusal}")
        beside = any(one is not batch and one.state in (SUBMITTED, IN_PROGRESS) for one in self.batches)
        if refusal.full and not beside and batch.requests > 1:
            self._most = batch.requests // 2
            self._close(batch, taking, refused, FAILED, refusal.texts)
            self.ledger.say(f"{batch.llm}: {refusal}. Its next batches have up to {counted(self._most, 'request')}")
            return False
        ids = (*batch.refused_ids, state.id)
        self.ledger.note_state(batch, FAILED, batch_id=None, refused_ids=ids, problems=refusal.texts)
        self._refusals += not refusal.full
        if self._refusals > self.manner.faults:
            raise LaneError(f"the provider refused a batch: {refusal}. Remedy: start the same command again later")
        self._asking.note(f"the provider refused batch {batch.batch}: {refusal}")
        return False

    def _drop(self, batch: Batch) -> None:
        """Give up a batch that was not submitted."""
        self._close(batch, Taking(batch, self.ledger, self._is_last), NOT_SENT, CANCELLED)

    def _close(self, batch: Batch, taking: Taking, otherwise: Attempt, state: str, problems: tuple[str, ...] = ()) -> None:
        """Record the requests without an answer, and that the batch is closed; its calls are pending again."""
        counts = taking.finish(otherwise)
        self.pending.extend(taking.again)
        self._asked.subtract(taking.not_made)
        self.ledger.note_state(batch, state, taken=counts.as_record(), problems=problems)
        self.batches.remove(batch)
        self._searches.pop(batch.batch, None)
        if (odd := counts.odd()) is not None:
            self.ledger.say(f"{batch.llm}: batch {batch.batch}: {odd}")

    def _is_last(self, key: str) -> bool:
        return self._asked[key] > self.endpoint.retries
