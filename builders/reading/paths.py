"""Paths into the records of a file, such as `response.body.choices[0].message.content`.

A path is a column's name and steps into its value. `.name` and `["name"]` are the value of a key. `[2]` is the third item of a
list, and `[-1]` is the last one; `.2` and `.-1` are these too, or the values of keys with such names. A name with a dot, a
bracket or a quotation mark is quoted: `doc."a.b"`, with `\\"` and `\\\\` for these two characters. A text that is met on the
way and holds JSON is read as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from llmfusionbench.builders.reading.fields import literal
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_STEP: Final = re.compile(
    r"""\[ (?P<index> -?[0-9]{1,9} ) \]
    | (?: \[ (?P<bracket> " (?: [^"\\] | \\. )*+ " ) \] )
    | (?P<dot> \.? ) (?: (?P<quoted> " (?: [^"\\] | \\. )*+ " ) | (?P<name> [^.\[\]"]++ ) )""",
    re.VERBOSE | re.DOTALL,
)
_INDEX: Final = re.compile(r"-?[0-9]{1,9}")
_PLAIN: Final = re.compile(r'[^.\[\]"/*={}]+')
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

Step = str | int
"""A key, or the place of an item."""


class Missing:
    """What stands at the end of a path that was not followed to its end."""


MISSING: Final = Missing()
"""A value on the way has no such key or item."""
UNKNOWN: Final = Missing()
"""A value on the way is null or empty, so that it tells nothing of the path."""


@dataclass(frozen=True)
class FieldPath:
    """A column, and steps into its value."""

    column: str
    steps: tuple[Step, ...]

    def of(self, value: Any) -> Any:
        """What the column's value has at the end of the path.

        `UNKNOWN` where a value on the way is null or empty, and `MISSING` where one has no such key or item.
        """
        for step in self.steps:
            if isinstance(value, str):
                value = literal(value) if value.lstrip()[:1] in ("{", "[") else value
            if isinstance(value, dict):
                key = step if isinstance(step, str) else str(step)
                if key not in value:
                    return MISSING if value else UNKNOWN
                value = value[key]
            elif isinstance(value, list):
                place = step if isinstance(step, int) else int(step) if _INDEX.fullmatch(step) else None
                if place is None or not -len(value) <= place < len(value):
                    return MISSING if value else UNKNOWN
                value = value[place]
            else:
                return UNKNOWN if value is None or value == "" else MISSING
        return value

    def __str__(self) -> str:
        return written(self.column, self.steps)


def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a path, the first of which is the column.

    Raises:
        InputError: it is not a path.
    """
    steps: list[Step] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (match["dot"] is not None and bool(match["dot"]) != bool(steps)):
            raise InputError(
                f"the path {shorten(text)} cannot be read from character {at + 1} on. Remedy: write it like "
                'choices[0].message.content, and quote a name with dots or brackets: doc."a.b"'
            )
        at = match.end()
        if match["index"] is not None:
            steps.append(int(match["index"]))
        elif quoted := match["bracket"] or match["quoted"]:
            steps.append(_ESCAPED.sub(r"\1", quoted[1:-1]))
        else:
            steps.append(match["name"])
    return tuple(steps)


def find_path(text: str, columns: Collection[str]) -> FieldPath | None:
    """The path that a text is in a file with `columns`; None if its column is not there, or the text is not a path.

    A column whose name is the whole text counts first, then the one whose name is the longest beginning.
    """
    if text in columns:
        return FieldPath(text, ())
    for end in range(len(text) - 1, 0, -1):
        if text[end] in ".[" and text[:end] in columns:
            try:
                return FieldPath(text[:end], parse_path(f"x{text[end:]}")[1:])
            except InputError:
                return None
    try:
        steps = parse_path(text)
    except InputError:
        return None
    first = steps[0] if steps else None
    return FieldPath(first, steps[1:]) if isinstance(first, str) and first in columns else None


def written(column: str, steps: Iterator[Step] | tuple[Step, ...]) -> str:
    """A path as text."""
    return _name(column) + "".join(f"[{step}]" if isinstance(step, int) else f".{_name(step)}" for step in steps)


def leaves(value: Any, steps: tuple[Step, ...] = (), depth: int = 8) -> Iterator[tuple[tuple[Step, ...], Any]]:
    """(steps, value) of each text, number or blank in a value: in the first item of a list, in 64 keys of an object at most."""
    if isinstance(value, dict) and value and depth:
        for key in list(value)[:64]:
            yield from leaves(value[key], (*steps, str(key)), depth - 1)
    elif isinstance(value, list) and value and depth:
        yield from leaves(value[0], (*steps, 0), depth - 1)
    else:
        yield steps, value


def _name(step: str) -> str:
    if _PLAIN.fullmatch(step) and not _INDEX.fullmatch(step):
        return step
    return '"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"'
