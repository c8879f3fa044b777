"""The journal of a run: append-only, with one writer, so that no answer that was paid for is asked for again."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from llmfusionbench.builders.collecting.append_file import AppendFile
from llmfusionbench.builders.collecting.calls import Slot
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.journal_state import Facts, JournalState, Lost
from llmfusionbench.builders.collecting.lines import head_of, line_of, record_of
from llmfusionbench.builders.collecting.records import Record
from llmfusionbench.builders.collecting.run_lock import RunLock
from llmfusionbench.builders.collecting.unpriced import Worth
from llmfusionbench.builders.reading.run_files import JOURNAL, LINE_BYTES, LOCK, WORKERS
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import redacted_data
from llmfusionbench.storage.files import filling, limited_lines, reading

RESERVE: Final = "journal.reserve"
"""Space that is kept for the answers in flight when the disk gets full."""
_RESERVED: Final = 4 * 2**20
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


def worker_folders(folder: Path) -> list[Path]:
    """The folders of workers in a run, those of earlier runs, too."""
    return sorted(found.parent for found in (folder / WORKERS).glob(f"*/{JOURNAL}"))


class RunJournal:
    """A context manager. Entering locks the run, reads what its journal has, and takes in what workers of earlier runs left.

    A record is with the operating system when `add` returns, so that a killed process loses none. It is on the disk within
    a fraction of a second; `synced` waits for that.

    Args:
        folder: The run, which exists; of a worker, its part of `WORKERS`.
        after: Of a worker, the journal of the run: what that has is known here, too.

    Raises:
        InputError: On entering, if another process has the run or the journal cannot be read.
    """

    def __init__(self, folder: Path, *, after: Path | None = None) -> None:
        self.folder = folder
        self._after = after
        self.path = folder / JOURNAL
        self.state = JournalState()
        self.lost: list[Lost] = []
        """Attempts that were in flight when earlier runs ended."""
        self.trouble: str | None = None
        """The reason why no further request may start, such as a full disk."""
        self.fault: str | None = None
        """What `trouble` comes from, without the remedy."""
        self._endpoints: dict[str, Endpoint] = {}
        self._drift: set[tuple[str, str]] = set()
        self._lock = RunLock(folder / LOCK)
        self._file: AppendFile | None = None

    def __enter__(self) -> RunJournal:
        self._lock.acquire()
        with ExitStack() as undo:
            undo.callback(self._lock.give_up)
            if self._after is not None:
                self.state.read(self._after)
            if self.path.exists():
                self._repair(self.state.read(self.path))
            with filling(self.path):
                self._file = AppendFile(self.path)
            undo.callback(self._file.close)
            for left in worker_folders(self.folder):
                self.take_in(left)
            with suppress(OSError):  # it has other files, or is not there
                (self.folder / WORKERS).rmdir()
            self.lost = self.state.open_attempts()
            self._reserve()
            undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._file is not None
        try:
            self._file.close()
        except OSError as found:
            if kind is None:
                raise self._failure(found) from found
        finally:
            (self.folder / RESERVE).unlink(missing_ok=True)
            self._lock.release()

    @property
    def answered(self) -> dict[str, Facts]:
        """Requests with an answer (`ok` or `empty`), by key."""
        return self.state.answered

    @property
    def failed(self) -> dict[str, Facts]:
        """Requests that failed for good, by key."""
        return self.state.failed

    @property
    def in_flight_lost(self) -> int:
        """Number of attempts that were in flight when earlier runs ended."""
        return len(self.lost)

    @property
    def lost_without_answer(self) -> list[Lost]:
        """Those of the lost attempts whose request has no outcome since."""
        done = ((lost, self.answered.get(lost.key) or self.failed.get(lost.key)) for lost in self.lost)
        return [lost for lost, facts in done if facts is None or facts.attempt < lost.attempt]

    @property
    def unreported(self) -> list[Lost]:
        """Those of them that no start has reported to the user."""
        return [lost for lost in self.lost_without_answer if not self.state.is_reported(lost)]

    @property
    def spent_usd(self) -> float:
        """USD, with the worst case of what was in flight when earlier runs ended; without batches that are under way.

        Attempts whose cost was not known when they ended count at the prices of `know_prices`.
        """
        known = sum(self.state.spent.values()) + sum(lost.worst_usd or 0.0 for lost in self.lost)
        return known + sum(self.worth.usd.values())

    @property
    def worth(self) -> Worth:
        """What attempts of unknown cost are worth at the prices of `know_prices`; with those that have not ended."""
        found = self.state.unpriced.worth(self._endpoints)
        return found._replace(unknown=found.unknown + self.state.open_without_price())

    def know_prices(self, endpoints: Iterable[Endpoint]) -> None:
        """Give the endpoints with the prices that are known now; of two with one name the last one counts."""
        self._endpoints |= {one.name: one for one in endpoints}

    def next_number(self, key: str) -> int:
        """The number that the next attempt at a request has."""
        return self.state.next_number(key)

    def has_slot(self, key: str, slot: Slot) -> bool:
        """Whether the answer to a request is already noted for a slot."""
        return self.state.has_slot(key, slot)

    def is_first_drift(self, llm: str, served: str) -> bool:
        """Whether it is the first time since the journal was entered that this other model answers in place of an LLM."""
        known = len(self._drift)
        self._drift.add((llm, served))
        return len(self._drift) > known

    def add(self, record: Record) -> None:
        """Append a record, without secrets; it is with the operating system when this returns.

        When the disk is full, the space in reserve takes the record, and `trouble` states that no further request may start.

        Raises:
            InputError: It cannot be written. The journal is then as it was before.
        """
        record = redacted_data(record)
        line = line_of(record)
        if len(line) > LINE_BYTES:  # `1e15` is written with all of its digits; texts alone are never that long
            record = record | {"logprobs": None}
            line = line_of(record)
        self._write(line)
        self.state.take_record(record)

    def take_from(self, path: Path, start: int = 0) -> Iterator[tuple[int, Record | None]]:
        """Append the whole lines of a worker's journal that are not known yet. They are added as they are taken from here.

        Args:
            path: The journal, which the worker may still be writing.
            start: The byte of it to begin at.

        Yields:
            (the byte after a line, its record), with None for a line that was known, or is damaged.

        Raises:
            InputError: a line cannot be read or written.
        """
        with reading(path), open(path, "rb") as file:
            file.seek(start)
            for line in limited_lines(file, LINE_BYTES):
                if isinstance(line, int) or not line.endswith(b"\n"):  # no worker writes a line that long; the other one grows
                    return
                start += len(line)
                yield start, self._taken(line)

    def take_in(self, folder: Path, start: int = 0) -> None:
        """Append the rest of the journal of a worker that has ended, from byte `start` on, and remove its folder.

        Raises:
            InputError: the worker still writes its journal, or a file cannot be read or written.
        """
        with RunJournal(folder):  # no one writes it any more, and its last line is whole
            pass
        for _ in self.take_from(folder / JOURNAL, start):
            pass
        self.sync()
        shutil.rmtree(folder)

    def _taken(self, line: bytes) -> Record | None:
        try:
            record = record_of(line)
            head = head_of(record)
        except ValueError:
            self._write(line)  # it is kept, and the next start counts it as damaged
            return None
        if head is None or self.state.knows(head):
            return None
        self._write(line)
        self.state.take(head)
        return record

    def _write(self, line: bytes) -> None:
        """Append a line. On a full disk, the space in reserve takes it, and `trouble` states why no request may follow."""
        assert self._file is not None, "the journal is used outside its block"
        try:
            try:
                self._file.write(line)
            except OSError as error:
                self.trouble, self.fault = str(self._failure(error)), f"{self.path}: {error.strerror or error}"
                if error.errno not in _NO_ROOM or not self._free_reserve():
                    raise
                self._file.write(line)
        except OSError as error:
            raise self._failure(error) from error

    async def synced(self) -> None:
        """Return when every record so far is on the disk. Raises InputError if the disk reports an error."""
        await asyncio.to_thread(self.sync)

    def sync(self) -> None:
        """The same for callers without an event loop."""
        assert self._file is not None, "the journal is used outside its block"
        try:
            self._file.sync()
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> InputError:
        return InputError(
            f"{self.path}: {error.strerror or error}. All answers that were recorded are kept. "
            "Remedy: free space on this disk, then start the same command again"
        )

    def _repair(self, whole: int) -> None:
        """Cut a last line that is not whole, and end one that only lacks its end."""
        size = self.path.stat().st_size
        if whole < size:
            os.truncate(self.path, whole)
        with filling(self.path), open(self.path, "r+b") as file:
            if whole and (file.seek(whole - 1), file.read(1))[1] != b"\n":
                file.write(b"\n")

    def _reserve(self) -> None:
        """Take space for the answers in flight. A disk that has none is used as it is."""
        with suppress(OSError):
            (self.folder / RESERVE).write_bytes(bytes(_RESERVED))

    def _free_reserve(self) -> bool:
        """Give the space back; whether there was any."""
        try:
            (self.folder / RESERVE).unlink()
        except FileNotFoundError:
            return False
        return True
