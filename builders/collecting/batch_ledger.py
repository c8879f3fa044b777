"""What all batches of a run share: its journal, its budget, its progress, and the room that is reserved for each request."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from llmfusionbench.builders.collecting.batch_files import BatchFiles, Placed, file_name
from llmfusionbench.builders.collecting.batch_states import Batch
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget, Held
from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.drift import drift_of, drift_warning
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.records import sent_record
from llmfusionbench.builders.collecting.surroundings import utc_now


def worst_in_batches(journal: RunJournal, apart_from: Container[str] = ()) -> float:
    """What the requests in batches cost at most, USD. It belongs to what a budget for other calls has spent.

    Args:
        journal: Journal of the run, entered.
        apart_from: LLMs whose batches do not count: `run_batches` reserves room for those of its endpoints itself.
    """
    reserved = {name for name, record in journal.state.batches.items() if Batch.of(record).llm in apart_from}
    return sum(worst or 0.0 for batch, _, worst in journal.state.in_batches().values() if batch not in reserved)


@dataclass
class Ledger:
    """The books of a run, as its batches keep them.

    Args:
        journal: The journal.
        budget: What all calls of the run may cost.
        board: The progress.
        endpoints: LLM -> its endpoint.
        today: The wall clock. It labels records, and gives the day of prices.
    """

    journal: RunJournal
    budget: Budget
    board: Board
    endpoints: Mapping[str, Endpoint]
    say: Callable[[str], None]
    """Called with each line for the user."""
    today: Callable[[], datetime] = utc_now
    answered: int = 0
    """Requests that were answered."""
    failed: int = 0
    """Requests that failed for good."""
    drift: dict[str, list[str]] = field(default_factory=dict)
    """LLM -> names of other models that answered in its place."""
    outcomes: set[str] = field(default_factory=set)
    """Keys of the requests that were answered or failed for good."""
    settled: int = 0
    """Attempts so far that have ended: each may have made room in the budget."""
    _number: int = 0
    _held: dict[tuple[str, int], Held] = field(default_factory=dict)

    def now(self) -> str:
        """The time as a label."""
        return self.today().isoformat(timespec="milliseconds")

    def files(self, batch: Batch) -> BatchFiles:
        """The files of a batch."""
        return BatchFiles(self.journal.folder, batch.batch)

    def open_batches(self) -> list[Batch]:
        """The batches whose requests are under way."""
        found = [Batch.of(record) for record in self.journal.state.batches.values()]
        return [batch for batch in found if not batch.closed]

    def next_name(self, llm: str) -> str:
        """The name of a new batch; files of that name are left-overs of a run that was killed before it recorded them."""
        recorded = (name.rpartition("-")[2] for name in self.journal.state.batches)
        self._number = max(self._number, *(int(number) for number in recorded if number.isdecimal()), 0) + 1
        return file_name(llm, self._number)

    def note_state(self, batch: Batch, state: str, **facts: Any) -> None:
        """Change the state of a batch, and record it."""
        changed = replace(batch, state=state, **facts)
        vars(batch).update(vars(changed))
        self.journal.add(batch.record(self.now()))

    def due(self, batch: Batch, placed: Mapping[str, Placed]) -> set[str]:
        """The requests of a batch that have no result in the journal, by key."""
        waiting = self.journal.state.in_batches()
        return {key for key, one in placed.items() if waiting.get(key, ("", 0))[:2] == (batch.batch, one.attempt)}

    def reserve(self, call: Call, number: int) -> bool:
        """Reserve the worst case of a request at the price of batches; whether there is room for it now."""
        held = self.budget.reserve(call, batch=True)
        if held is not None:
            self._held[call.key, number] = held
        return held is not None

    def hold(self, call: Call, number: int) -> bool:
        """The same for a request that the provider may have. Without room for it, the budget gives no more room at all."""
        room = self.reserve(call, number)
        if not room:
            self.budget.close()
        return room

    def has_room(self, batch: Batch) -> bool:
        """Whether room is reserved for all requests of a batch. There is none for one that is no longer to be made."""
        return all((key, one.attempt) in self._held for key, one in self.files(batch).placed().items())

    def note_sent(self, call: Call, number: int, batch: Batch) -> None:
        """Record that a request travels in a batch, if that is not recorded yet."""
        if self.journal.next_number(call.key) <= number:
            worst = self.budget.worst_case(call, batch=True).worst_usd
            self.journal.add(sent_record(call, number=number, worst_usd=worst, batch=batch.batch))

    def started(self, batch: Batch) -> None:
        """Count an attempt as in flight, unless no provider has it."""
        if not batch.offline:
            self.board.started(batch.llm)

    def settle(self, call: Call, number: int, attempt: Attempt) -> float | None:
        """What an attempt cost, USD, in place of what was reserved for it; None if that is not known."""
        self.settled += 1
        held = self._held.pop((call.key, number), None)
        if held is not None:
            return self.budget.settle(held, attempt)
        held = self._beyond.reserve(call, batch=True)
        return None if held is None else self._beyond.settle(held, attempt)

    def finished(self, call: Call, attempt: Attempt, cost: float | None, final: bool, *, again: bool = False) -> None:
        """Count an attempt; `again` if it is not the first one at its call."""
        self.answered += attempt.status != "error"
        self.failed += final and attempt.status == "error"
        if final:
            self.outcomes.add(call.key)
        self.board.finished(call.llm, attempt, cost, final, again=again)
        if (drift := drift_of(call, attempt, self.endpoints[call.llm])) is not None:
            served, asked = drift
            found = self.drift.setdefault(call.llm, [])
            found += [served] if served not in found else []
            if self.journal.is_first_drift(call.llm, served):
                self.say(drift_warning(call.llm, served, asked))

    @cached_property
    def _beyond(self) -> Budget:
        """A budget without a cap, for requests of earlier runs that exceed the cap of this one."""
        return Budget(None, self.endpoints.values(), today=self._day)

    def _day(self) -> date:
        return self.today().date()
