"""The files of a release elsewhere: ranges through the cache, each file's size checked when its end is read."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Mapping
from typing import Any, Final, NoReturn

import pyarrow as pa

from llmfusionbench.manifest import Difference
from llmfusionbench.manifest.files import Footer, read_footer
from llmfusionbench.remote.cache import RangeCache
from llmfusionbench.remote.forks import renew_after_fork
from llmfusionbench.remote.store import Store

SMALL_BYTES: Final = 2**16
"""A file of at most this size is fetched whole, and its SHA-256 is checked."""

TAIL_BYTES: Final = 2**14
"""Bytes at the end of a larger file that are fetched for its footer. A longer footer takes one more request."""

MOST_FOOTER_BYTES: Final = 2**26
"""Longest footer that is read: 10,000 row groups of 20 columns take less than half of it."""

_END_BYTES: Final = 8
"""Length and magic number at the end of a Parquet file."""


class _UnsettledError(Exception):
    """More than the cache has is needed of a file that may have been replaced since."""


def _unsettled(start: int, end: int) -> NoReturn:
    raise _UnsettledError


class RemoteFiles:
    """The files that a manifest lists, in a store.

    Args:
        store: Where they are.
        cache: Where what was fetched is kept.
        entries: The manifest's entries of the files.
        verified: Names of the files that a server states the SHA-256 of, the same as in the manifest.
        stated_by: What tells that server from all others.

    A small file is hashed here. It is kept by its SHA-256, and used for the same file of any release. A range of a larger file
    cannot be hashed: it is kept by the SHA-256 and the server that states it, or, if none does, for this store alone. What is
    kept by the server is used for either, because the server may have stated it before, and not answer now.
    """

    def __init__(
        self,
        store: Store,
        cache: RangeCache,
        entries: Mapping[str, Mapping[str, Any]],
        verified: Collection[str] = (),
        stated_by: str = "",
    ) -> None:
        self.store, self.cache, self.entries, self.verified = store, cache, entries, frozenset(verified)
        self._stated_by = stated_by
        self._tails: dict[str, bytes] = {}
        self._footers: dict[str, Footer] = {}
        self._same = set(verified)
        """Files that cannot change, or of which the cache has no other version than the server, as this process has seen."""
        renew_after_fork(self)

    def renew(self) -> None:
        self._settling: dict[str, threading.Lock] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_settling": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        renew_after_fork(self)

    def size(self, name: str) -> int:
        """The size of a file by its manifest, bytes."""
        return int(self.entries[name]["bytes"])

    def read(self, name: str, start: int, end: int) -> bytes:
        """The bytes `start` to `end` of a file.

        Raises:
            UnreachableError: they are not in the cache, and the server does not answer.
            ReleaseError: they cannot be read, or the file has another size or, if it is small, other contents than the
                manifest states.
        """
        if end <= start:
            return b""
        if self.size(name) <= SMALL_BYTES:
            return self._read_small(name)[start:end]
        if name not in self._same:
            try:
                return self.cache.read(self._keys(name), start, end, _unsettled)
            except _UnsettledError:  # what was read so far may be of another version: it is read again
                self._settle(name)
        return self.cache.read(self._keys(name), start, end, lambda a, b: self._fetch(name, a, b))

    def tail(self, name: str) -> bytes:
        """The last bytes of a file, from the start of its footer. The whole tail that was read, if it is not Parquet."""
        if name not in self._tails:
            size = self.size(name)
            data = self.read(name, max(0, size - TAIL_BYTES), size)
            length = int.from_bytes(data[-_END_BYTES:-4], "little") + _END_BYTES
            if data[-4:] == b"PAR1" and MOST_FOOTER_BYTES < length < size:
                expected = f"at most {MOST_FOOTER_BYTES:,} bytes"
                raise Difference(name, None, f"a footer of {length:,} bytes", expected).error(self.store.address)
            if data[-4:] == b"PAR1" and length < size:
                data = data[-length:] if length <= len(data) else self.read(name, size - length, size)
            self._tails[name] = data
        return self._tails[name]

    def footer(self, name: str) -> Footer:
        """Rows and schema of a Parquet file, or why it cannot be read."""
        if name not in self._footers:
            self._footers[name] = read_footer(pa.BufferReader(self.tail(name)))
        return self._footers[name]

    def forget(self, name: str) -> None:
        """Forget what was fetched of a file, because it is not what it should be."""
        for key in self._keys(name):
            self.cache.forget(key)
        self._tails.pop(name, None)
        self._footers.pop(name, None)
        self._same -= {name} - self.verified
        self.store.forget(name)

    def _keys(self, name: str) -> list[str]:
        """What a file is known by in the cache: its SHA-256, and who states it unless the bytes are hashed here."""
        digest = str(self.entries[name]["sha256"])
        if self.size(name) <= SMALL_BYTES:
            return [digest]
        sources = [] if self._stated_by and name in self.verified else [self.store.origin]
        sources += [f"stated by {self._stated_by}"] if self._stated_by else []
        return [f"{digest}-{hashlib.sha256(source.encode()).hexdigest()[:32]}" for source in sources]

    def _fetch(self, name: str, start: int, end: int) -> bytes:
        last = end == self.size(name)
        data = self.store.read(name, start, end + last)  # one more byte shows that the file is longer
        if len(data) != end - start:
            found = f"{start + len(data):,} bytes" if data else f"at most {start:,} bytes"
            found = found if len(data) < end - start else f"more than {end:,} bytes"
            raise Difference(name, None, found, f"{self.size(name):,} bytes").error(self.store.address)
        return data

    def _settle(self, name: str) -> None:
        """Make sure that the cache holds one version of a file before more of it is fetched.

        Raises:
            ReleaseError: the file does not end as what an earlier process has fetched of it; then that is forgotten.
        """
        with self._settling.setdefault(name, threading.Lock()):
            if name in self._same:
                return
            keys, size = self._keys(name), self.size(name)
            kept = self.cache.end(keys, size)
            if kept is None:
                self.cache.forget(keys[0])  # nothing shows which version that is
            elif self._fetch(name, size - len(kept[-SMALL_BYTES:]), size) != kept[-SMALL_BYTES:]:
                self.forget(name)
                raise Difference(name, None, "another file than before", "the same file").error(self.store.address)
            self._same.add(name)

    def _read_small(self, name: str) -> bytes:
        """All bytes of a small file, hashed here, also if they were in the cache."""
        keys, size = self._keys(name), self.size(name)
        data = self.cache.read(keys, 0, size, lambda *_: self._fetch_small(name))
        if hashlib.sha256(data).hexdigest() == self.entries[name]["sha256"]:
            return data
        self.cache.forget(keys[0])
        return self.cache.read(keys, 0, size, lambda *_: self._fetch_small(name))

    def _fetch_small(self, name: str) -> bytes:
        data, digest = self._fetch(name, 0, self.size(name)), self.entries[name]["sha256"]
        if (found := hashlib.sha256(data).hexdigest()) != digest:
            raise Difference(name, None, f"sha256 {found}", f"sha256 {digest}").error(self.store.address)
        return data
