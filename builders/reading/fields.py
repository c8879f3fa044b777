"""Checked fields of a record: each function returns the value as the tables hold it, or raises BadRecordError."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.scoring.answers.python_literal import python_literal
from llmfusionbench.validation.issue import shorten

_LARGEST_WHOLE: Final = 2**53
"""Up to here, every whole number is a float."""
_LONGEST_LITERAL: Final = 1_000_000
_NO_OPTIONS: Final = ("", "None", "null", "nan")
_SHOWN_FIELD: Final = 200
_LABELS: Final = (
    list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    list("abcdefghijklmnopqrstuvwxyz"),
    [str(i) for i in range(100)],
    [str(i) for i in range(1, 101)],
)
"""Labels of options, of which an object has the first ones."""
CONSTANTS: Final = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}
_decoded: Final = json.JSONDecoder(parse_constant=CONSTANTS.__getitem__).decode


class BadRecordError(ValueError):
    """A record that a source cannot read. The message names the field, its value, and what was expected.

    `names` identify the part of the record that is wrong, such as `llm`.
    """

    def __init__(self, message: str, **names: str) -> None:
        super().__init__(message)
        self.names = names


def fields(value: Any) -> dict[str, Any]:
    """A record as a dictionary."""
    if not isinstance(value, dict):
        raise BadRecordError(f"the record is {named(value)}, expected a JSON object")
    return value


def text(record: Mapping[str, Any], name: str) -> str | None:
    """A field that holds text or null."""
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRecordError(f"{name} is {named(value)}, expected a text")
    return writable(value, name)


def required_text(record: Mapping[str, Any], name: str) -> str:
    """A field that must hold non-empty text."""
    value = record.get(name)
    if type(value) is str and value and value.isascii():
        return value
    value = text(record, name)
    if not value:
        raise BadRecordError(f"{name} is {'missing' if value is None else 'empty'}, expected a text")
    return value


def identifier(record: Mapping[str, Any], name: str) -> str | None:
    """A field that holds text, or a whole number that serves as an id."""
    value = record.get(name)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(record, name)


def writable(value: str, name: str) -> str:
    """`value`, if UTF-8 can encode it."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise BadRecordError(f"{name} is broken at character {error.start}, expected text that UTF-8 can write") from error
    return value


def number(record: Mapping[str, Any], name: str) -> float | None:
    """A field that holds a finite number or null; true and false are 1 and 0."""
    value = record.get(name)
    if value is None:
        return None
    if type(value) is float and math.isfinite(value):
        return value
    try:
        if isinstance(value, (int, float)) and math.isfinite(value):
            return float(value)
    except OverflowError:  # an integer of hundreds of digits
        pass
    raise BadRecordError(f"{name} is {named(value)}, expected a number")


def count(record: Mapping[str, Any], name: str) -> int | None:
    """A field that holds a whole number or null."""
    stated = record.get(name)
    if type(stated) is int and -_LARGEST_WHOLE <= stated <= _LARGEST_WHOLE:
        return stated
    value = number(record, name)
    if value is None:
        return None
    if value != int(value) or abs(value) > _LARGEST_WHOLE:
        raise BadRecordError(f"{name} is {shorten(value)}, expected a whole number")
    return int(value)


def literal(value: str) -> Any:
    """The Python literal or JSON value in a text; None if it is neither, or too long to be parsed safely."""
    if len(value) > _LONGEST_LITERAL:
        return None
    if value[:2] in ("['", "{'"):  # as Python writes texts, which JSON does not allow
        return python_literal(value)
    try:
        return _decoded(value)  # first: JSON writes rare characters as pairs, which Python reads as halves
    except (ValueError, RecursionError):
        return python_literal(value)  # not Python's own parser, which a short f-string can keep busy for minutes


def option_texts(value: Any, name: str = "choices") -> list[str] | None:
    """The options of a query in the order of their labels, or the text of them.

    They are a list, `{"text": [...], "label": [...]}`, or `{"A": ..., "B": ...}`. Labels of the last kind are letters or
    numbers without a gap, two or more, since a letter of a ground truth counts the options.
    """
    if value is None or (isinstance(value, str) and value.strip() in _NO_OPTIONS):
        return None
    options = literal(value) if isinstance(value, str) else value
    if isinstance(options, dict):
        if all(option is None for option in options.values()):  # Parquet writes every label of a file, with null for no text
            return None
        options = _labelled(options, name)
    if not isinstance(options, (list, tuple)) or not all(isinstance(o, (str, int, float)) for o in options):
        raise BadRecordError(f"{name} is {named(value)}, expected a list of texts, or texts with their labels")
    return [writable(str(option), name) for option in options]


def _labelled(options: dict[Any, Any], name: str) -> list[Any]:
    by_label = {str(label).strip(): text for label, text in options.items() if text is not None}
    labels = sorted(by_label, key=lambda label: (len(label), label))
    if len(labels) > 1 and any(labels == known[: len(labels)] for known in _LABELS):
        return [by_label[label] for label in labels]
    texts, tags = options.get("text"), options.get("labels", options.get("label"))
    if texts is None:
        raise BadRecordError(f"{name} is {named(options)}, expected two or more labels, such as A, B, C, each with its text")
    if not isinstance(texts, list) or (tags is not None and (not isinstance(tags, list) or len(tags) != len(texts))):
        raise BadRecordError(f"{name} is {named(options)}, expected as many labels as texts")
    if tags is None:
        return texts
    # Labels are letters or numbers; "10" comes after "9".
    order = sorted(range(len(texts)), key=lambda i: (len(str(tags[i])), str(tags[i])))
    return [texts[i] for i in order]


def answer_text(value: Any, name: str = "ground_truth") -> str | None:
    """A reference answer as text; a list of texts, its Python repr or a list of one number becomes a JSON array."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    values = value
    if isinstance(value, str):
        values = literal(value) if value.startswith("[") and value.rstrip().endswith("]") else None
    of_texts = isinstance(values, list) and bool(values) and all(isinstance(v, str) for v in values)
    if of_texts or _is_one_number(value):
        return writable(json.dumps(values, ensure_ascii=False), name)
    if not isinstance(value, str):
        raise BadRecordError(f"{name} is {named(value)}, expected a text or a list of texts")
    return writable(value, name)


def _is_one_number(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1 and type(value[0]) in (int, float)


class Constant:
    """A text field that has one value throughout a file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: str | None = None

    def check(self, record: Mapping[str, Any]) -> None:
        """Compare the field of a record with that of the records before."""
        found = text(record, self.name)
        if None not in (self.value, found) and self.value != found:
            raise BadRecordError(f"{self.name} is {shorten(found)}, expected {shorten(self.value)} as before in this file")
        self.value = self.value or found


def identity_of(value: Any, names: Mapping[str, str], **more: str | None) -> dict[str, Any]:
    """What identifies a rejected record: the short texts among the named fields (ours -> theirs), and `more`."""
    found = {ours: value.get(theirs) for ours, theirs in names.items()} if isinstance(value, dict) else {}
    short = {k: v for k, v in found.items() if isinstance(v, str) and len(v) <= _SHOWN_FIELD and v.isprintable()}
    return short | {k: v for k, v in more.items() if v is not None}


def named(value: Any) -> str:
    """What a value is. Messages never show the contents of lists and objects, which may hold secrets."""
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else shorten(value)
