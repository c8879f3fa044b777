"""A small release for tests, written by the real writer: values made up by column, so that every table is filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from llmfusionbench.release import ReleaseWriter, write_shard
from llmfusionbench.schema import TABLES, Column, table_schema

TRAIN, TEST = 30, 6


def write_small_release(out: Path, *, train: int = TRAIN, salt: str = "") -> Path:
    """A release with splits `train` (two shards a table) and `test`; nothing is judged in `test`.

    `salt` goes into every text, so that two releases of the same shape differ.
    """
    with ReleaseWriter(out, overwrite=True) as writer:
        files = {}
        for table in TABLES:
            half = train // 2
            shards = {
                "train-00000-of-00002": range(half),
                "train-00001-of-00002": range(half, train),
                "test-00000-of-00001": range(0 if table == "judge_scores" else TEST),
            }
            if table == "llms":
                shards = {"train-00000-of-00001": range(train)}
            for shard, numbers in shards.items():
                name = f"{table}/{shard}.parquet"
                files[name] = write_shard(writer.path, name, rows(table, numbers, salt))
        writer.finish(files, {"source": {"name": "test"}, "provenance": ["simulated"]})
    return out


def rows(table: str, numbers: range, salt: str = "") -> pa.Table:
    """Rows of a table with these numbers in their texts."""
    schema = table_schema(table)
    columns = {c.name: pa.array([_value(c, c.arrow_type, n, salt) for n in numbers], c.arrow_type) for c in schema.columns}
    return pa.table(columns, schema=schema.arrow)


def _value(column: Column, arrow_type: pa.DataType, number: int, salt: str) -> Any:
    if pa.types.is_list(arrow_type):
        return [_value(column, arrow_type.value_type, number, salt)] * 2
    if pa.types.is_struct(arrow_type):
        return {field.name: _value(column, field.type, number, salt) for field in arrow_type}
    if pa.types.is_string(arrow_type):
        return f"{column.name} {number:03d}{salt}"
    if column.nullable and number % 5 == 0:
        return None
    return number if pa.types.is_integer(arrow_type) else number / 100
