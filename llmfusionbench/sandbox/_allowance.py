"""How long a program may run: a limit of processor time, so that the verdict does not depend on the load of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

_ASLEEP = 0.01
"""A program that uses less than this fraction of the processor is asleep: a busy machine gives it more."""
_GLANCE_S = 0.05
"""Time between two checks of a program that is close to its limit."""


class Allowance:
    """The time for one program, counted from now: `timeout_s` of processor time, and on the clock up to `patience` times that.

    A program that sleeps has only `timeout_s` on the clock, too. `used_s` returns the processor time used so far, seconds.
    """

    def __init__(self, timeout_s: float, patience: float, used_s: Callable[[], float]) -> None:
        self.timeout_s, self.patience = timeout_s, patience
        self._used_s = used_s
        self.started = time.monotonic()
        self.end = self.started + patience * timeout_s
        self.look = self.started + timeout_s
        """When to call `over` next."""
        self._mark, self._used_at_mark = self.started, 0.0

    def over(self) -> str:
        """Why the program's time is over, or "" if it is not; then `look` moves on."""
        now, used = time.monotonic(), self._used_s()
        if used >= self.timeout_s:
            return f"no verdict within {self.timeout_s:g} s"
        if now - self._mark >= self.timeout_s:
            if used - self._used_at_mark < _ASLEEP * self.timeout_s:
                return f"no verdict within {self.timeout_s:g} s"
            self._mark, self._used_at_mark = now, used
        if now >= self.end:
            took = f"{self.patience * self.timeout_s:g} s"
            return f"no verdict within {took} on a busy machine, which gave it {used:.1f} s of processor time"
        self.look = min(now + max(self.timeout_s - used, _GLANCE_S), self._mark + self.timeout_s, self.end)
        return ""
