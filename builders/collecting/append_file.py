"""A file that is only ever appended to. Lines reach the system at once, and the disk in groups, off the thread that writes."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

GROUP_LINES: Final = 512
"""Lines after which the disk is brought up to date."""
GROUP_S: Final = 0.25
"""Seconds after a line within which the disk is brought up to date."""


class AppendFile:
    """Opens the file, which is created if it is missing. Threads may share it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._size = os.fstat(self._file).st_size
        self._changed = threading.Condition()
        self._written = self._synced = 0
        self._hurried = self._closing = False
        self._error: OSError | None = None
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._thread = threading.Thread(target=self._keep_synced, name="journal", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Append a line. After an error the file is as it was before, or takes no further line.

        Raises:
            OSError: The disk is full, or an earlier line could not be brought to it.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            rest = line
            try:
                while rest:
                    rest = rest[os.write(self._file, rest) :]
            except OSError as error:
                try:
                    os.ftruncate(self._file, self._size)
                except OSError:
                    # A part of the line stays at the end, where the next start cuts it off. No line may follow it.
                    self._error = error
                raise
            self._size += len(line)
            self._written += 1
            if self._written - self._synced in (1, GROUP_LINES):
                self._changed.notify_all()

    def sync(self) -> None:
        """Return when every line so far is on the disk.

        Raises:
            OSError: The disk reported an error.
        """
        with self._changed:
            wanted = self._written
            self._hurried = self._synced < wanted
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._synced >= wanted or self._error is not None)
            if self._error is not None:
                raise self._error

    def close(self) -> None:
        """Bring everything to the disk and close the file. Raises OSError as `sync` does."""
        try:
            self.sync()
        finally:
            with self._changed:
                self._closing = True
                self._changed.notify_all()
            self._thread.join()
            os.close(self._file)

    def _keep_synced(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._written > self._synced or self._closing)
                if self._written == self._synced:
                    return
                self._changed.wait_for(self._is_due, GROUP_S)
                wanted, self._hurried = self._written, False
            try:
                os.fsync(self._file)
                error = None
            except OSError as found:
                error = found
            with self._changed:
                self._error, self._synced = self._error or error, self._synced if error else wanted
                self._changed.notify_all()
                if error:
                    return

    def _is_due(self) -> bool:
        return self._hurried or self._closing or self._written - self._synced >= GROUP_LINES
