"""Processes that share the work of one run. They import nothing from the current directory, and end with their parent."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Final

_SAFE_PATH: Final = "PYTHONSAFEPATH"
"""The environment variable that keeps the current directory off the import path of a new Python process."""
_GLANCE_S: Final = 0.2
_starting = threading.RLock()


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of new processes, each started by `spawn`. If the work fails, tasks that have not begun are dropped."""
    with _safe_path():  # the pool's locks start a helper process
        pool = ProcessPoolExecutor(workers, mp_context=_Context(), initializer=_end_with, initargs=(os.getpid(),))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


class _Process(SpawnProcess):
    def start(self) -> None:
        with _safe_path():
            super().start()


class _Context(SpawnContext):
    Process = _Process


@contextmanager
def _safe_path() -> Iterator[None]:
    """Processes started in this block, helpers of multiprocessing too, take no module from the current directory.

    They start as `python -c`, which searches that directory first, and then get the path of this process.
    """
    with _starting:
        variable, path = os.environ.get(_SAFE_PATH), list(sys.path)
        os.environ[_SAFE_PATH] = "1"
        sys.path[:] = safe = standard_first(path)
        try:
            yield
        finally:
            if sys.path == safe:  # else another thread has changed it meanwhile
                sys.path[:] = path
            if variable is None:
                del os.environ[_SAFE_PATH]
            else:
                os.environ[_SAFE_PATH] = variable


def standard_first(path: Sequence[str]) -> list[str]:
    """`path` with the current directory, where it is listed, after the standard library.

    A caller's own modules are there still, but a file named like a standard module does not replace it.
    """
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), sysconfig.get_config_var("DESTSHARED")}
    last = max((place for place, entry in enumerate(path) if entry in standard), default=len(path) - 1)
    here = os.path.realpath(os.getcwd())
    early = [entry for entry in path[:last] if os.path.realpath(entry) == here]
    return [*(entry for entry in path[:last] if entry not in early), *path[last : last + 1], *early, *path[last + 1 :]]


def _end_with(parent: int) -> None:
    """End this process with its parent, since the pool of a killed parent would wait for ever."""
    starter = parent_process()
    if sys.platform == "linux" and starter is not None:
        # The pipe to the parent kills this process when it closes, even in the middle of a call that blocks every thread.
        # (PR_SET_PDEATHSIG would do so when the thread ends that started this process.)
        fcntl.fcntl(starter.sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(starter.sentinel, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(starter.sentinel, fcntl.F_SETFL, os.O_ASYNC)

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_GLANCE_S)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()
