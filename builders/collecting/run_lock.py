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
        path: The file. Only the process that has the lock may remove it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._is_new = False

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            InputError: Another process has it, or has removed the file meanwhile.
            OSError: The file cannot be written.
        """
        self._is_new = not self.path.exists()
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
        if not self._is_there(file):
            os.close(file)
            raise InputError(
                f"{self.path.parent}: another process has just given up this run. Remedy: start the same command again"
            )
        self._file = file
        try:
            with filling(self.path):
                os.ftruncate(file, 0)
                os.pwrite(file, b"%d\n" % os.getpid(), 0)
        except OSError:
            self.give_up()
            raise

    def _is_there(self, file: int) -> bool:
        """Whether an open file is the one at the path; a process that gives up a new run removes it."""
        try:
            return os.path.samestat(os.fstat(file), os.stat(self.path))
        except FileNotFoundError:
            return False

    def give_up(self) -> None:
        """Give the lock back before anything was done with it: a new file is removed."""
        if self._is_new:
            self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Give the lock back."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1
