"""Parquet files of one table as a lazy Arrow dataset. The columns that a file of an older release lacks are filled in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import reduce
from operator import and_

import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem, LocalFileSystem

from llmfusionbench.schema import table_schema


def shard_dataset(files: Iterable[str | os.PathLike[str]], table: str, system: FileSystem | None = None) -> ds.Dataset:
    """The rows of some files of a table, in the columns of its schema. See `shard_fragment`."""
    fragments = [shard_fragment(f, table, system) for f in files]
    return ds.FileSystemDataset(fragments, table_schema(table).arrow, _form(system), system or LocalFileSystem())


def shard_fragment(file: str | os.PathLike[str], table: str, system: FileSystem | None = None) -> ds.ParquetFileFragment:
    """One file of a table, to be read by the schema of that table. A missing column is null, or has its default.

    Args:
        file: Its path.
        system: The file system of `file`, if it is not that of this machine. The checksums of its pages are then verified, if
            it has any.
    """
    place = os.path.abspath(file) if system is None else os.fspath(file)
    defaults = table_schema(table).defaults
    present = pq.read_schema(place, filesystem=system).names if defaults else []
    lacking = [pc.field(name) == value for name, value in defaults.items() if name not in present]
    known = reduce(and_, lacking) if lacking else None  # Arrow fills the columns with what is known of all rows
    return _form(system).make_fragment(place, system or LocalFileSystem(), partition_expression=known)


def by_row_group(rows: ds.FileSystemDataset) -> ds.FileSystemDataset:
    """The same rows with a fragment for each row group, which is what Arrow then holds and asks for at a time."""
    parts = [part for fragment in rows.get_fragments() for part in fragment.split_by_row_group() or [fragment]]
    return ds.FileSystemDataset(parts, rows.schema, rows.format, rows.filesystem)


def _form(system: FileSystem | None) -> ds.ParquetFileFormat:
    """How Parquet files are read. Elsewhere, the ranges of a file are asked for at once; its digest was not checked."""
    options = ds.ParquetFragmentScanOptions(pre_buffer=True, page_checksum_verification=system is not None)
    return ds.ParquetFileFormat(default_fragment_scan_options=options)
