"""What a run knows from its journal: what was answered, what failed, what was in flight when it was killed, and the cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from llmfusionbench.builders.collecting.calls import Slot
from llmfusionbench.builders.collecting.lines import Done, Head, Sent, Use, head_of, quick_head, record_of, slot_text
from llmfusionbench.builders.collecting.records import Record
from llmfusionbench.builders.collecting.unpriced import Unpriced
from llmfusionbench.builders.reading.run_files import BATCH, CHANGED, LINE_BYTES, LOST
from llmfusionbench.storage.files import limited_lines, open_binary, reading

LONGEST: Final = LINE_BYTES
"""Bytes of a line from which it is not read."""
_LISTED: Final = 5
"""Damaged lines whose numbers are kept."""


class Facts(NamedTuple):
    """What is known of a request that is done."""

    status: str
    """`ok`, `empty` or `error`."""
    finish_reason: str | None
    attempt: int
    """Number of its last attempt."""


class Lost(NamedTuple):
    """An attempt that was in flight when an earlier run ended: it may have been paid for, and its answer is lost."""

    key: str
    attempt: int
    worst_usd: float | None
    """None if its price is not known."""


class JournalState:
    """The sum of the lines of a journal. Some 200 bytes for each request, whatever the length of its answer.

    Slots are known by a hash of 64 bits: with a million of them, the chance that one is taken for another is 3e-8.
    """

    def __init__(self) -> None:
        self.answered: dict[str, Facts] = {}
        """Requests with an answer (`ok` or `empty`), by key."""
        self.failed: dict[str, Facts] = {}
        """Requests that failed for good, by key."""
        self.batches: dict[str, Record] = {}
        """The last record of each batch of a provider, by its id."""
        self.spent: dict[str, float] = {}
        """USD per LLM, without what was in flight at a kill and what is in `unpriced`."""
        self.unpriced = Unpriced()
        """The attempts of unknown cost."""
        self.lines = 0
        self.damaged = 0
        """Lines that cannot be read; they are skipped."""
        self.damaged_lines: list[int] = []
        """The numbers of the first ones, from 1."""
        self._open: dict[str, dict[int, Sent]] = {}
        self._reported: set[tuple[Any, Any]] = set()
        """(key, number) of the attempts in flight when a run ended that were reported to the user."""
        self._tries: dict[str, int] = {}
        self._slots: set[int] = set()
        self._same: dict[Facts, Facts] = {}
        self._failed_by: dict[str, set[str]] = {}
        """LLM -> keys of its requests that failed for good."""

    def next_number(self, key: str) -> int:
        """The number that the next attempt at a request has."""
        return max(self._last(key), max(self._open.get(key, ()), default=0)) + 1

    def has_slot(self, key: str, slot: Slot) -> bool:
        """Whether the answer to a request is already noted for a slot."""
        return hash((key, slot_text(slot))) in self._slots

    def open_attempts(self) -> list[Lost]:
        """The attempts that began and have not ended, without those in batches."""
        found = (sent for attempts in self._open.values() for sent in attempts.values() if sent.batch is None)
        return [Lost(sent.key, sent.number, sent.worst_usd) for sent in found]

    def is_reported(self, lost: Lost) -> bool:
        """Whether a lost attempt was reported to the user."""
        return (lost.key, lost.attempt) in self._reported

    def open_without_price(self) -> Counter[str]:
        """LLM -> the number of its attempts that have not ended and have no worst case, with those in batches."""
        found = (sent for attempts in self._open.values() for sent in attempts.values() if sent.worst_usd is None)
        return Counter(sent.llm for sent in found)

    def in_batches(self) -> dict[str, tuple[str, int, float | None]]:
        """Key -> (batch, number of the attempt, worst-case USD) of the requests that batches have not brought back yet.

        The worst case is None where no price was known.
        """
        found = (sent for attempts in self._open.values() for sent in attempts.values() if sent.batch is not None)
        return {sent.key: (str(sent.batch), sent.number, sent.worst_usd) for sent in found}

    def knows(self, head: Head) -> bool:
        """Whether what a line states is known already."""
        if isinstance(head, Use):
            return hash((head.key, head.slot)) in self._slots
        is_open, is_over = head.number in self._open.get(head.key, ()), head.number <= self._last(head.key)
        return is_open or is_over if isinstance(head, Sent) else is_over and not is_open

    def take(self, head: Head) -> None:
        """Add what a line states."""
        if isinstance(head, Done):
            self._take_done(head)
        elif isinstance(head, Sent):
            attempts = self._open.get(head.key)
            if (attempts is not None and head.number in attempts) or head.number <= self._last(head.key):
                return  # a line that is there twice counts once
            if attempts is None:
                self._open[head.key] = {head.number: head}
            else:
                attempts[head.number] = head
        else:
            self._take_use(head)

    def take_record(self, record: Record) -> None:
        """The same for a record, which may also be of a batch or an LLM. Raises ValueError if a field has no possible value."""
        head = head_of(record)
        if head is not None:
            self.take(head)
        elif record["kind"] == BATCH:
            self.batches[record["batch"]] = record
        elif record["kind"] == CHANGED:
            self._forget_failures(record.get("llm"))
        elif record["kind"] == LOST:
            self._reported.add((record["key"], record["attempt"]))

    def read(self, path: Path) -> int:
        """Add the lines of a file; the number of bytes up to the end of the last whole line.

        Raises:
            InputError: The file cannot be read.
        """
        size = 0
        with reading(path), open(path, "rb", buffering=2**20) as file:
            for line in limited_lines(file, LONGEST):
                if isinstance(line, int):
                    size, self.lines = size + line, self.lines + 1
                    self._note_damage()
                elif (head := quick_head(line)) is not None:
                    size, self.lines = size + len(line), self.lines + 1
                    self.take(head)
                elif not line.endswith(b"\n"):
                    return size + (len(line) if self._take_line(line, cut=True) else 0)
                else:
                    size, self.lines = size + len(line), self.lines + 1
                    if line.strip():
                        self._take_line(line)
        return size

    def _take_line(self, line: bytes, *, cut: bool = False) -> bool:
        """Add a line that is read as JSON; whether it is a record. One without its end that is none is not called damaged."""
        try:
            self.take_record(record_of(line))
        except ValueError:
            if not cut:
                self._note_damage()
            return False
        self.lines += cut
        return True

    def _note_damage(self) -> None:
        self.damaged += 1
        if len(self.damaged_lines) < _LISTED:
            self.damaged_lines.append(self.lines)

    def _take_done(self, done: Done) -> None:
        key, number = done.key, done.number
        attempts, last = self._open.get(key), self._last(key)
        if attempts is not None and number in attempts:
            del attempts[number]
            if not attempts:
                del self._open[key]
        elif number <= last:
            return
        self.spent[done.llm] = self.spent.get(done.llm, 0.0) + done.cost_usd
        if done.unpriced is not None:
            self.unpriced.add(done.llm, done.unpriced)
        facts = Facts(done.status, done.finish_reason, max(number, last))
        facts = self._same.setdefault(facts, facts)
        if done.final and done.status != "error":
            self.answered[key] = facts
            self.failed.pop(key, None)
        elif key in self.answered:
            self.answered[key] = self.answered[key]._replace(attempt=facts.attempt)
        elif done.final:
            self.failed[key] = facts
            self._failed_by.setdefault(done.llm, set()).add(key)
        elif key in self.failed:
            self.failed[key] = self.failed[key]._replace(attempt=facts.attempt)
        else:
            self._tries[key] = facts.attempt
            return
        self._tries.pop(key, None)
        if done.final:
            self._slots.add(hash((key, done.slot)))

    def _forget_failures(self, llm: Any) -> None:
        """Count the requests that failed with the former settings of an LLM as tried, and as not done."""
        for key in self._failed_by.pop(llm, ()):
            if (facts := self.failed.pop(key, None)) is not None:
                self._tries[key] = facts.attempt

    def _take_use(self, use: Use) -> None:
        self._slots.add(hash((use.key, use.slot)))

    def _last(self, key: str) -> int:
        """Number of the last attempt at a request that ended; 0 without one."""
        facts = self.answered.get(key) or self.failed.get(key)
        return self._tries.get(key, 0) if facts is None else facts.attempt


def journal_records(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(number from 1, record) of each line of a journal, None in place of a damaged one; the run may still be going.

    A last line without its end, which is being written or was cut, is not among them.

    Raises:
        InputError: The file cannot be read.
    """
    with reading(path), open_binary(path) as file:
        for number, line in enumerate(limited_lines(file, LONGEST), 1):
            if isinstance(line, int):
                yield number, None
            elif not line.endswith(b"\n"):
                return
            elif line.strip():
                yield number, _record_or_none(line)


def _record_or_none(line: bytes) -> Record | None:
    try:
        record = record_of(line)
        head_of(record)
    except ValueError:
        return None
    return record
