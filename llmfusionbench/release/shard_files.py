"""Parquet files of one table as a lazy Arrow dataset. The columns that a file of an older release lacks are filled in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import reduce
from operator import and_

import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from llmfusionbench.schema import table_schema


def shard_dataset(files: Iterable[str | os.PathLike[str]], table: str) -> ds.Dataset:
    """The rows of some files of a table, in the columns of its schema."""
    schema, form = table_schema(table).arrow, ds.ParquetFileFormat()
    return ds.FileSystemDataset([shard_fragment(f, table) for f in files], schema, form, LocalFileSystem())


def shard_fragment(file: str | os.PathLike[str], table: str) -> ds.ParquetFileFragment:
    """One file of a table, to be read by the schema of that table. A missing column is null, or has its default."""
    place = os.path.abspath(file)
    defaults = table_schema(table).defaults
    present = pq.read_schema(place).names if defaults else []
    lacking = [pc.field(name) == value for name, value in defaults.items() if name not in present]
    known = reduce(and_, lacking) if lacking else None  # Arrow fills the columns with what is known of all rows
    return ds.ParquetFileFormat().make_fragment(place, LocalFileSystem(), partition_expression=known)
