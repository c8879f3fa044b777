"""What the records of a file hold: the path of each text and number in them, with its types and examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import literal
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.paths import leaves, written
from llmfusionbench.builders.reading.tables import column_names, file_format, read_chunks
from llmfusionbench.builders.records import Rejected
from llmfusionbench.validation.issue import shorten

_EXAMPLES: Final = 3
_MOST: Final = 2_000
"""The most paths that are listed."""


@dataclass
class FieldSummary:
    """What stands at one path."""

    kinds: Counter[str] = field(default_factory=Counter)
    """Kind of value (`text`, `number`, `true or false`, `list`, `object`, `null`) -> the number of records that have it."""
    examples: list[str] = field(default_factory=list)
    """Up to three different values, shortened."""

    @property
    def count(self) -> int:
        """The number of records that have the path."""
        return self.kinds.total()

    def add(self, value: Any) -> None:
        """Count a value."""
        kind = kind_of(value)
        self.kinds[kind] += 1
        if kind != "null" and len(self.examples) < _EXAMPLES and (shown := shorten(value)) not in self.examples:
            self.examples.append(shown)


def kind_of(value: Any) -> str:
    """The kind of a value, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, dict):
        return "object"
    return "list" if isinstance(value, (list, tuple)) else "text"


def field_paths(path: Path, file: str, records: int = 1000) -> dict[str, FieldSummary]:
    """The paths in the first `records` records of a file in any format, in their order, each with what stands there.

    A list is listed by its first item. An object or a list that is empty is a leaf, and so is what lies deeper than 8 steps.
    A text with the JSON of an object or a list is listed by what is in it, too.

    Raises:
        InputError: the file cannot be read.
    """
    found: dict[str, FieldSummary] = {}
    for record in islice(_records(path, file), records):
        for column, value in record.items():
            for steps, leaf in _leaves(value):
                name = written(str(column), steps)
                if name in found or len(found) < _MOST:
                    found.setdefault(name, FieldSummary()).add(leaf)
    return found


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    for steps, leaf in leaves(value):
        yield steps, leaf
        if isinstance(leaf, str) and leaf.lstrip()[:1] in ("{", "[") and isinstance(inner := literal(leaf), (dict, list)):
            yield from leaves(inner, steps) if inner else ()


def _records(path: Path, file: str) -> Iterator[dict[str, Any]]:
    """The records that can be read."""
    if file_format(path) == "json":
        for item in read_items(path, file):
            if not isinstance(item, Rejected) and isinstance(item[1], dict):
                yield item[1]
        return
    for chunk in read_chunks(path, file, column_names(path, file)):
        if not isinstance(chunk, Rejected):
            yield from chunk.batch.to_pylist()
