"""Where the files of a release are: what `Release` asks of a directory, and of a place elsewhere (`remote_place`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.errors import ReleaseError
from llmfusionbench.manifest import (
    MANIFEST,
    Difference,
    changed,
    footer_of,
    missing,
    opening_difference,
    read_manifest,
    structure_difference,
)
from llmfusionbench.release.shard_files import shard_dataset, shard_fragment
from llmfusionbench.storage.address import Address
from llmfusionbench.storage.files import sha256

if TYPE_CHECKING:
    import pyarrow.dataset as ds


class ReleasePlace(ABC):
    """The files of a release, by their names in the manifest. It can be pickled."""

    readahead: int = 4
    """Number of files that Arrow reads at a time."""

    @property
    @abstractmethod
    def path(self) -> Path | Address:
        """What it is called in messages; a path only if it is a directory of this machine."""

    @abstractmethod
    def read_manifest(self) -> dict[str, Any]:
        """The manifest. Raises as `llmfusionbench.manifest.read_manifest`."""

    @property
    @abstractmethod
    def manifest_sha256(self) -> str:
        """The SHA-256 of the manifest's bytes, in hexadecimal."""

    @abstractmethod
    def opening_differences(self, manifest: dict[str, Any]) -> Iterator[Difference]:
        """What differs from the manifest and is seen without reading whole files."""

    @abstractmethod
    def differences(self, manifest: dict[str, Any], names: list[str]) -> Iterator[Difference]:
        """What differs from the manifest in files that are about to be used."""

    @abstractmethod
    def unused_differences(self, manifest: dict[str, Any], names: list[str]) -> Iterator[Difference]:
        """What differs from the manifest in files that may not be used, where looking moves no bytes."""

    @abstractmethod
    def structure_differences(self, manifest: dict[str, Any], names: list[str]) -> Iterator[Difference]:
        """The shards that cannot be read as their tables."""

    @abstractmethod
    def missing(self, name: str) -> ReleaseError | None:
        """The error of a file that does not exist, as far as that is known without a request."""

    @abstractmethod
    def fragment(self, name: str, table: str) -> ds.ParquetFileFragment:
        """One shard of a table, to be read by the schema of that table."""

    @abstractmethod
    def dataset(self, names: Sequence[str], table: str) -> ds.Dataset:
        """The rows of some shards of a table, in the columns of its schema."""

    @abstractmethod
    def row_groups(self, names: Sequence[str]) -> list[int]:
        """The number of row groups of shards."""

    def read_batches(self, table: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches of rows of a table, with the errors of `reading`."""
        while True:
            with self.reading(table):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    @abstractmethod
    def absolute(self) -> ReleasePlace:
        """The same place, which does not depend on the working directory."""

    @abstractmethod
    def reading(self, table: str) -> AbstractContextManager[None]:
        """Around the reading of rows: turns errors of Arrow into ReleaseError where files are not checked beforehand."""

    @abstractmethod
    def local(self) -> Path:
        """The directory of the whole release on this machine, which is downloaded and checked if it is elsewhere."""


@dataclass(frozen=True)
class LocalPlace(ReleasePlace):
    """A directory."""

    _path: Path

    @property
    def path(self) -> Path:
        return self._path

    def read_manifest(self) -> dict[str, Any]:
        return read_manifest(self._path)

    @property
    def manifest_sha256(self) -> str:
        try:
            return sha256(self._path / MANIFEST)
        except OSError as error:
            raise ReleaseError(f"{self._path / MANIFEST}: {error.strerror}. Remedy: build or download it again") from error

    def opening_differences(self, manifest: dict[str, Any]) -> Iterator[Difference]:
        for name in sorted(manifest["files"]):
            if (difference := opening_difference(self._path, name, manifest)) is not None:
                yield difference

    def differences(self, manifest: dict[str, Any], names: list[str]) -> Iterator[Difference]:
        return changed(self._path, [name for name in names if (self._path / name).is_file()], manifest)

    unused_differences = differences

    def structure_differences(self, manifest: dict[str, Any], names: list[str]) -> Iterator[Difference]:
        for name in names:
            if (difference := structure_difference(name, footer_of(self._path / name), manifest)) is not None:
                yield difference

    def missing(self, name: str) -> ReleaseError | None:
        return missing(self._path, name)

    def fragment(self, name: str, table: str) -> ds.ParquetFileFragment:
        return shard_fragment(self._path / name, table)

    def dataset(self, names: Sequence[str], table: str) -> ds.Dataset:
        return shard_dataset([self._path / name for name in names], table)

    def row_groups(self, names: Sequence[str]) -> list[int]:
        return [pq.read_metadata(self._path / name).num_row_groups for name in names]

    def absolute(self) -> LocalPlace:
        return LocalPlace(self._path.absolute())

    def reading(self, table: str) -> AbstractContextManager[None]:
        return nullcontext()

    def local(self) -> Path:
        return self._path
