"""The files of a release elsewhere: ranges through the cache, each file's size checked when its end is read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final

import pyarrow as pa

from llmfusionbench.manifest import Difference
from llmfusionbench.manifest.files import Footer, read_footer
from llmfusionbench.remote.cache import RangeCache
from llmfusionbench.remote.store import Store

SMALL_BYTES: Final = 2**16
"""A file of at most this size is fetched whole, and its SHA-256 is checked."""

TAIL_BYTES: Final = 2**14
"""Bytes at the end of a larger file that are fetched for its footer. A longer footer takes one more request."""

_END_BYTES: Final = 8
"""Length and magic number at the end of a Parquet file."""


class RemoteFiles:
    """The files that a manifest lists, in a store.

    Args:
        store: Where they are.
        cache: Where what was fetched is kept.
        entries: The manifest's entries of the files.
        verified: Names of the files that a server states the SHA-256 of, the same as in the manifest.
        stated_by: What tells that server from all others.

    A small file is hashed here. It is kept by its SHA-256, and used for the same file of any release. A range of a larger file
    cannot be hashed: it is kept by the SHA-256 and the server that states it, or, if none does, for this store alone.
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
        """Files whose end this process has seen to be that of what the cache holds, or that cannot change."""

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
        return self.cache.read(self._key(name), start, end, lambda a, b: self._fetch(name, a, b))

    def tail(self, name: str) -> bytes:
        """The last bytes of a file, from the start of its footer. The whole tail that was read, if it is not Parquet."""
        if name not in self._tails:
            size = self.size(name)
            data = self.read(name, max(0, size - TAIL_BYTES), size)
            length = int.from_bytes(data[-_END_BYTES:-4], "little") + _END_BYTES
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
        self.cache.forget(self._key(name))
        self._tails.pop(name, None)
        self._footers.pop(name, None)
        self._same -= {name} - self.verified

    def _key(self, name: str) -> str:
        """What a file is known by in the cache: its SHA-256, and who states it unless the bytes are hashed here."""
        digest = str(self.entries[name]["sha256"])
        if self.size(name) <= SMALL_BYTES:
            return digest
        source = f"stated by {self._stated_by}" if name in self.verified else self.store.origin
        return f"{digest}-{hashlib.sha256(source.encode()).hexdigest()[:32]}"

    def _fetch(self, name: str, start: int, end: int) -> bytes:
        last = end == self.size(name)
        if last:
            self._same.add(name)
        elif name not in self._same:
            self._check_end(name)
        data = self.store.read(name, start, end + last)  # one more byte shows that the file is longer
        if len(data) != end - start:
            found = f"{start + len(data):,} bytes" if len(data) < end - start else f"more than {end:,} bytes"
            raise Difference(name, None, found, f"{self.size(name):,} bytes").error(self.store.address)
        return data

    def _check_end(self, name: str) -> None:
        """Raise ReleaseError if a file does not end as what an earlier process has fetched of it; then that is forgotten."""
        self._same.add(name)
        kept, size = self.tail(name), self.size(name)
        if self.store.read(name, size - len(kept), size + 1) != kept:
            self.forget(name)
            raise Difference(name, None, "another file than before", "the same file").error(self.store.address)

    def _read_small(self, name: str) -> bytes:
        """All bytes of a small file, hashed here, also if they were in the cache."""
        key, size = self._key(name), self.size(name)
        data = self.cache.read(key, 0, size, lambda *_: self._fetch_small(name))
        if hashlib.sha256(data).hexdigest() == self.entries[name]["sha256"]:
            return data
        self.cache.forget(key)
        return self.cache.read(key, 0, size, lambda *_: self._fetch_small(name))

    def _fetch_small(self, name: str) -> bytes:
        data, digest = self._fetch(name, 0, self.size(name)), self.entries[name]["sha256"]
        if (found := hashlib.sha256(data).hexdigest()) != digest:
            raise Difference(name, None, f"sha256 {found}", f"sha256 {digest}").error(self.store.address)
        return data
