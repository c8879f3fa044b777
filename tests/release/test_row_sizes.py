"""The bytes of a row, counted as a naive reader counts them, and the largest row of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.release.row_sizes import LargestRow, largest_row, row_sizes
from llmfusionbench.schema import TABLES, table_schema


def naive(value: Any, kind: pa.DataType) -> int:
    """Bytes of a value: 8 for a number and for the place of a text or of a list, 1 for a truth value, and the text itself."""
    if pa.types.is_struct(kind):
        return sum(naive(None if value is None else value[field.name], field.type) for field in kind)
    if pa.types.is_list(kind):
        return 8 + sum(naive(item, kind.value_type) for item in value or ())
    if pa.types.is_string(kind):
        return 8 + len((value or "").encode())
    return -(-kind.bit_width // 8)


@pytest.mark.parametrize("table", TABLES)
def test_the_largest_row_of_each_table_of_the_sample(table: str) -> None:
    release, schema = lfb.open_release("sample"), table_schema(table)
    rows = release.table(table)
    sizes = {
        tuple(row[column] for column in schema.key): sum(naive(row[field.name], field.type) for field in schema.arrow)
        for batch in rows.to_batches()
        for row in batch.slice(0, 300).to_pylist()
    }
    found = largest_row(rows, schema.key)
    assert found.bytes >= max(sizes.values())
    assert sizes.get(found.key, found.bytes) == found.bytes
    for batch in rows.to_batches():
        own = row_sizes(batch.slice(0, 300))
        keys = zip(*(batch.slice(0, 300)[column].to_pylist() for column in schema.key), strict=True)
        assert own.tolist() == [sizes[key] for key in keys]


def test_texts_in_lists_and_records_count() -> None:
    messages = [[{"role": "user", "content": "é" * 1_000}], None, [], [{"role": "user", "content": "x"}] * 3]
    kind = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    batch = pa.record_batch({"messages": pa.array(messages, kind), "text": pa.array(["", "ab", None, "cde"])})
    assert row_sizes(batch).tolist() == [8 + 20 + 2_000 + 8, 8 + 10, 8 + 8, 8 + 3 * 21 + 11]
    assert row_sizes(batch.slice(1, 2)).tolist() == [18, 16]


def test_it_is_found_in_any_file_and_row_group(tmp_path: Path) -> None:
    for number in range(3):
        texts = ["x" * (2_500_000 if (number, row) == (1, 7) else 10) for row in range(10)]
        table = pa.table({"query_id": [f"{number}{row}" for row in range(10)], "llm": ["a"] * 10, "response": texts})
        pq.write_table(table, tmp_path / f"{number}.parquet", row_group_size=3)
    found = largest_row(ds.dataset(tmp_path), ("query_id", "llm"))
    assert found == LargestRow(2_500_000 + 8 + 10 + 9, ("17", "a"))


def test_the_first_of_several() -> None:
    table = ds.InMemoryDataset(pa.table({"key": ["a", "b", "c"], "text": ["x", "yyy", "zzz"]}))
    assert largest_row(table, ["key"]).key == ("b",)


def test_a_table_without_rows() -> None:
    assert largest_row(ds.InMemoryDataset(table_schema("logs").arrow.empty_table()), ["query_id"]) == LargestRow(0, ())
