"""The bytes of a row, counted as a naive reader counts them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

import llmfusionbench as lfb
from llmfusionbench.release.row_sizes import row_sizes
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
def test_the_rows_of_each_table_of_the_sample(table: str) -> None:
    schema, seen = table_schema(table), 0
    for batch in lfb.open_release("sample").table(table).to_batches():
        part = batch.slice(0, 300)
        expected = [sum(naive(row[field.name], field.type) for field in schema.arrow) for row in part.to_pylist()]
        assert row_sizes(part).tolist() == expected
        seen += len(expected)
    assert seen > 0


def test_codes_of_distinct_values_count_as_the_values() -> None:
    texts, numbers = pa.array(["é", None, "abc", "é", ""]), pa.array([1, 2, None, 1, 2])
    plain = pa.record_batch({"text": texts, "number": numbers})
    coded = pa.record_batch({"text": texts.dictionary_encode(), "number": numbers.dictionary_encode()})
    for start in range(5):
        assert row_sizes(coded.slice(start)).tolist() == row_sizes(plain.slice(start)).tolist()


def test_texts_in_lists_and_records_count() -> None:
    messages = [[{"role": "user", "content": "é" * 1_000}], None, [], [{"role": "user", "content": "x"}] * 3]
    kind = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    batch = pa.record_batch({"messages": pa.array(messages, kind), "text": pa.array(["", "ab", None, "cde"])})
    assert row_sizes(batch).tolist() == [8 + 20 + 2_000 + 8, 8 + 10, 8 + 8, 8 + 3 * 21 + 11]
    assert row_sizes(batch.slice(1, 2)).tolist() == [18, 16]
