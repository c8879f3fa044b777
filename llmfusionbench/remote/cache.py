"""A bounded cache of ranges of files, shared between processes. An entry is a file of its own, which carries its digest.

`key/start-end` holds the bytes `start` to `end` of the file that is known by `key`, after their SHA-256. Entries are written
beside their place and renamed, so that a reader sees all of one or none. There are no locks between processes: one that misses
an entry, or loses it to another one that made room, fetches it again.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from llmfusionbench.errors import InputError
from llmfusionbench.remote.forks import renew_after_fork
from llmfusionbench.storage.cache import cache_directory
from llmfusionbench.storage.files import whole_file

VARIABLE: Final = "LLMFUSIONBENCH_CACHE_BYTES"
"""Environment variable: largest number of bytes that the cache keeps."""

DEFAULT_BYTES: Final = 10 * 10**9

_DIGEST_BYTES: Final = 32
_ROOM: Final = 0.9
"""Share of the bound that is left when room is made, so that it is not made at every entry."""
_LOOKS: Final = 16
"""How often the size of the whole cache is looked up while as much as its bound is written."""
_RANGE: Final = re.compile("([0-9]{1,19})-([0-9]{1,19})")


class _Entry(NamedTuple):
    start: int
    end: int
    path: Path


def cache_bytes() -> int:
    """The bound of the cache, in bytes; 0 keeps nothing. Raises InputError if the environment variable is not a number."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        return DEFAULT_BYTES
    if not re.fullmatch("[0-9]{1,18}", text):
        raise InputError(f"{VARIABLE} is {text!r}, expected a number of bytes. Remedy: set it to one such as {DEFAULT_BYTES}")
    return int(text)


class RangeCache:
    """The cache in a directory.

    Args:
        root: The directory. It is made when it is needed.
        limit: Largest number of bytes to keep.
    """

    def __init__(self, root: Path, limit: int) -> None:
        self.root, self.limit = root, limit
        self._size = limit
        """The size of the cache when it was last looked up, and what this process has begun to write since."""
        self._looked = False
        self._unseen = 0
        renew_after_fork(self)

    def renew(self) -> None:
        self._writing = 0
        """Bytes of entries that threads of this process are writing."""
        self._lock = threading.Lock()

    def __getstate__(self) -> tuple[Path, int]:
        return self.root, self.limit

    def __setstate__(self, state: tuple[Path, int]) -> None:
        RangeCache.__init__(self, *state)

    @classmethod
    def of_user(cls) -> RangeCache:
        """The cache below `cache_directory()`. Raises InputError for a variable that cannot be used."""
        return cls(cache_directory() / "remote", cache_bytes())

    def read(self, keys: Sequence[str], start: int, end: int, fetch: Callable[[int, int], bytes]) -> bytes:
        """The bytes `start` to `end` of a file: those that are kept, and the missing parts from `fetch(start, end)`.

        Args:
            keys: What the file is known by. New entries are kept by the first one.
        """
        known = [entry for key in keys for entry in self._entries(key)]
        parts, at = [], start
        while at < end:
            entry = max((e for e in known if e.start <= at < e.end), key=lambda e: e.end, default=None)
            if entry is None:
                stop = min((e.start for e in known if at < e.start), default=end)
                data = fetch(at, min(stop, end))
                self._keep(keys[0], at, data)
            elif (kept := self._load(entry)) is not None:
                data = kept[at - entry.start : end - entry.start]
            else:
                known.remove(entry)
                continue
            parts.append(data)
            at += len(data)
        return b"".join(parts) if len(parts) != 1 else parts[0]

    def put(self, key: str, data: bytes) -> None:
        """Keep all bytes of a file, in place of what is kept of it."""
        old = [entry for entry in self._entries(key) if entry.end != len(data)]
        if self._keep(key, 0, data):
            _remove(entry.path for entry in old)

    def get(self, key: str) -> bytes | None:
        """What `put` has kept last, or None."""
        for entry in sorted(self._entries(key), key=_age):
            if entry.start == 0 and (data := self._load(entry)) is not None:
                return data
        return None

    def end(self, keys: Sequence[str], size: int) -> bytes | None:
        """What is kept of the end of a file of `size` bytes, at most one range, or None."""
        for entry in (entry for key in keys for entry in self._entries(key)):
            if entry.end == size and (data := self._load(entry)) is not None:
                return data
        return None

    def forget(self, key: str) -> None:
        """Remove what is kept by a key."""
        _remove(entry.path for entry in self._entries(key))

    def _entries(self, key: str) -> list[_Entry]:
        try:
            names = os.listdir(self.root / key)
        except OSError:
            return []
        matches = [match for name in names if (match := _RANGE.fullmatch(name)) is not None]
        return [_Entry(int(match[1]), int(match[2]), self.root / key / match[0]) for match in matches]

    def _load(self, entry: _Entry) -> bytes | None:
        """The bytes of an entry, which was used just now; None if it is gone or damaged, and then it is removed."""
        try:
            content = entry.path.read_bytes()
        except OSError:
            return None
        digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if len(data) != entry.end - entry.start or digest != _digest(entry.path, data):
            _remove([entry.path])
            return None
        with suppress(OSError):
            os.utime(entry.path)
        return data

    def _keep(self, key: str, start: int, data: bytes) -> bool:
        """Write an entry, and say whether it was written. What cannot be written is fetched again."""
        size = _DIGEST_BYTES + len(data)
        if size > self.limit or not data:
            return False
        with self._lock:
            if not self._make_room(size):
                return False
            self._size += size
            self._unseen += size
            self._writing += size
        path = self.root / key / f"{start}-{start + len(data)}"
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with whole_file(path) as file:
                file.write_bytes(_digest(path, data) + data)
        except OSError:
            return False
        finally:
            with self._lock:
                self._writing -= size
        return True

    def _make_room(self, size: int) -> bool:
        """Whether there is room for another `size` bytes, after the entries that were used least recently are removed."""
        if self._looked and self._size + size <= self.limit and self._unseen <= self.limit / _LOOKS:
            return True
        entries = []
        for folder in _folders(self.root):
            with suppress(OSError), os.scandir(folder) as found:  # another process may remove it
                for entry in found:
                    with suppress(OSError):
                        about = entry.stat(follow_symlinks=False)
                        entries.append((about.st_mtime_ns, about.st_size, entry.path))
        self._size, self._looked, self._unseen = sum(entry[1] for entry in entries) + self._writing, True, 0
        if self._size + size <= self.limit:
            return True
        for _, length, path in sorted(entries):
            if self._size + size <= self.limit * _ROOM or self._size <= 0:
                break
            _remove([Path(path)])
            self._size -= length
        for folder in _folders(self.root):
            with suppress(OSError):  # it is not empty
                os.rmdir(folder)
        return self._size + size <= self.limit


def _digest(path: Path, data: bytes) -> bytes:
    """The SHA-256 of an entry's bytes and of its place, so that an entry in another place is not taken for right."""
    return hashlib.sha256(f"{path.parent.name}/{path.name}\n".encode() + data).digest()


def _age(entry: _Entry) -> int:
    """The age of an entry; the newest has the least, one that is gone the most."""
    try:
        return -entry.path.stat().st_mtime_ns
    except OSError:
        return 0


def _folders(root: Path) -> list[str]:
    try:
        with os.scandir(root) as found:
            return [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):  # another process was faster
            path.unlink()
