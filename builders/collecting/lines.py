"""Lines of a journal: how a record is written, and how the part that a resume needs is read again.

Every line ends with a CRC-32 of the bytes before it. A line that has the right one is whole and was written here, so its head
can be read without the long texts behind it. All other lines are read as JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from llmfusionbench.builders.collecting.records import Record
from llmfusionbench.builders.reading.line_check import checked, is_changed, is_whole
from llmfusionbench.builders.reading.run_files import ATTEMPT, BATCH, LOST, SENT, USE

STATUSES: Final = ("ok", "empty", "error")
_DEEPEST: Final = 50
"""Levels of lists and objects that a record keeps. JSON from a hostile server may have any number of them."""
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)

_TEXT: Final = rb'"[^"\\]*+"'
_COMMON: Final = rb'"key":"([0-9a-f]{32})","llm":(' + _TEXT + rb'),"attempt":([1-9][0-9]{0,8}),'
_NUMBER: Final = rb"(null|[0-9.eE+-]{1,30})"
_ATTEMPT_HEAD: Final = re.compile(
    rb'\{"kind":"attempt",' + _COMMON + rb'"final":(true|false),"status":("ok"|"empty"|"error"),"finish_reason":(null|' + _TEXT
    + rb'),"cost_usd":' + _NUMBER + rb',"at":(' + _TEXT + rb'),"slot":(\[(?:' + _TEXT + rb"(?:," + _TEXT + rb")*+)?\]),"
)  # fmt: skip
_ANY_TEXT: Final = rb'"(?:[^"\\]|\\.)*+"'
_COUNT: Final = rb"(null|[0-9]{1,18}),"
_TOKENS: Final = re.compile(
    rb'(,"batch":' + _ANY_TEXT + rb')?,"http_status":(?:null|[0-9]+),"served_model":(?:null|' + _ANY_TEXT
    + rb'),"input_tokens":' + _COUNT + rb'"output_tokens":' + _COUNT + rb'"reasoning_tokens":' + _COUNT
)  # fmt: skip
"""Stands behind the head of an attempt, after its settings."""
_SENT_START: Final = b'{"kind":"sent",'
_SENT_LINE: Final = re.compile(rb'\{"kind":"sent",' + _COMMON + rb'"worst_usd":' + _NUMBER + rb',"crc":"[0-9a-f]{8}"\}\n?')


class Sent(NamedTuple):
    """What a resume needs of an attempt that began."""

    key: str
    llm: str
    number: int
    worst_usd: float | None
    """None if the price is unknown."""
    batch: str | None


class Tokens(NamedTuple):
    """What gives the cost of an attempt once its price is known."""

    input: int | None
    output: int | None
    """With those of the reasoning."""
    day: str
    """As its label states it, ISO 8601; any text if the label is not a time."""
    batch: bool
    """Whether it was in a batch."""


class Done(NamedTuple):
    """What a resume needs of an attempt that ended."""

    key: str
    llm: str
    number: int
    final: bool
    status: str
    finish_reason: str | None
    cost_usd: float
    """0 if the price is unknown."""
    slot: bytes
    """As `slot_text` gives it."""
    unpriced: Tokens | None = None
    """What an attempt took whose price is unknown; None if its cost is known."""


class Use(NamedTuple):
    """A further slot of a request."""

    key: str
    slot: bytes


Head = Sent | Done | Use


def line_of(record: Record) -> bytes:
    """A record as a line. Numbers that JSON cannot hold become null, and what UTF-8 cannot hold becomes an escape."""
    try:
        text = _ENCODER.encode(record)
    except (ValueError, RecursionError):
        text = _ENCODER.encode(_plain(record, 0))
    return checked(text[:-1].encode("utf-8", "backslashreplace"))


def slot_text(slot: Sequence[str]) -> bytes:
    """A slot as the bytes that a line has for it."""
    return _ENCODER.encode(list(slot)).encode("utf-8", "backslashreplace")


def quick_head(line: bytes) -> Sent | Done | None:
    """The head of a line, if it is whole and in the usual form; None if it has to be read as JSON."""
    if not is_whole(line):
        return None
    is_sent = line.startswith(_SENT_START)
    found = _SENT_LINE.fullmatch(line) if is_sent else _ATTEMPT_HEAD.match(line)
    if found is None:
        return None
    try:
        if is_sent:
            key, llm, number, usd = found.groups()
            return Sent(key.decode(), _text_of(llm), int(number), None if usd == b"null" else float(usd), None)
        key, llm, number, final, status, reason, usd, at, slot = found.groups()
        unpriced = None
        if usd == b"null":
            counts = _TOKENS.search(line, found.end() - 1)
            if counts is None:
                return None
            batch, *figures = counts.groups()
            asked, said, thought = (None if n == b"null" else int(n) for n in figures)
            unpriced = _tokens(asked, said, thought, at[1:-1].decode(), batch is not None)
        return Done(
            key.decode(), _text_of(llm), int(number), final == b"true", _text_of(status), _text_of(reason),
            0.0 if usd == b"null" else float(usd), slot, unpriced,
        )  # fmt: skip
    except ValueError:  # not UTF-8, or not a number
        return None


@lru_cache(maxsize=4096)
def _text_of(raw: bytes) -> Any:
    """The text in quotes, or None. Few different ones are in a journal."""
    return None if raw == b"null" else raw[1:-1].decode()


def record_of(line: bytes) -> Record:
    """The record of a line, read as JSON. A line without a CRC, such as one that was written by hand, is taken as it is.

    Raises:
        ValueError: It is not a JSON object with a `kind`, or its bytes were changed after it was written.
    """
    if is_changed(line):
        raise ValueError("its bytes were changed")
    try:
        record = json.loads(line)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        raise ValueError("it is not a record")
    record.pop("crc", None)
    return record


def head_of(record: Record) -> Head | None:
    """The head of a record; None for a batch, a report of a lost attempt, and for kinds that this version does not know.

    Raises:
        ValueError: A field is missing, or has a value that it cannot have.
    """
    kind = record["kind"]
    if kind not in (SENT, ATTEMPT, USE):
        if kind == BATCH:
            for name in ("batch", "llm"):
                _text(record, name)
        if kind == LOST:
            _text(record, "key"), _number(record)
        return None
    key = _text(record, "key")
    if kind == USE:
        return Use(key, _slot(record))
    llm, number = _text(record, "llm"), _number(record)
    if kind == SENT:
        worst = None if record.get("worst_usd") is None else _usd(record, "worst_usd")
        return Sent(key, llm, number, worst, None if record.get("batch") is None else _text(record, "batch"))
    status, final, reason = record.get("status"), record.get("final"), record.get("finish_reason")
    if status not in STATUSES or type(final) is not bool or not (reason is None or isinstance(reason, str)):
        raise ValueError("status, final or finish_reason has an unknown value")
    unpriced = None
    if record.get("cost_usd") is None:
        asked, said, thought = (_count(record, f"{name}_tokens") for name in ("input", "output", "reasoning"))
        at = record.get("at")
        unpriced = _tokens(asked, said, thought, at if isinstance(at, str) else "", record.get("batch") is not None)
    return Done(key, llm, number, final, status, reason, _usd(record, "cost_usd"), _slot(record), unpriced)


def _tokens(asked: int | None, said: int | None, thought: int | None, at: str, batch: bool) -> Tokens:
    """Reasoning that is stated apart from a smaller number of output tokens counts on top, as in a budget."""
    if said is not None and thought is not None and thought > said:
        said += thought
    return Tokens(asked, said, at[:10], batch)


def _count(record: Record, name: str) -> int | None:
    value = record.get(name)
    return value if type(value) is int and value >= 0 else None


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return value


def _number(record: Record) -> int:
    number = record.get("attempt")
    if type(number) is not int or number < 1:
        raise ValueError("attempt is not a number from 1")
    return number


def _usd(record: Record, name: str) -> float:
    value = record.get(name)
    if value is None:
        return 0.0
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{name} is not a number")
    return float(value)


def _slot(record: Record) -> bytes:
    slot = record.get("slot")
    if not isinstance(slot, list) or not all(isinstance(part, str) for part in slot):
        raise ValueError("slot is not a list of texts")
    return slot_text(slot)


def _plain(value: Any, depth: int) -> Any:
    """A value without numbers that JSON cannot hold, and without levels below the deepest."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict | list | tuple) and depth == _DEEPEST:
        return None
    if isinstance(value, dict):
        return {name: _plain(item, depth + 1) for name, item in value.items()}
    return [_plain(item, depth + 1) for item in value] if isinstance(value, list | tuple) else value
