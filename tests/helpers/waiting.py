"""Waiting for an event that has no handle to wait on, such as a file of another process."""

from __future__ import annotations

import time
from collections.abc import Callable

BOUND_S = 900.0
"""A lost event fails the test after this long. No machine is so busy that an event which comes takes a tenth of it."""
_PAUSE_S = 0.01


def wait_for(event: Callable[[], object]) -> None:
    """Return as soon as `event()` is true; AssertionError if it is not after as many pauses as fill BOUND_S."""
    for _ in range(round(BOUND_S / _PAUSE_S)):
        if event():
            return
        time.sleep(_PAUSE_S)
    raise AssertionError("the event never came")
