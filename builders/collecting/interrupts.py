"""Ctrl-C and SIGTERM as events of an event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupts(handle: Callable[[], None]) -> Iterator[None]:
    """Within the block, each Ctrl-C and each SIGTERM calls `handle` in the running event loop.

    Only the main thread receives signals. In another thread, this does nothing.
    """
    loop = asyncio.get_running_loop()
    taken = []
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, handle)
        except (ValueError, RuntimeError):
            break
        taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
