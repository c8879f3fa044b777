"""The loop that all sources of JSON logs share: raw records in, batches of log records and the rejected ones out.

A source gives it a function from one raw record to its log records, which raises BadRecordError for one that it cannot read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from llmfusionbench.builders.reading.fields import BadRecordError, fields, writable
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.records import Part, Records, Rejected, record_table
from llmfusionbench.builders.records import identity as names_of
from llmfusionbench.errors import InputError

_BATCH_ROWS: Final = 4096
BATCH_CHARACTERS: Final = 16 << 20

Made = TypeVar("Made")
Items = Iterable[tuple[int, Any] | Rejected]
"""Raw records with their numbers, as `read_items` gives them."""
Identify = Callable[[Any], dict[str, Any]]
"""Gives what identifies a raw record, which may be any JSON value."""


class Place:
    """Where the record stands that is being read, for a function that makes log records of it."""

    def __init__(self) -> None:
        self.row = 0

    def watched(self, items: Items) -> Iterator[tuple[int, Any] | Rejected]:
        """The records, each noted when it is taken."""
        for item in items:
            if not isinstance(item, Rejected):
                self.row = item[0]
            yield item


def characters_in(record: Mapping[str, Any]) -> int:
    """The characters of a record's texts, lists of texts and turns; numbers count as none."""
    total = 0
    for value in record.values():
        if type(value) is str:
            total += len(value)
        elif type(value) is list:
            total += sum(map(_length, value))
    return total


def _length(item: Any) -> int:
    if type(item) is str:
        return len(item)
    if isinstance(item, dict):
        return sum(len(value) for value in item.values() if isinstance(value, str))
    return len(item) if isinstance(item, str) else 0


def record_parts(
    rows: Sequence[dict[str, Any]],
    shared: Mapping[str, Any],
    numbers: Sequence[int],
    file: str,
    *,
    scales: Mapping[str, tuple[float, float]] | None = None,
    paired: bool = False,
) -> Iterator[Records | Rejected]:
    """Log records of a file as one table; those with a text that UTF-8 cannot write are rejected.

    Of a pair, both are rejected, with one reason.

    Args:
        rows: The records.
        shared: Columns that a record has, unless it states others.
        numbers: Their numbers in the file.
        file: Its name.
        scales: See `Records`.
        paired: See `Records`.
    """
    try:
        table = record_table(rows, shared, numbers)
    except UnicodeEncodeError:
        faults = {i: fault for i, row in enumerate(rows) if (fault := _fault(row)) is not None}
        units = numbers if paired else range(len(rows))
        broken: dict[int, int] = {}
        for i in faults:
            broken.setdefault(units[i], i)
        yield from (Rejected(file, numbers[i], faults[i], names_of(rows[i])) for i in broken.values())
        kept = [i for i, unit in enumerate(units) if unit not in broken]
        table = record_table([rows[i] for i in kept], shared, [numbers[i] for i in kept])
    if table.num_rows:
        yield Records(table, scales=scales or {}, paired=paired)


def _fault(row: Mapping[str, Any]) -> str | None:
    """What is wrong with the first broken text of a log record, which may be one of its turns."""
    try:
        for name, value in row.items():
            for item in value if isinstance(value, list) else [value]:
                for text in item.values() if isinstance(item, dict) else [item]:
                    if isinstance(text, str):
                        writable(text, name)
    except BadRecordError as error:
        return str(error)
    return None


def nameless(value: Any) -> dict[str, Any]:
    """The identity of a raw record that has none."""
    return {}


def each_record(
    items: Items, file: str, read: Callable[[dict[str, Any]], Iterable[Made | BadRecordError]], identity: Identify = nameless
) -> Iterator[tuple[int, Made] | Rejected]:
    """Everything that `read` makes of the raw records, with their numbers, and the rejected records.

    `read` raises BadRecordError to reject a record, or yields one for a part that is rejected while the others are kept.
    """
    for item in items:
        if isinstance(item, Rejected):
            yield item
            continue
        row, value = item
        try:
            made = list(read(value if type(value) is dict else fields(value)))
        except BadRecordError as error:
            made = [error]
        except RecursionError:
            made = [BadRecordError("the record is nested too deep, expected a record of the format")]
        for one in made:
            if isinstance(one, BadRecordError):
                yield Rejected(file, row, str(one), identity(value) | one.names)
            else:
                yield row, one


def read_records(
    path: Path,
    file: str,
    read: Callable[[dict[str, Any]], Iterable[dict[str, Any] | BadRecordError]],
    shared: Mapping[str, Any],
    *,
    identity: Identify = nameless,
    items: Items | None = None,
    required: str | None = None,
    scales: Mapping[str, tuple[float, float]] | None = None,
    paired: bool = False,
) -> Iterator[Part]:
    """The log records of a file in batches, and its rejected records.

    Args:
        path: A file of JSON or JSON lines.
        file: Its name in rejected records.
        read: Makes log records of a raw record; see `each_record`.
        shared: Columns that all log records of the file have, unless `read` gives others.
        identity: What identifies a rejected record.
        items: The raw records, if they are not the items of the file.
        required: What a record of the format is called, for a file that must have one.
        scales: See `Records`.
        paired: See `Records`.

    Raises:
        InputError: the file cannot be read, or it has no record of the format.
    """
    taken, reason = False, "it has no records"
    made = each_record(read_items(path, file) if items is None else items, file, read, identity)
    for part in _batches(made, file, shared, scales=scales, paired=paired):
        yield part
        if isinstance(part, Rejected):
            reason = part.reason
        else:
            taken = True
    if required and not taken:
        raise InputError(f"{path}: no {required} in it ({reason}). Remedy: check the file, or use another source")


def _batches(
    made: Iterable[tuple[int, dict[str, Any]] | Rejected], file: str, shared: Mapping[str, Any], **options: Any
) -> Iterator[Records | Rejected]:
    """Log records with their numbers in batches, and the rejected ones."""
    every = {"file": file, **shared}
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    characters = 0
    for item in made:
        if isinstance(item, Rejected):
            yield item
            continue
        number, record = item
        numbers.append(number)
        rows.append(record)
        characters += characters_in(record)
        if len(rows) >= _BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield from record_parts(rows, every, numbers, file, **options)
            rows, numbers, characters = [], [], 0
    if rows:
        yield from record_parts(rows, every, numbers, file, **options)
