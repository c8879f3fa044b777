"""Writes a release atomically. Its bytes depend on its rows alone, not on the time, the host or the number of workers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmfusionbench import _version
from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST, dump_manifest, faults_of
from llmfusionbench.release.card import release_card
from llmfusionbench.release.release import Release
from llmfusionbench.release.row_groups import row_group_starts
from llmfusionbench.release.run_record import RunRecord
from llmfusionbench.release.shard_store import STATE, ShardStore
from llmfusionbench.release.targets import LocalTarget, Target
from llmfusionbench.schema import SCHEMA_VERSION, table_schema
from llmfusionbench.storage.address import Place, local_path
from llmfusionbench.storage.beside import beside
from llmfusionbench.storage.directories import WholeDirectory, remove
from llmfusionbench.storage.files import sha256
from llmfusionbench.storage.kinds import CARD, DirectoryKind, stated_in, unlisted

if TYPE_CHECKING:
    from filelock import BaseFileLock

RELEASE: Final = DirectoryKind("release", stated_in(MANIFEST, "schema_version", SCHEMA_VERSION))

_PAGES: Final = {"min_chunk_size": 128 * 1024, "max_chunk_size": 1024 * 1024}
"""Uncompressed bytes of a page. With larger pages an append sends more, and with smaller ones the files are larger:
`benchmarks/deduplication.py --settings`."""

_SHORT: Final = 128
"""Most bytes of a text in a column with statistics. Those of longer texts filter nothing, and make every footer larger."""

LOCK: Final = ".lock"


def shard_name(table: str, split: str, index: int, total: int) -> str:
    """Path of a shard within its release."""
    return f"{table}/{split}-{index:05d}-of-{total:05d}.parquet"


def write_shard(root: Path, name: str, rows: pa.Table, *, compression_level: int = 3) -> dict[str, Any]:
    """Write rows of one table, sorted by key, as the shard `name` (`table/split-...`) below `root`.

    Pages and row groups end where the content says, so that a store which keeps each chunk of bytes once has most of the
    next version already. Every page has a checksum. Returns the entry of the file for the manifest: rows, bytes, sha256.
    """
    schema = table_schema(name.split("/")[0])
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = rows.select(schema.arrow.names)
    rows = rows.cast(pa.schema([_stored(rows.field(f.name), f, f.name in schema.key) for f in schema.arrow]))
    with pq.ParquetWriter(
        path,
        schema.arrow,
        compression="zstd",
        compression_level=compression_level,
        use_dictionary=schema.dictionary_columns,
        use_content_defined_chunking=_PAGES,
        write_statistics=_short_columns(rows),
        write_page_index=True,
        write_page_checksum=True,
    ) as writer:
        starts = row_group_starts(rows, schema.key[0]).tolist()  # none without rows: `datasets` cannot read an empty group
        for start, end in pairwise([*starts, rows.num_rows]):
            group = rows.slice(start, end - start).cast(schema.arrow).combine_chunks()
            writer.write_table(group, row_group_size=end - start)
    return {"rows": rows.num_rows, "bytes": path.stat().st_size, "sha256": sha256(path)}


def _stored(given: pa.Field, field: pa.Field, is_key: bool) -> pa.Field:
    """A column as it is held while its table is written: texts stay codes of distinct ones, which take less memory."""
    is_coded = pa.types.is_dictionary(given.type) and given.type.value_type == field.type
    return field.with_type(given.type) if is_coded and not is_key else field


def _short_columns(rows: pa.Table) -> list[str]:
    """The columns of numbers, and of texts that are all short."""
    flat = [field for field in rows.schema if not pa.types.is_nested(field.type)]
    return [f.name for f in flat if not _is_text(f.type) or _longest(rows[f.name]) <= _SHORT]


def _is_text(kind: pa.DataType) -> bool:
    return bool(kind == pa.string() or (pa.types.is_dictionary(kind) and kind.value_type == pa.string()))


def _longest(texts: pa.ChunkedArray) -> int:
    """Bytes of the longest text, 0 without any."""
    if pa.types.is_dictionary(texts.type):
        lengths = [pc.binary_length(part.dictionary).take(part.indices) for part in texts.chunks]
        return pc.max(pa.chunked_array(lengths, pa.int32())).as_py() or 0
    return pc.max(pc.binary_length(texts)).as_py() or 0


class ReleaseWriter(WholeDirectory):
    """A context in which a release is written into `path`; `finish` renames it to `out`, and without it no trace is left.

    Args:
        out: Directory of the release.
        overwrite: Replace an existing release.
        inputs: Files and directories that it is made of; see `WholeDirectory`.
        resume: A digest of what is being made. `work` is named after it and survives a run that fails, so that the next run
            with the same digest finds what is done; the caller tells complete files from incomplete ones. What it keeps for
            that lies in `work`, beside the release in `path`, until the release is in its place.
        or_alone: While another run is making the same, write in a directory of its own, which no later run resumes.

    Raises:
        InputError: `out` exists and is not an empty directory or a release to overwrite, or another run is making the same.
    """

    def __init__(
        self,
        out: str | Path,
        *,
        overwrite: bool = False,
        inputs: Iterable[str | os.PathLike[str]] = (),
        resume: str | None = None,
        or_alone: bool = False,
    ) -> None:
        super().__init__(out, RELEASE, overwrite=overwrite, inputs=inputs)
        self._given = local_path(out)
        self.keep = resume is not None
        if resume is not None:
            self.work = self.out.with_name(f".{self.out.name}.{resume[:16]}.work")
            self.path = self.work / "release"
        self.or_alone = or_alone
        self.run: RunRecord | None = None
        """What is recorded of a run that can be resumed."""
        self._lock: BaseFileLock | None = None

    @property
    def target(self) -> Target:
        """Where finished files go, if they are not written below `path`."""
        return LocalTarget(self.path)

    def state(self, settings: str) -> ShardStore:
        """The receipts of the shards that were made with these settings; see `ShardStore`."""
        return ShardStore(self.work / STATE, settings)

    @property
    def place(self) -> Place:
        """What the release is called in messages."""
        return self.out

    def release(self) -> Release:
        """The release that was written."""
        return Release(self._given)

    def _make(self) -> None:
        if not self.keep:
            self.work.mkdir()
            return
        self._lock = locked(self.work)
        if self._lock is None and not self.or_alone:
            raise InputError(f"{self.work}: another run is making the same release. Remedy: wait for it")
        if self._lock is None:
            self.keep, self.work = False, beside(self.out, "tmp")
            self.work.mkdir()
            self.path = self.work / "release"
        self.path.mkdir(exist_ok=True)

    def _drop(self) -> None:
        """Remove `work`. A run that begins meanwhile finds it as it was, locked, or not at all."""
        if self._lock is None:
            super()._drop()
            return
        aside = beside(self.out, "tmp")
        with suppress(OSError):  # a user has removed it
            self.work.rename(aside)
        remove(aside)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and self.keep and self.run is not None:
            self.run.end(error)
        super().__exit__(kind, error, trace)
        if self._lock is not None:
            self._lock.release()

    def record(self, command: str, options: Mapping[str, Any]) -> RunRecord:
        """Begin the record of a run: what it makes, and with which options."""
        self.run = RunRecord(self.work, command, options)
        return self.run

    def finish(self, files: dict[str, dict[str, Any]], about: dict[str, Any]) -> Place:
        """Write the card and the manifest, then rename the directory to `out`; its place.

        Args:
            files: Name -> entry of every shard, from `write_shard`.
            about: Other entries of the manifest: source, provenance, tokenizers, ...
        """
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "llmfusionbench", "version": _version.__version__},
            "tables": _tables(files),
            **about,
        }
        card = self.path / CARD
        card.write_text(release_card(manifest), encoding="utf-8")
        listed = {**files, card.name: {"bytes": card.stat().st_size, "sha256": sha256(card)}}
        manifest["files"] = listed
        if (fault := next(faults_of(manifest), None)) is not None:
            raise InputError(f"{self.place}: not written, because its manifest could not be read ({fault})")
        (self.path / MANIFEST).write_text(dump_manifest(manifest), encoding="utf-8")
        for name in list(unlisted(self.path, {MANIFEST, *listed})):  # of an earlier run, which was killed
            _remove(self.path / name)
        self._publish(listed)
        return self.place

    def _publish(self, listed: dict[str, dict[str, Any]]) -> None:
        for path in [self.path, *self.path.rglob("*")]:
            _sync(path)  # before the rename shows it
        self.put()
        _sync(self.out.parent)


def _tables(files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Rows by table and split."""
    tables: dict[str, Any] = {}
    for name, entry in files.items():
        table, slash, file = name.partition("/")
        if slash:  # else it holds the rejected records
            splits = tables.setdefault(table, {"splits": {}})["splits"]
            splits.setdefault(file.split("-")[0], {"rows": 0})["rows"] += entry["rows"]
    return tables


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def locked(work: Path) -> BaseFileLock | None:
    """The lock of a directory, which is made; None if another run has it.

    The system releases it when this process ends, even if it is killed.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(work / LOCK)
    while True:
        work.mkdir(exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except FileNotFoundError:  # the run that had it has just removed the directory
            continue
        except Timeout:
            return None
        return lock
