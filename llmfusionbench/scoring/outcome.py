"""The result of scoring one response, and the short constructors that every metric uses."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "1"
"""Version of our own metrics: raised when a change moves any value."""
OFFICIAL = "official"
"""Stands in `metric_version` for numbers made the reference pipeline's way."""

EXTRACT_LIMIT = 1000
"""Longest extracted answer that is kept, in characters."""


@dataclass(frozen=True, slots=True)
class Score:
    """One scored response."""

    value: float | None
    """The metric in [0, 1]; None = missing: there was nothing that could be scored."""
    reason: str
    """Why the value is what it is, in a few words."""
    extracted: str | None = None
    """The answer read out of the response, at most `EXTRACT_LIMIT` characters; None where none was found."""
    metric_version: str = VERSION
    """`VERSION`, or "official" for the reference pipeline's own numbers. The two never share a column."""


def right(extracted: str | None, reason: str = "matches the ground truth") -> Score:
    return Score(1.0, reason, _short(extracted))


def wrong(extracted: str | None, reason: str = "differs from the ground truth") -> Score:
    return Score(0.0, reason, _short(extracted))


def graded(value: float, extracted: str | None, reason: str) -> Score:
    return Score(value, reason, _short(extracted))


def missing(reason: str) -> Score:
    return Score(None, reason)


def _short(text: str | None) -> str | None:
    if text is None:
        return None
    short = text[:EXTRACT_LIMIT]
    # Half of a pair of surrogates, as a JSON answer cut within an emoji holds, is text to Python and to no file.
    return short if short.isascii() else short.encode("utf-8", "replace").decode("utf-8")
