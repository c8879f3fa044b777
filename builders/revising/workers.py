"""Processes that share the work of one run and end with it."""

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
    """A pool of new processes. If the work fails, tasks that have not begun are dropped."""
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_watch, initargs=(os.getpid(),))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _watch(parent: int) -> None:
    """End this process soon after its parent, since the pool of a killed parent would wait for ever."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_GLANCE_S)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()
