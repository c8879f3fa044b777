"""Waiting for an event that has no handle to wait on, such as a file of another process."""

from __future__ import annotations

import time
from collections.abc import Callable

BOUND_S = 900.0
"""A lost event fails the test after this long. No machine is so busy that an event which comes takes a tenth of it."""


def wait_for(event: Callable[[], object]) -> None:
    """Return as soon as `event()` is true; AssertionError if it never is."""
    until = time.monotonic() + BOUND_S
    while not event():
        assert time.monotonic() < until, "the event never came"
        time.sleep(0.01)
