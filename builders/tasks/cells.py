"""Fields of a row as the tasks need them. Each function raises BadRecordError with the field, its value and what was expected.

A row may come from the Hub, where lists and objects are values, or from a CSV file, where they are texts.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, literal, named, text, writable
from llmfusionbench.builders.tasks.task import Row

_LONGEST_PLACE: Final = 200
_NOT_SETTINGS: Final = ("model", "messages", "n", "stream")
"""Fields of a request body that its query must not set: the LLM, what is asked, and in how many and in which answers."""


def words(row: Row, name: str) -> str:
    """A text that is not blank, without white space around it."""
    value = (text(row, name) or "").strip()
    if not value:
        raise BadRecordError(f"{name} is {'missing' if row.get(name) is None else 'blank'}, expected a text")
    return value


def code(row: Row, name: str) -> str:
    """A text that is not blank, with its white space."""
    words(row, name)
    return str(row[name])


def source_id(row: Row, name: str) -> str | None:
    """An id, which may be a whole number; None if the row has none."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(row, name) or None


def unfolded(value: Any) -> Any:
    """A value, or what is written in it if it is the text of a list or object."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        found = literal(value.strip())
        return value if found is None else found
    return value


def texts(row: Row, name: str) -> list[str]:
    """A list of one or more texts, without blank ones and repeats."""
    return checked_texts(row.get(name), name)


def checked_texts(value: Any, name: str) -> list[str]:
    """`value` as a list of one or more texts, without blank ones and repeats."""
    value = unfolded(value)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRecordError(f"{name} is {'missing' if value is None else named(value)}, expected a list of texts")
    kept = list(dict.fromkeys(writable(item, name) for item in value if item.strip()))
    if not kept:
        raise BadRecordError(f"{name} has no text, expected one or more")
    return kept


def inside(row: Row, name: str) -> dict[str, Any]:
    """An object."""
    value = unfolded(row.get(name))
    if not isinstance(value, dict):
        raise BadRecordError(f"{name} is {'missing' if value is None else named(value)}, expected an object")
    return value


def index(row: Row, name: str, count: int, first: int = 0) -> int:
    """The place of one of `count` options, from 0: a whole number or a text of one, that counts them from `first`."""
    value = row.get(name)
    place = int(value) if isinstance(value, str) and value.strip().isdecimal() and len(value) < 4 else value
    if not isinstance(place, int) or isinstance(place, bool) or not first <= place < first + count:
        shown = "missing" if value in (None, "") else named(value)
        raise BadRecordError(f"{name} is {shown}, expected a whole number from {first} to {first + count - 1}")
    return place - first


def truth_value(row: Row, name: str) -> bool:
    """True or false, or a text that states it."""
    value = row.get(name)
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise BadRecordError(f"{name} is {'missing' if value in (None, '') else named(value)}, expected true or false")
    return value


def accepted(answers: list[str]) -> str:
    """Accepted answers as a ground truth: the text of a JSON array."""
    return json.dumps(answers, ensure_ascii=False)


def check_sendable(value: Any, place: str) -> None:
    """Raises BadRecordError if a value cannot be part of a request: for a text that UTF-8 cannot write, infinity or NaN.

    `place` names the value in the message.
    """
    if isinstance(value, str):
        writable(value, place)
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadRecordError(f"{place} is {value}, expected a finite number")
    elif isinstance(value, dict):
        for key, inner in value.items():
            writable(str(key), place)
            check_sendable(inner, f"{place}.{key}" if len(place) < _LONGEST_PLACE else place)
    elif isinstance(value, list):
        for inner in value:
            check_sendable(inner, place)


def check_settings(value: Any, place: str) -> None:
    """Raises BadRecordError if fields of a request body cannot be sent, or are not for a query to set.

    `place` names them in the message.
    """
    for name in _NOT_SETTINGS:
        if isinstance(value, dict) and name in value:
            raise BadRecordError(f"{place} has {name}, expected fields of a request without {', '.join(_NOT_SETTINGS)}")
    check_sendable(value, place)
