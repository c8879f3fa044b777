"""The loop that all sources of JSON logs share: raw records in, batches of log records and the rejected ones out.

A source gives it a function from one raw record to its log records, which raises BadRecordError for one that it cannot read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from llmfusionbench.builders.reading.fields import BadRecordError, fields
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.records import Part, Records, Rejected, record_table
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
        kind = type(value)
        if kind is str:
            total += len(value)
        elif kind is list:
            total += sum(map(_length, value))
    return total


def _length(item: Any) -> int:
    if isinstance(item, dict):
        return sum(len(value) for value in item.values() if isinstance(value, str))
    return len(item) if isinstance(item, str) else 0


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
    every = {"file": file, **shared}
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    characters, taken, reason = 0, False, "it has no records"

    def batch() -> Records:
        return Records(record_table(rows, every, numbers), scales=scales or {}, paired=paired)

    for item in each_record(read_items(path, file) if items is None else items, file, read, identity):
        if isinstance(item, Rejected):
            yield item
            reason = item.reason
            continue
        number, record = item
        numbers.append(number)
        rows.append(record)
        characters += characters_in(record)
        if len(rows) >= _BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch()
            rows, numbers, characters, taken = [], [], 0, True
    if rows:
        yield batch()
    elif required and not taken:
        raise InputError(f"{path}: no {required} in it ({reason}). Remedy: check the file, or use another source")
