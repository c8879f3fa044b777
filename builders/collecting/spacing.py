"""The distance between calls to a server that limits calls per minute and states it only by refusing them.

Fewer calls at a time do not help there: even one after another are too many. The number of answers from one refusal to the
next, with the pause between, is the rate that the server allows. Calls keep to it, and probe for a little more.
"""

from __future__ import annotations

import math
from typing import Final

_MEMORY: Final = 0.8
"""Weight of what was before, at each refusal."""
_STALE_S: Final = 120.0
"""Seconds without a refusal after which what was before does not count."""
_ENOUGH: Final = 3.0
"""Answers that make a rate; a server that gives none is down, which says nothing about its limit."""
_MOST_GAP_S: Final = 10.0
_BURST_S: Final = 0.05
_PER_ANSWER, _PER_SECOND = 1.005, 1.005
"""Factors by which the rate grows."""


class Spacing:
    """The rate that a server's refusals tell. All moments are in seconds of one clock that never goes back."""

    def __init__(self) -> None:
        self._gap = 0.0
        self._next = -math.inf
        self._refused_at = self._grown_at = -math.inf
        self._answers, self._answers_before, self._seconds_before = 0, 0.0, 0.0

    @property
    def idle(self) -> bool:
        """Whether calls need no distance."""
        return not self._gap

    def delay(self, now: float) -> float:
        """Seconds until a call may start."""
        return max(0.0, self._next - now) if self._gap else 0.0

    def take(self, now: float) -> None:
        """A call starts."""
        if self._gap:
            self._next = max(self._next, now - _BURST_S) + self._gap

    def answered(self, now: float) -> None:
        """An answer came."""
        self._answers += 1
        if self._gap:
            self._gap /= _PER_ANSWER * _PER_SECOND ** min(now - self._grown_at, _STALE_S)
            self._grown_at = now
            if self._gap < 0.001:
                self._gap = 0.0

    def refused(self, now: float) -> None:
        """The server refused calls, once per round trip."""
        since = now - self._refused_at
        if since > _STALE_S:
            self._answers_before = self._seconds_before = 0.0
        else:
            self._answers_before = _MEMORY * self._answers_before + self._answers
            self._seconds_before = _MEMORY * self._seconds_before + since
        self._answers, self._refused_at, self._grown_at = 0, now, now
        known = self._answers_before >= _ENOUGH
        self._gap = min(_MOST_GAP_S, self._seconds_before / self._answers_before) if known else 0.0
