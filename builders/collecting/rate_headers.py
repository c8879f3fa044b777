"""What the headers of a reply state about rate limits, and how long a server asks to wait.

Sources: OpenAI, Azure, Groq, Fireworks and NVIDIA (`x-ratelimit-limit-requests`, ...), Mistral and Cerebras (the same with
`-minute`), Anthropic (`anthropic-ratelimit-requests-limit`, ...), Together, OpenRouter and others (`x-ratelimit-limit`, ...).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from llmfusionbench.builders.collecting.calls import Limits

Headers = Mapping[str, str]
"""Headers by their names in small letters."""

_SPAN: Final = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?"
)
"""`6m0s`, `1.5s`, `12ms`."""
_SECONDS: Final = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_EPOCH: Final = 1e9
"""A number from here on is a time since 1970, in seconds or, from 1e12 on, in milliseconds."""
_MINUTE: Final = 60.0

_REQUESTS: Final = ("requests", "requests-minute", "req-minute")
_TOKENS: Final = ("tokens", "tokens-minute")


def limits_of(headers: Headers) -> Limits | None:
    """The rate limits that headers state; None if they state none."""
    if not any("ratelimit" in name for name in headers):
        return None
    now = _now(headers)
    requests = _kind(headers, _REQUESTS, now)
    tokens = _kind(headers, _TOKENS, now)
    if requests == (None, None, None):  # without a kind it is of requests, over a time that is not stated
        requests = (None, _count(headers.get("x-ratelimit-remaining")), wait_s(headers.get("x-ratelimit-reset"), now))
    if tokens == (None, None, None):
        tokens = _anthropic(headers, "input-tokens", now)
    found = Limits(requests[0], tokens[0], requests[1], tokens[1], requests[2], tokens[2])
    return None if found == Limits() else found


def retry_after(headers: Headers) -> float | None:
    """The seconds that a server asks to wait, by `retry-after-ms` or `Retry-After` (seconds, or a date)."""
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    return wait_s(headers.get("retry-after"), _now(headers))


def wait_s(text: str | None, now: float) -> float | None:
    """Seconds until a time: a number of seconds, a span such as `6m0s`, a date, or a time since 1970; None for others."""
    if text is None or not (text := text.strip()):
        return None
    number = _number(text)
    if number is not None:
        return number if number < _EPOCH else max(0.0, (number if number < 1000 * _EPOCH else number / 1000) - now)
    span = _SPAN.fullmatch(text)
    if span is not None:
        return sum(float(part) * unit for part, unit in zip(span.groups(), _SECONDS, strict=True) if part)
    moment = _moment(text)
    return None if moment is None else max(0.0, moment - now)


def _kind(headers: Headers, names: tuple[str, ...], now: float) -> tuple[float | None, int | None, float | None]:
    """(limit per minute, what is left, seconds until all is left) of requests or tokens."""
    for name in names:
        if f"x-ratelimit-limit-{name}" in headers or f"x-ratelimit-remaining-{name}" in headers:
            return _checked(
                headers.get(f"x-ratelimit-limit-{name}"),
                headers.get(f"x-ratelimit-remaining-{name}"),
                headers.get(f"x-ratelimit-reset-{name}"),
                now,
                per_minute=name.endswith("minute"),
            )
    return _anthropic(headers, names[0], now)


def _anthropic(headers: Headers, name: str, now: float) -> tuple[float | None, int | None, float | None]:
    head = f"anthropic-ratelimit-{name}-"
    return _checked(
        headers.get(f"{head}limit"), headers.get(f"{head}remaining"), headers.get(f"{head}reset"), now, per_minute=True
    )


def _checked(
    limit: str | None, left: str | None, reset: str | None, now: float, *, per_minute: bool
) -> tuple[float | None, int | None, float | None]:
    """The three as numbers. The limit is None where it does not seem to be per minute: some servers state one per day.

    Servers refill all the time, so what is missing and the time until it is there give the rate; if that is less than half of
    the limit per minute, and takes more than a minute, then the limit is for a longer time.
    """
    most, remaining, wait = _number(limit), _count(left), wait_s(reset, now)
    if not most:  # 0 stands for `not known`
        return None, remaining if most is None else None, wait if most is None else None
    longer = wait is not None and wait > _MINUTE
    if longer and not per_minute and remaining is not None and wait is not None:
        per_minute = (most - remaining) / wait * _MINUTE >= most / 2
    return (None if longer and not per_minute else most), remaining, wait


def _number(text: str | None) -> float | None:
    """A finite number of at least 0."""
    if text is None or not re.fullmatch(r"\s*\+?\d{1,18}(?:\.\d{0,18})?\s*", text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _count(text: str | None) -> int | None:
    value = _number(text)
    return None if value is None else int(value)


def _now(headers: Headers) -> float:
    """The time by the server's clock, so that a wrong clock here does not matter; by ours if it states none."""
    stated = _moment(headers["date"]) if "date" in headers else None
    return time.time() if stated is None else stated


def _moment(text: str) -> float | None:
    """Seconds since 1970 of a date of HTTP, or of ISO 8601."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
