"""Values of API logs as they come in JSON, in cells of CSV, and in Parquet: numbers and objects may be texts.

What does not fit is None where it is a detail, such as a setting; a record is not lost for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from string import ascii_letters
from typing import Any, Final

from llmfusionbench.builders.reading.fields import literal
from llmfusionbench.builders.reading.objects import moment_text, seconds_text

_LARGEST_WHOLE: Final = 2**53
_LONGEST_NUMBER: Final = 40
_MILLISECONDS_FROM: Final = 1e11
_MICROSECONDS_FROM: Final = 1e14
"""Seconds since 1970 are below the first bound, milliseconds below the second."""
_TIMES: Final = (1e8, 1e11)
"""Seconds since 1970 of a time that a log may state: a smaller number stands for none."""
_YEARS: Final = (1974, 5138)
"""The years that lie within these times as a whole: the first, and the one after the last."""
_ZONE: Final = " UTC"
_LETTERS: Final = frozenset(ascii_letters)
_FALSE: Final = ("", "false", "0", "none", "null", "no")


def loose_number(value: Any) -> float | None:
    """A finite number, also from its text; None for anything else, such as true or `Infinity`."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is int and -_LARGEST_WHOLE <= value <= _LARGEST_WHOLE:
        return float(value)
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value if len(value) <= _LONGEST_NUMBER and "_" not in value else None
    try:
        found = float(value) if isinstance(value, (int, float, Decimal, str)) else math.nan
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def loose_count(value: Any) -> int | None:
    """A whole number of 0 or more, also from its text; None for anything else."""
    if type(value) is int:
        return value if 0 <= value <= _LARGEST_WHOLE else None
    found = None if value is None else loose_number(value)
    return int(found) if found is not None and found == int(found) and 0 <= found <= _LARGEST_WHOLE else None


def loose_amount(value: Any) -> float | None:
    """A number of 0 or more, also from its text; None for anything else."""
    found = None if value is None else loose_number(value)
    return found if found is not None and found >= 0 else None


def loose_object(value: Any) -> Mapping[str, Any]:
    """An object, also from its text or from a Parquet map; empty for anything else."""
    if type(value) is dict:
        return value
    if value is None:
        return {}
    found = unpacked(value)
    if isinstance(found, list) and found and all(isinstance(pair, tuple) and len(pair) == 2 for pair in found):
        found = {str(name): item for name, item in found}  # a map of Parquet
    return found if isinstance(found, dict) else {}


def unpacked(value: Any) -> Any:
    """The list or object that a text holds as JSON or as Python writes it; any other value as it is."""
    if isinstance(value, str) and value[:1] not in _LETTERS and value.lstrip()[:1] in ("{", "["):
        found = literal(value.strip())
        return found if isinstance(found, (list, dict)) else value
    return value


def is_true(value: Any) -> bool:
    """Whether a flag is set; it may be a text."""
    return value.strip().lower() not in _FALSE if isinstance(value, str) else bool(value)


def first_of(record: Mapping[str, Any], *names: str) -> Any:
    """The first value that is neither null nor an empty text among fields of several spellings; None if there is none."""
    for name in names:
        value = record.get(name)
        if value is not None and value != "":
            return value
    return None


def call_times(start: Any, end: Any) -> tuple[str | None, float | None]:
    """(time of the answer as text, seconds from `start` to `end`) of a call; None where one of them is no time, or none passed.

    A call without an end has the time of its start.
    """
    begun, ended = _time(start), _time(end)
    made = _moment(end, ended) if end else _moment(start, begun)
    if begun is None or ended is None:
        return made, None
    try:
        if isinstance(begun, datetime) and isinstance(ended, datetime) and begun.tzinfo is ended.tzinfo in (None, UTC):
            passed = (ended - begun).total_seconds()
        else:
            passed = _seconds(ended) - _seconds(begun)
    except (ValueError, OverflowError):
        return made, None
    return made, round(passed, 6) if passed > 0 else None


def loose_moment(value: Any) -> str | None:
    """A time as text, of a number, a date or a text; None for anything else, and for a number that stands for no time."""
    if type(value) is int and _TIMES[0] <= value < _TIMES[1]:
        return str(value)
    if type(value) is float and _TIMES[0] <= value < _TIMES[1]:
        return seconds_text(value)
    return _moment(value, _time(value))


def _moment(value: Any, time: datetime | float | None) -> str | None:
    """As `loose_moment`, of a value that is read."""
    if type(value) is str and isinstance(time, datetime) and _YEARS[0] <= time.year < _YEARS[1]:
        return value.strip().removesuffix(_ZONE)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    try:
        found = None if time is None else _seconds(time)
    except (ValueError, OverflowError):
        found = None
    if found is None or not _TIMES[0] <= found < _TIMES[1]:
        return None
    number = None if isinstance(value, str) and value[4:5] == "-" else loose_number(value)
    return moment_text(value.strip().removesuffix(_ZONE) if number is None and isinstance(value, str) else number or value)


def _time(moment: Any) -> datetime | float | None:
    """A date and time, or seconds since 1970, of a text in ISO 8601 or of seconds, milliseconds or microseconds."""
    if type(moment) is not str or moment[4:5] != "-":
        if moment is None or isinstance(moment, datetime):
            return moment
        number = None if isinstance(moment, date) else loose_number(moment)
        if number is not None:
            return number / (1e6 if number >= _MICROSECONDS_FROM else 1e3 if number >= _MILLISECONDS_FROM else 1)
    if not isinstance(moment, str) or len(moment) > _LONGEST_NUMBER:
        return None
    try:
        return datetime.fromisoformat(moment.strip().removesuffix(_ZONE))
    except ValueError:
        return None


def _seconds(time: datetime | float) -> float:
    """Seconds since 1970; a time without a zone is UTC."""
    return time if isinstance(time, float) else (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
