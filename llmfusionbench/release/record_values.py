"""The values in what a run keeps of itself: files that may be damaged, or another program's."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

_LATEST: Final = 1e11
"""Seconds since 1970 up to which a moment is one: some three thousand years."""
_MOST: Final = 2**63


def plain_json(data: bytes) -> Any:
    """JSON whose numbers are finite.

    Raises:
        ValueError: it is anything else.
        RecursionError: it is nested too deeply.
    """
    return json.loads(data, parse_constant=_refuse, parse_float=_finite)


def is_moment(value: object) -> bool:
    """Whether a value is a number of seconds since 1970."""
    return type(value) in (int, float) and 0 < value < _LATEST  # type: ignore[operator]


def is_count(value: object) -> bool:
    """Whether a value is a whole number from 0."""
    return type(value) is int and 0 <= value < _MOST


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a finite number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse(text[:20])
    return number
