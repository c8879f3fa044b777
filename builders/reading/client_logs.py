"""What the sources of API logs share: the name of an LLM, what is left out, and the loop over a file's records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.json_records import Identify, Items, read_records
from llmfusionbench.builders.reading.model_names import RoutedName, name_or_path
from llmfusionbench.builders.records import Note, Part, Records, Rejected
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import Candidate

BY: Final = ("asked", "served")
"""The model that names the LLM of an answer."""
COMMON: Final = {"metric": "unknown"}
"""Columns of all records of API logs: the logs state no metric."""


def check_by(by: str) -> str:
    """`by`, if it is one of `BY`.

    Raises:
        UnknownNameError: it is not.
    """
    if by not in BY:
        raise UnknownNameError("choice of --option by", by, BY)
    return by


@lru_cache(maxsize=4096)
def candidate_of(asked: str | None, served: str | None, by: str = "asked", name: str | None = None) -> dict[str, str]:
    """`llm` and `mode` of an answer, by the name given or by the model that was asked or that served; and `llm_path` of a path.

    Raises:
        BadRecordError: neither model is stated.
    """
    if name:
        return RoutedName(name).columns(Candidate.parse)
    model = (asked or served) if by == "asked" else (served or asked)
    if not model:
        raise BadRecordError("no model is stated, expected the name of one")
    return name_or_path(model).columns(Candidate.parse)


class LeftOut:
    """Counts the records of a file that are not answers, by what they are, and other remarks on records."""

    def __init__(self) -> None:
        self.records: Counter[str] = Counter()
        """Why records are left out -> their number."""
        self.remarks: Counter[str] = Counter()
        """What was made of a detail of records -> their number."""

    def notes(self, file: str) -> Iterator[Note]:
        """A note for each."""
        for text, number in self.records.items():
            yield Note(file, f"{number:,} {'record is' if number == 1 else 'records are'} left out: {text}")
        for text, number in self.remarks.items():
            yield Note(file, f"{number:,} {'record' if number == 1 else 'records'}: {text}")


def read_log(
    path: Path,
    file: str,
    read: Callable[[dict[str, Any]], Iterable[dict[str, Any] | BadRecordError]],
    shared: Mapping[str, Any],
    left: LeftOut,
    what: str,
    *,
    items: Items,
    identity: Identify,
) -> Iterator[Part]:
    """The log records of a file, its rejected records, and the notes on what was left out.

    Args:
        path: The file.
        file: Its name in messages.
        read: Makes log records of a raw record, and counts those that are not answers in `left`.
        shared: Columns that all records have, unless `read` gives others.
        left: What was left out.
        what: What a record of the format is called.
        items: The raw records.
        identity: What identifies a rejected record.

    Raises:
        InputError: the file cannot be read, or no record is of the format.
    """
    taken, reason = False, ""
    for part in read_records(path, file, read, shared, items=items, identity=identity):
        taken |= isinstance(part, Records)
        if isinstance(part, Rejected) and not reason:
            reason = part.reason
        yield part
    if not taken:
        reason = reason or next(iter(left.records), "it has no records")
        raise InputError(f"{path}: no {what} in it ({reason}). Remedy: check the file, or use another source")
    yield from left.notes(file)
