"""Processes that share the work of one run, and do not outlive it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final

_GLANCE_S: Final = 0.2


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes; when the work fails, what has not begun is dropped."""
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_watch, initargs=(os.getpid(),))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _watch(parent: int) -> None:
    """End this process soon after its parent has: a killed parent tells nobody, and its pool would wait for ever."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_GLANCE_S)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()
