"""How long a program may run: a limit of processor time, so that the verdict does not depend on the load of the machine.

A program can be late in three ways. It used its processor time, or it waited by its own choice (it sleeps, or waits for a
lock or for input): both are its own fault. Or it waited for the processor: then there is no verdict on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

_ASLEEP = 0.01
"""A program that uses less than this fraction of the processor is asleep: a busy machine gives it more."""
_GLANCE_S = 0.05
"""Time between two checks of a program that is close to its limit."""


class Kept(NamedTuple):
    """How a busy machine has kept a program waiting."""

    waited_s: float
    """Time in which it could have run and did not, seconds, added up over its threads."""
    now: bool
    """Whether one of its threads is waiting for a processor at this moment, or is stopped."""


class Allowance:
    """The time for one program, counted from now: `timeout_s` of processor time, and on the clock up to `patience` times that.

    A program that sleeps has only `timeout_s` on the clock, too.

    Args:
        timeout_s: The limit, seconds.
        patience: See above.
        used_s: Returns the processor time used so far, seconds.
        kept: Returns how the machine has kept it waiting so far; None where the system does not tell.
    """

    def __init__(
        self, timeout_s: float, patience: float, used_s: Callable[[], float], kept: Callable[[], Kept | None] = lambda: None
    ) -> None:
        self.timeout_s, self.patience = timeout_s, patience
        self._used_s, self._kept = used_s, kept
        self.starved = False
        """Whether its time is over because of the machine, so that there is no verdict on it."""
        self.started = time.monotonic()
        self.end = self.started + patience * timeout_s
        self.look = self.started + timeout_s
        """When to call `over` next."""
        self._mark, self._busy_at_mark = self.started, 0.0
        self._seen, self._used, self._waited = self.started, 0.0, 0.0
        self._forced = 0.0
        """Time on the clock that it has waited for the machine, seconds."""

    def over(self) -> str:
        """Why the program's time is over, or "" if it is not; then `look` moves on."""
        now, used, kept = time.monotonic(), self._used_s(), self._kept()
        late = f"no verdict within {self.timeout_s:g} s"
        if used >= self.timeout_s:
            return late
        if kept is not None:
            passed = now - self._seen
            waited = passed - (used - self._used) if kept.now else min(passed, kept.waited_s - self._waited)
            self._forced += max(0.0, waited)
            self._waited = kept.waited_s
        self._seen, self._used = now, used
        busy = used + self._forced
        if now - self._mark >= self.timeout_s:
            if busy - self._busy_at_mark < _ASLEEP * self.timeout_s:
                return late
            self._mark, self._busy_at_mark = now, busy
        if now >= self.end:
            took = f"{self.patience * self.timeout_s:g} s"
            if kept is not None and now - self.started - busy >= self.timeout_s:
                return f"no verdict within {took}, in most of which it waited by its own choice"
            self.starved = True
            return f"no verdict within {took} on a busy machine, which gave it {used:.1f} s of processor time"
        self.look = min(now + max(self.timeout_s - used, _GLANCE_S), self._mark + self.timeout_s, self.end)
        return ""
