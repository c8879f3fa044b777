"""A release elsewhere: tables are read by ranges of bytes, and a file is checked by its size and footer at its first use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from llmfusionbench.errors import ReleaseError
from llmfusionbench.manifest import MANIFEST, Difference, footer_difference, parsed, structure_difference, table_of
from llmfusionbench.manifest.files import Footer
from llmfusionbench.release.place import ReleasePlace
from llmfusionbench.release.shard_files import shard_dataset, shard_fragment
from llmfusionbench.remote.arrow import arrow_files
from llmfusionbench.remote.cache import RangeCache
from llmfusionbench.remote.files import RemoteFiles
from llmfusionbench.remote.store import Store
from llmfusionbench.storage.address import Address

REQUESTS: Final = 16
"""Number of requests at a time for the footers of files."""

_Check = Callable[[str, Footer, dict[str, Any]], Difference | None]


class RemotePlace(ReleasePlace):
    """A release in a store.

    Args:
        store: Where its files are.
        manifest: The bytes of its manifest.
        download: Downloads the release completely, checks it and returns its directory.
        verified: Files whose SHA-256 a server states, and it is that of the manifest.
        stated_by: What tells that server from all others.

    Raises:
        ReleaseError: the manifest cannot be used, or a variable of the environment.
    """

    readahead = 16

    def __init__(
        self,
        store: Store,
        manifest: bytes,
        download: Callable[[], Path],
        *,
        verified: Collection[str] = (),
        stated_by: str = "",
    ) -> None:
        self._address, self._manifest, self._download = store.address, manifest, download
        entries = self.read_manifest()["files"]
        self.files = RemoteFiles(store, RangeCache.of_user(), entries, verified, stated_by)
        self._system = arrow_files(self.files)  # one, which outlives the threads of Arrow that use it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePlace) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, bytes]:
        return self.files.store.origin, self._manifest

    @property
    def path(self) -> Address:
        return self._address

    def read_manifest(self) -> dict[str, Any]:
        return parsed(self._manifest, self._address / MANIFEST)

    @property
    def manifest_sha256(self) -> str:
        return hashlib.sha256(self._manifest).hexdigest()

    def opening_differences(self, manifest: dict[str, Any]) -> Iterator[Difference]:
        """None: a place that states sizes and digests is compared with the manifest before it is opened."""
        return iter(())

    def differences(self, manifest: dict[str, Any], names: list[str]) -> Iterator[Difference]:
        return self._wrong(footer_difference, manifest, names)

    def unused_differences(self, manifest: dict[str, Any], names: list[str]) -> Iterator[Difference]:
        return iter(())

    def structure_differences(self, manifest: dict[str, Any], names: list[str]) -> Iterator[Difference]:
        return self._wrong(structure_difference, manifest, names)

    def _wrong(self, check: _Check, manifest: dict[str, Any], names: list[str]) -> Iterator[Difference]:
        names = [name for name in names if table_of(name) is not None]
        for name, footer in zip(names, self._footers(names), strict=True):
            if (difference := check(name, footer, manifest)) is not None:
                self.files.forget(name)
                yield difference

    def _footers(self, names: Sequence[str]) -> list[Footer]:
        """The footers of files, fetched several at a time."""
        if len(names) <= 1:
            return list(map(self.files.footer, names))
        with ThreadPoolExecutor(REQUESTS) as pool:
            return list(pool.map(self.files.footer, names))

    def missing(self, name: str) -> ReleaseError | None:
        return None

    def fragment(self, name: str, table: str) -> ds.ParquetFileFragment:
        return shard_fragment(name, table, self._system)

    def dataset(self, names: Sequence[str], table: str) -> ds.Dataset:
        return shard_dataset(names, table, self._system)

    def row_groups(self, names: Sequence[str]) -> list[int]:
        self._footers(names)
        return [pq.read_metadata(pa.BufferReader(self.files.tail(name))).num_row_groups for name in names]

    def absolute(self) -> RemotePlace:
        return self

    @contextmanager
    def reading(self, table: str) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowMemoryError, pa.ArrowCancelled):  # no fault of a file
            raise
        except (pa.ArrowException, OSError) as error:
            for name in self.files.entries:
                if table_of(name) == table:
                    self.files.forget(name)
            said = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ReleaseError(
                f"{self._address}: table {table} cannot be read ({said}). Remedy: try again; if this repeats, a file is damaged"
            ) from error

    def local(self) -> Path:
        return self._download()
