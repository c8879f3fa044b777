"""Writing a release: beside its place, then renamed into it, so that no moment shows half of one.

Bytes depend on the rows alone: no time, no host, no number of workers goes into a file.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench import _version
from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST, dump_manifest
from llmfusionbench.release.card import release_card
from llmfusionbench.schema import SCHEMA_VERSION, table_schema
from llmfusionbench.storage.directories import beside, check_place, clear_up, make_parents, put, remove, remove_empty
from llmfusionbench.storage.files import name_place, sha256

if TYPE_CHECKING:
    from filelock import BaseFileLock

ROW_GROUP_BYTES: Final = 8 * 2**20
"""Uncompressed size that a row group aims at: what a streaming reader holds at a time."""

_MIN_GROUP_ROWS, _MAX_GROUP_ROWS = 256, 65_536

_LOCK: Final = ".lock"


def shard_name(table: str, split: str, index: int, total: int) -> str:
    """Path of a shard within its release."""
    return f"{table}/{split}-{index:05d}-of-{total:05d}.parquet"


def write_shard(root: Path, name: str, rows: pa.Table, *, compression_level: int = 3) -> dict[str, Any]:
    """Write the rows of one table as the shard `name` (`table/split-...`) below `root`; its entry for the manifest."""
    schema = table_schema(name.split("/")[0])
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = rows.select(schema.arrow.names).cast(schema.arrow)
    per_row = max(1, rows.nbytes // max(1, rows.num_rows))
    group = min(max(ROW_GROUP_BYTES // per_row, _MIN_GROUP_ROWS), _MAX_GROUP_ROWS)
    with pq.ParquetWriter(
        path,
        schema.arrow,
        compression="zstd",
        compression_level=compression_level,
        use_dictionary=schema.dictionary_columns,
        write_page_index=True,
    ) as writer:
        if rows.num_rows:  # `datasets` cannot read a row group without rows
            writer.write_table(rows, row_group_size=group)
    return {"rows": rows.num_rows, "bytes": path.stat().st_size, "sha256": sha256(path)}


class ReleaseWriter:
    """A context in which a release is written into `path`; `finish` renames it to `out`, anything else leaves no trace.

    Args:
        out: Directory of the release.
        overwrite: Replace a release that is there.
        resume: A digest of what is being made. `path` is named after it and outlives a run that was cut short or failed, so
            that the next one with the same digest finds what is done; the caller tells whole files from half ones.

    Raises:
        InputError: `out` exists, and `overwrite` was not asked for; or it is something other than a release or empty; or
            another run is making the same.
    """

    def __init__(self, out: str | Path, *, overwrite: bool = False, resume: str | None = None) -> None:
        self.out = Path(os.path.realpath(out))  # a link to a release stays, and leads to the new one
        self.overwrite = overwrite
        self.resume = resume
        self.path = beside(self.out, "tmp") if resume is None else self.out.with_name(f".{self.out.name}.{resume[:16]}.work")
        self._lock: BaseFileLock | None = None
        self._parents: list[Path] = []

    def __enter__(self) -> ReleaseWriter:
        try:
            clear_up(self.out, MANIFEST)
            self._check()
            self._parents = make_parents(self.out)
            self.path.mkdir(exist_ok=self.resume is not None)
            if self.resume is not None:
                self._lock = _locked(self.path / _LOCK)
                if (self.path / MANIFEST).exists():  # a whole release, which a killed run was about to put in place or away
                    _empty(self.path, but=_LOCK)
        except OSError as error:
            raise InputError(f"{self.out}: cannot write there ({error.strerror or error}). Remedy: another --out") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._lock is not None:
            self._lock.release()
        if self.resume is None or error is None:
            remove(self.path)
        if error is not None:
            remove_empty(self._parents)
            name_place(error, self.out)

    def finish(self, files: dict[str, dict[str, Any]], about: dict[str, Any]) -> Path:
        """Write the card and the manifest, then rename the whole to `out`.

        Args:
            files: Name -> entry of every shard, from `write_shard`.
            about: What else the manifest says: source, provenance, tokenizers, ...
        """
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "llmfusionbench", "version": _version.__version__},
            "tables": _tables(files),
            **about,
        }
        card = self.path / "README.md"
        card.write_text(release_card(manifest), encoding="utf-8")
        listed = {**files, card.name: {"bytes": card.stat().st_size, "sha256": sha256(card)}}
        (self.path / MANIFEST).write_text(dump_manifest({**manifest, "files": listed}), encoding="utf-8")
        _flush(self.path)
        (self.path / _LOCK).unlink(missing_ok=True)
        put(self.path, self.out, self._check)
        _sync(self.out.parent)
        return self.out

    def _check(self) -> None:
        check_place(self.out, MANIFEST, overwrite=self.overwrite, kind="release")


def _tables(files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Rows by table and split."""
    tables: dict[str, Any] = {}
    for name, entry in files.items():
        table, slash, file = name.partition("/")
        if not slash:
            continue  # no shard: what was rejected
        splits = tables.setdefault(table, {"splits": {}})["splits"]
        split = splits.setdefault(file.split("-")[0], {"rows": 0})
        split["rows"] += entry["rows"]
    return tables


def _flush(root: Path) -> None:
    """Have the disk hold every file before the rename shows them."""
    for path in [root, *root.rglob("*")]:
        _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _empty(directory: Path, *, but: str) -> None:
    for child in directory.iterdir():
        if child.is_dir():
            shutil.rmtree(child)
        elif child.name != but:
            child.unlink()


def _locked(path: Path) -> BaseFileLock:
    """A lock on `path`, which the system lets go of when this process ends, however it does."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise InputError(f"{path.parent}: another run is making the same release. Remedy: wait for it") from error
    return lock
