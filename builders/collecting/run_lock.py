"""The lock of a run: one process at a time writes its journal."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import filling


class RunLock:
    """A file that holds the id of the process that has the lock. The system frees the lock when that process ends in any way.

    Args:
        path: The file. It stays, so that no two processes lock two files of one name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            InputError: Another process has it.
            OSError: The file cannot be written.
        """
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(file, 20, 0).decode("ascii", "replace").strip()
            os.close(file)
            other, stop = (
                (f"process {pid}", f", or stop it with: kill -INT {pid}") if pid.isdecimal() else ("another process", "")
            )
            raise InputError(
                f"{self.path.parent}: {other} is writing to this run. Remedy: wait until it has ended{stop}"
            ) from error
        except OSError:
            os.close(file)
            raise
        self._file = file
        try:
            with filling(self.path):
                os.ftruncate(file, 0)
                os.pwrite(file, b"%d\n" % os.getpid(), 0)
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Give the lock back."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1
