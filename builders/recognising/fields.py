"""The fields of records that hold texts, numbers or messages: paths, types, and examples without secrets."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from llmfusionbench.auditing.signs.personal import masked
from llmfusionbench.builders.recognising.head import type_of, type_of_cells
from llmfusionbench.redaction import MARK, redacted
from llmfusionbench.validation.issue import shorten

_DEPTH: Final = 8
_MOST: Final = 1_000
"""The most fields that are listed."""
_KEYS: Final = 200
_EXAMPLE: Final = 48
"""Characters of an example."""
_READ: Final = 2_000
"""Characters of a text that an example is made of."""
_JSON: Final = 1 << 20
"""Characters of a text that may hold JSON."""
_KEPT: Final = 1_000
"""Values that are kept of a field."""
_PLAIN: Final = re.compile(r'[^.\[\]"/*={}]+')
_INDEX: Final = re.compile(r"-?[0-9]{1,9}")
_SECRET: Final = re.compile(
    r"(?i)(?:^|_)(?:api_?key|key_?hash|hashed_?key|secret|password|passwd|authorization|bearer|credential|credentials|auth"
    r"|access_?token|auth_?token|token|signature|cookie|user|user_?id|user_?email|email|end_?user|user_?name|ip|ip_?address)$"
)
"""Last name of a path whose texts are not shown: they are secret, or name a person."""
MESSAGES: Final = "messages"
"""The type of a list of objects with a role and a content."""

Step = str | int


@dataclass
class Field:
    """What stands at one path."""

    path: str
    """As a mapping of the source `table` takes it."""
    steps: tuple[Step, ...]
    types: Counter[str] = field(default_factory=Counter)
    """Type -> number of the records that have it."""
    values: list[Any] = field(default_factory=list)
    """The first values that are not null."""

    @property
    def count(self) -> int:
        """Number of records that have a value."""
        return self.types.total() - self.types["null"]

    @property
    def type(self) -> str:
        """The most frequent type, of which null counts last."""
        stated = [(count, kind) for kind, count in self.types.items() if kind != "null"]
        return max(stated)[1] if stated else "null"

    @property
    def name(self) -> str:
        """Its last key, or its column."""
        return next((step for step in reversed(self.steps) if isinstance(step, str)), "")

    @cached_property
    def key(self) -> str:
        """The path by which names are compared: in small letters, without the numbers of items."""
        return ".".join(snake(step) for step in self.steps if isinstance(step, str))

    @property
    def is_secret(self) -> bool:
        """Whether its values are not to be shown."""
        return _SECRET.search(snake(self.name)) is not None and "number" not in self.type

    def example(self) -> str | None:
        """A value, shortened and without secrets; None if there is none."""
        if not self.values:
            return None
        return MARK if self.is_secret else example_of(self.values[0])


def example_of(value: Any) -> str:
    """A value as it may be shown in one line."""
    text = value if isinstance(value, str) else _json(value)
    shown = masked(redacted(text[:_READ]))
    shown = shown if len(shown) <= _EXAMPLE else f"{shown[: _EXAMPLE - 3]}..."
    return shorten(shown) if isinstance(value, str) else shown


def snake(name: str) -> str:
    """A name in small letters with `_` between its words."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s-]+", "_", name.strip()[:200]).lower()


def fields_of(records: Sequence[dict[str, Any]], *, cells: bool = False) -> list[Field]:
    """The fields of records, in their order. Of a list the first item counts, and a list of messages is one field.

    Args:
        records: The records.
        cells: Whether they come from CSV, where every value is a text and an empty one is null.
    """
    found: dict[tuple[Step, ...], Field] = {}
    for record in records:
        for key, value in list(record.items())[:_MOST]:
            stated = None if cells and value == "" else value
            for steps, leaf in _leaves(stated, (str(key),)):
                if steps not in found:
                    if len(found) >= _MOST:
                        continue
                    found[steps] = Field(written(steps), steps)
                one = found[steps]
                one.types[_type(leaf, cells)] += 1
                if leaf is not None and len(one.values) < _KEPT:
                    one.values.append(leaf)
    parents = {steps[:end] for steps in found for end in range(1, len(steps))}
    return [one for steps, one in found.items() if one.count or steps not in parents]


def written(steps: Sequence[Step]) -> str:
    """A path as text: `.name` for keys, quoted where they have marks of a path in them, and `[0]` for items of lists."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            is_plain = _PLAIN.fullmatch(step) and not _INDEX.fullmatch(step)
            quoted = step if is_plain else '"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"'
            text += f".{quoted}" if text else (quoted if len(steps) > 1 else step)
    return text


def is_messages(value: Any) -> bool:
    """Whether a value is a list of messages."""
    return (
        isinstance(value, list) and bool(value) and all(isinstance(m, dict) and {"role", "content"} <= m.keys() for m in value)
    )


def _leaves(value: Any, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Any]]:
    """(path, value) of what is not an object or a list of objects; what lies too deep is a leaf as a whole."""
    inner = _inside(value)
    if len(steps) > _DEPTH or is_messages(inner):
        yield steps, inner
    elif isinstance(inner, dict) and inner:
        if inner is not value:
            yield steps, value
        for key, one in list(inner.items())[:_KEYS]:
            yield from _leaves(one, (*steps, str(key)))
    elif isinstance(inner, (list, tuple)) and inner:
        first = inner[0]
        if inner is not value or not isinstance(first, (dict, list, tuple)):
            yield steps, value
        if isinstance(first, (str, dict, list, tuple)):
            yield from _leaves(first, (*steps, 0))
    else:
        yield steps, None if value in ({}, []) else value


def _inside(value: Any) -> Any:
    """The object or list whose JSON a text is; any other value as it is."""
    if isinstance(value, str) and value[:1] in ("{", "[") and len(value) <= _JSON and value.rstrip()[-1:] in ("}", "]"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _type(value: Any, cells: bool) -> str:
    if is_messages(value):
        return MESSAGES
    return type_of_cells([value]) if cells and isinstance(value, str) else type_of(value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return type(value).__name__
