"""The score of one response, and the constructors that all metrics use."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "3"
"""Version of our own metrics; it changes when any value changes."""
OFFICIAL = "official"
"""The `metric_version` of values computed as the reference pipeline does."""

EXTRACT_LIMIT = 1000
"""Longest extracted answer, in characters."""


@dataclass(frozen=True, slots=True)
class Score:
    """One scored response."""

    value: float | None
    """The metric in [0, 1]; None = missing: nothing could be scored."""
    reason: str
    """Why the value is what it is, in a few words."""
    extracted: str | None = None
    """The answer found in the response, at most `EXTRACT_LIMIT` characters; None if there was none."""
    metric_version: str = VERSION
    """`VERSION` or `OFFICIAL`. The two never share a column."""


def right(extracted: str | None, reason: str = "matches the ground truth") -> Score:
    return Score(1.0, reason, _short(extracted))


def wrong(extracted: str | None, reason: str = "differs from the ground truth") -> Score:
    return Score(0.0, reason, _short(extracted))


def binary(same: bool, extracted: str | None) -> Score:
    """Right or wrong, with the usual reason."""
    return right(extracted) if same else wrong(extracted)


def graded(value: float, extracted: str | None, reason: str) -> Score:
    return Score(value, reason, _short(extracted))


def missing(reason: str, extracted: str | None = None) -> Score:
    return Score(None, reason, _short(extracted))


def _short(text: str | None) -> str | None:
    if text is None:
        return None
    short = text[:EXTRACT_LIMIT]
    # A JSON answer that is cut within an emoji has a lone surrogate, which no file can hold.
    return short if short.isascii() else short.encode("utf-8", "replace").decode("utf-8")
