"""The path that `--option prompt=PATH` names, over all files of a build: one that no record has is one error.

A path that some records lack costs these records alone, which their source rejects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.json import Item
from llmfusionbench.builders.reading.json_records import Items
from llmfusionbench.builders.reading.sent import text_at
from llmfusionbench.builders.records import Note, Rejected
from llmfusionbench.errors import InputError

_SHOWN: Final = 5
_DEPTH: Final = 5
_ITEMS: Final = 20
"""How many parts of an object or a list are looked at."""
_NAME: Final = 60


def _as_it_is(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return record


@dataclass
class QuestionPath:
    """Which files have the text of a question at a path."""

    path: str | None
    """None if a query's prompt is what was sent."""
    parsed: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _as_it_is
    """Gives a raw record in the form in which the path leads through it."""
    is_found: bool = False
    """Whether a record of some file has it."""
    lacking: dict[str, tuple[Path, Mapping[str, Any]]] = field(default_factory=dict)
    """Name of a file of whose records none has it -> the file, and its first record."""

    def watched(self, items: Items, path: Path, file: str) -> Iterator[Item]:
        """The raw records of a file as they are, looked at until one has the path."""
        first: Mapping[str, Any] | None = None
        is_sought = self.path is not None
        for item in items:
            if is_sought and not isinstance(item, Rejected) and isinstance(item[1], dict):
                record = self.parsed(item[1])
                is_sought = not _has(record, str(self.path))
                first = record if first is None else first
            yield item
        if is_sought and first is not None:
            self.lacking[file] = path, first
        elif first is not None:
            self.is_found = True

    def notes(self) -> Iterator[Note]:
        """A warning about each file of whose records none has the path.

        Raises:
            InputError: no file has it.
        """
        for file, (path, record) in self.lacking.items():
            there = ", ".join(islice(text_paths(record, str(self.path)), _SHOWN))
            texts = f"; texts in its first record: {there}" if there else ""
            remedy = "Remedy: set --option prompt=PATH to one that it has"
            if not self.is_found:
                raise InputError(f"{path}: no record has a text at {self.path}{texts}. {remedy}")
            yield Note(file, f"no record has a text at {self.path}, so all are rejected{texts}. {remedy}", warning=True)


def text_paths(record: Mapping[str, Any], near: str) -> Iterator[str]:
    """The paths of texts in a record: those in the object to which the path `near` leads, or else all."""
    inside: Any = record
    steps: list[str] = []
    for step in near.split("."):
        if not isinstance(inside.get(step), dict):
            break
        inside = inside[step]
        steps.append(step)
    found = list(islice(_texts(inside, steps), _SHOWN))
    yield from found or _texts(record, [])


def _texts(value: Any, steps: list[str]) -> Iterator[str]:
    if isinstance(value, str) and value.strip():
        yield ".".join(steps)
    if len(steps) >= _DEPTH or not isinstance(value, (dict, list)):
        return
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in islice(parts, _ITEMS):
        step = str(name)
        if step and len(step) <= _NAME and step.isprintable() and "." not in step:
            yield from _texts(part, [*steps, step])


def _has(record: Mapping[str, Any], path: str) -> bool:
    try:
        text_at(record, path)
    except BadRecordError:
        return False
    return True
