"""A rate limit as a token bucket that may go into debt: per minute, with almost no bursts."""

from __future__ import annotations

import math
from typing import Final

_BURST_S: Final = 0.2
"""Seconds of the rate that may be taken at once, so that no minute has noticeably more than its limit."""


class Rate:
    """Amounts that may be taken per minute. All moments are those of one clock that never goes back, in seconds.

    Something may be taken as soon as the bucket is full or has as much as is asked for. What is larger than the bucket leaves a
    debt, which later ones wait for. So requests keep their distance even if their sizes differ much.

    Args:
        per_minute: The limit; None until one is learnt, or for none.
    """

    def __init__(self, per_minute: float | None = None) -> None:
        self._given = per_minute is not None
        self._per_second = math.inf if per_minute is None else per_minute / 60
        self._level = self._size
        self._at = 0.0
        self._closed_until = 0.0

    @property
    def per_minute(self) -> float | None:
        """The limit, given or learnt."""
        return None if self._per_second == math.inf else self._per_second * 60

    @property
    def idle(self) -> bool:
        """Whether there is nothing to keep: no limit, and no server that asked to wait."""
        return self._per_second == math.inf and not self._closed_until

    @property
    def _size(self) -> float:
        return 0.0 if self._per_second == math.inf else max(1.0, self._per_second * _BURST_S)

    def delay(self, amount: float, now: float) -> float:
        """Seconds until an amount may be taken; 0.0 if now."""
        wait = self._closed_until - now
        if wait > 0:
            return wait
        self._closed_until = 0.0
        if self._per_second == math.inf:
            return 0.0
        self._fill(now)
        # A millionth of the bucket is rounding, for which no one has to wait.
        short = min(amount, self._size) * (1 - 1e-6) - self._level
        return max(0.0, short / self._per_second)

    def take(self, amount: float) -> None:
        """Take an amount for which `delay` was 0."""
        if self._per_second != math.inf:
            self._level -= amount

    def give_back(self, amount: float) -> None:
        """Correct what was taken; a negative amount takes more."""
        if self._per_second != math.inf:
            self._level = min(self._size, self._level + amount)

    def learn(self, per_minute: float | None, left: float | None, reset_s: float | None, need: float, now: float) -> None:
        """Follow what a reply states. Values that cannot be are ignored, such as the -1 of some servers.

        Args:
            per_minute: The limit; it counts unless one was given.
            left: What may still be taken before the reset.
            reset_s: Seconds until all of the limit may be taken again.
            need: What the next request takes. If less is left, everything waits for the reset, which is right for windows
                and costs no throughput with a bucket that fills steadily.
            now: The moment.
        """
        if per_minute is not None and 1 <= per_minute < math.inf and not self._given:
            before, rate = self._per_second, per_minute / 60
            if rate != before:
                self._fill(now)
                self._per_second = rate
                self._level = self._size if before == math.inf else min(self._level, self._size)
                self._at = now
        need = min(need, self._per_second * 60)
        if left is not None and 0 <= left < need and reset_s is not None and 0 < reset_s < math.inf:
            self._closed_until = max(self._closed_until, now + reset_s)

    def _fill(self, now: float) -> None:
        if self._per_second != math.inf:
            self._level = min(self._size, self._level + (now - self._at) * self._per_second)
        self._at = now
