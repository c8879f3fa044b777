"""Where the journal of a run holds the answer of every slot; the run may still be going.

A slot is (query_id, llm, mode, replicate). Its answer is the newest one that is final; a failure counts only where there is no
answer. The texts stay in the file until they are asked for.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Set
from heapq import nlargest
from pathlib import Path
from typing import Any, Final, NamedTuple

from llmfusionbench.builders.reading.line_check import is_changed, is_whole
from llmfusionbench.builders.reading.queries_file import REMEDY
from llmfusionbench.builders.reading.run_files import ATTEMPT, CHANGED, JOURNAL, LINE_BYTES, USE
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import limited_lines, reading

_TEXT: Final = rb'"[^"\\]*+"'
_HEAD: Final = re.compile(
    rb'\{"kind":"attempt","key":"([0-9a-f]{32})","llm":' + _TEXT + rb',"attempt":([0-9]{1,9}),"final":(true|false),"status":"'
    rb'([a-z]++)","finish_reason":(?:null|' + _TEXT + rb'),"cost_usd":[^,"]{1,40},"at":' + _TEXT + rb',"slot":'
    rb"(\[[^\[\]\\]*+\]),"
)  # fmt: skip
"""The head of the line of an attempt, as this package writes it: a line that has it, and the right CRC, is not read further."""
_SENT: Final = b'{"kind":"sent","'


class Place(NamedTuple):
    """For what an answer is, beside its query."""

    llm: str
    mode: str
    replicate: int


class _Known(NamedTuple):
    """The newest final attempt at a request."""

    line: int | None
    """As in `RunAnswers._slots`; None for a failure that no longer counts."""
    attempt: int


class RunAnswers:
    """The answers in a journal, by query. They take some 300 bytes each, whatever the length of their texts.

    Reading stops at the end of the last whole line, so a journal that grows is read as it was at one moment.

    Raises:
        InputError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        """Bytes up to the end of the last whole line."""
        self.damaged = 0
        """Lines that are no records, are too long, or whose bytes were changed."""
        self._starts = array("q")
        self._slots: dict[str, dict[Place, int]] = {}
        """query_id -> place -> number of the line, from 0; -1 minus that number for a failure."""
        self._requests: dict[str, _Known] = {}
        self._failed_by: dict[str, set[str]] = {}
        """LLM -> keys of its requests that have failed."""
        self._uses: dict[str, list[tuple[str, Place]]] = {}
        self._places: dict[Place, Place] = {}
        with reading(path), open(path, "rb", buffering=1 << 20) as file:
            for line in limited_lines(file, LINE_BYTES):
                if isinstance(line, bytes) and not line.endswith(b"\n"):
                    break
                self._starts.append(self.size)
                self.size += len(line) if isinstance(line, bytes) else line
                self._take(line)

    def outcomes(self, queries: Iterable[str], places: Set[Place]) -> int:
        """Number of the slots of these queries and places with an answer or a failure."""
        return sum(len(places & self._slots.get(query_id, {}).keys()) for query_id in queries)

    def queries(self) -> set[str]:
        """The ids of the queries that have an answer or a failure."""
        return {query_id for query_id, lines in self._slots.items() if lines}

    def answered(self) -> dict[str, set[str]]:
        """LLM -> the modes in which it has an answer."""
        found: dict[str, set[str]] = {}
        for lines in self._slots.values():
            for place, line in lines.items():
                if line >= 0:
                    found.setdefault(place.llm, set()).add(place.mode)
        return found

    def has_failed(self, key: str) -> bool:
        """Whether a request has a failure, and no answer."""
        line = self._line_of(key)
        return line is not None and line < 0

    def of(self, query_id: str, llm: str | None = None) -> Iterator[tuple[int, Place, dict[str, Any]]]:
        """(number of the line from 0, place, record) of every answer or failure of a query, or of those by one LLM."""
        lines = {place: line for place, line in self._slots.get(query_id, {}).items() if llm in (None, place.llm)}
        if not lines:
            return
        with reading(self.path), open(self.path, "rb") as file:
            for place, line in sorted(lines.items(), key=lambda item: _number(item[1])):
                file.seek(self._starts[_number(line)])
                yield _number(line), place, json.loads(file.readline())

    def failures(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """(place, record) of every slot that has a failure and no answer."""
        lines = ((place, -1 - line) for slots in self._slots.values() for place, line in slots.items() if line < 0)
        with reading(self.path), open(self.path, "rb") as file:
            for place, number in sorted(lines, key=lambda item: item[1]):
                file.seek(self._starts[number])
                yield place, json.loads(file.readline())

    def newest(self, count: int) -> list[dict[str, Any]]:
        """The newest records of answers and failures, at most `count`, in their order."""
        numbers = nlargest(count, {_number(line) for slots in self._slots.values() for line in slots.values()})
        with reading(self.path), open(self.path, "rb") as file:
            found = []
            for number in reversed(numbers):
                file.seek(self._starts[number])
                found.append(json.loads(file.readline()))
        return found

    def _take(self, line: bytes | int) -> None:
        if isinstance(line, bytes) and line.startswith(_SENT) and is_whole(line):
            return
        record = (_head(line) or _record(line)) if isinstance(line, bytes) else None
        if record is None:
            self.damaged += not (isinstance(line, bytes) and line.isspace())
        elif record["kind"] == ATTEMPT and record.get("final") is True:
            self._take_final(record)
        elif record["kind"] == CHANGED:
            self._forget_failures(record.get("llm"))
        elif record["kind"] == USE and (slot := self._slot(record)) is not None:
            self._uses.setdefault(record["key"], []).append(slot)
            self._set(slot, self._line_of(record["key"]))

    def _take_final(self, record: dict[str, Any]) -> None:
        key, attempt = record["key"], record.get("attempt")
        number = attempt if isinstance(attempt, int) else 0
        slot = self._slot(record)
        if slot is None:
            return
        known, before = self._requests.get(key), self._line_of(key)
        line, failed = len(self._starts) - 1, record.get("status") == "error"
        is_answered = before is not None and before >= 0
        if known is not None and number <= known.attempt and (failed or is_answered):  # there twice, or for a further slot
            if slot[1] not in self._slots.get(slot[0], {}):
                self._set(slot, before)
            return
        if failed and not is_answered:
            self._failed_by.setdefault(slot[1].llm, set()).add(key)
        code = before if failed and is_answered else -1 - line if failed else line
        self._requests[key] = _Known(code, number if known is None else max(number, known.attempt))
        for one in (slot, *self._uses.get(key, ())):
            self._set(one, code)

    def _line_of(self, key: str) -> int | None:
        """The line of a request, as in `_slots`; None if it has neither an answer nor a failure that counts."""
        known = self._requests.get(key)
        return None if known is None else known.line

    def _forget_failures(self, llm: Any) -> None:
        """Leave out the failures of an LLM: they came of other settings than those that it is asked with from here on."""
        for lines in self._slots.values():
            for place in [place for place, line in lines.items() if line < 0 and place.llm == llm]:
                del lines[place]
        for key in self._failed_by.pop(llm, ()):
            if self.has_failed(key):
                self._requests[key] = self._requests[key]._replace(line=None)

    def _slot(self, record: dict[str, Any]) -> tuple[str, Place] | None:
        """(query_id, place) of a record; None if it is for something else."""
        slot = record.get("slot")
        if not isinstance(slot, list) or len(slot) != 4 or not all(isinstance(part, str) for part in slot):
            return None
        query, llm, mode, replicate = slot
        if not (replicate.isascii() and replicate.isdecimal() and len(replicate) < 7):
            return None
        place = Place(llm, mode, int(replicate))
        return query, self._places.setdefault(place, place)

    def _set(self, slot: tuple[str, Place], line: int | None) -> None:
        if line is None:
            return
        lines = self._slots.setdefault(slot[0], {})
        if line >= 0 or lines.get(slot[1], -1) < 0:
            lines[slot[1]] = line


def places_of_run(run: Mapping[str, Any]) -> set[Place]:
    """What each query of a run is asked for: of every LLM in its modes, with all replicates. `run` is its `run.json`."""
    candidates = [(entry["name"], mode) for entry in run["llms"] for mode in entry["modes"]]
    return {Place(llm, mode, replicate) for llm, mode in candidates for replicate in range(run["replicates"])}


def check_journal(folder: Path) -> None:
    """Raises InputError if a run lacks its journal, for it would be without answers, and all would be paid for again."""
    path = folder / JOURNAL
    if not path.is_file():
        what = "a directory" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {what}, expected the answers of the run, which would be lost. {REMEDY}")


def _number(line: int) -> int:
    return line if line >= 0 else -1 - line


def _head(line: bytes) -> dict[str, Any] | None:
    """What is needed of the line of an attempt; None for another line, or one whose bytes were changed."""
    found = _HEAD.match(line)
    if found is None or not is_whole(line):
        return None
    key, attempt, final, status, slot = found.groups()
    return {
        "kind": ATTEMPT,
        "key": key.decode(),
        "attempt": int(attempt),
        "final": final == b"true",
        "status": status.decode(),
        "slot": json.loads(slot),
    }


def _record(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None for a damaged one."""
    if is_changed(line):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        return None
    return record if record["kind"] not in (ATTEMPT, USE) or isinstance(record.get("key"), str) else None
