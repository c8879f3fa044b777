"""Parquet that holds what is no text, or texts in a layout of its own, read by the sources that take Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.reading.parquet import readable_rows
from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.sources.embedllm import EmbedLLM
from llmfusionbench.builders.sources.fusionbench import FusionBench
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.errors import InputError
from tests.helpers.reading import Read, read


def raw(*values: bytes) -> pa.Array:
    """A column of strings of any bytes."""
    ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(b"".join(values)))


def table_of(path: Path, **columns: Any) -> Read:
    pq.write_table(pa.table({"prompt": ["A?", "B?", "C?"], "llm": ["m", "m", "m"]} | columns), path)
    return read(Table(), path)


def log_of(path: Path, **columns: Any) -> Read:
    queries = {"task_name": ["t"] * 3, "query": ["A?", "B?", "C?"], "llm": ["m"] * 3, "metric": ["em"] * 3}
    pq.write_table(pa.table(queries | columns), path)
    return read(FusionBench(split="train"), path)


@pytest.mark.parametrize("reader", [table_of, log_of])
@pytest.mark.parametrize("encoded", [False, True])
def test_a_cell_that_is_not_utf8_costs_its_record_alone(tmp_path: Path, reader: Any, encoded: bool) -> None:
    cells = raw(b"x", b"caf\xe9", b"z")
    found = reader(tmp_path / "a.parquet", response=cells.dictionary_encode() if encoded else cells)
    assert [row["response"] for row in found.rows] == ["x", "z"]
    assert [row["row"] for row in found.rows] == [0, 2]
    assert found.reasons == [("a.parquet", 1, 'column "response" is not UTF-8 at byte 3 of the cell')]


@pytest.mark.parametrize("reader", [table_of, log_of])
@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()], ids=str
)
def test_texts_in_any_layout(tmp_path: Path, reader: Any, kind: pa.DataType) -> None:
    found = reader(tmp_path / "a.parquet", response=pa.array(["x", "\u00e9", ""]).cast(kind))
    assert [row["response"] for row in found.rows] == ["x", "\u00e9", ""]
    assert found.rejected == []


def test_bytes_of_a_log_that_are_no_text(tmp_path: Path) -> None:
    found = log_of(tmp_path / "a.parquet", response=pa.array([b"x", b"\xff", None]))
    assert [(row["row"], row["response"]) for row in found.rows] == [(0, "x"), (2, "")]
    assert found.reasons == [("a.parquet", 1, 'column "response" is not UTF-8 at byte 0 of the cell')]


def test_structures_where_a_log_has_texts(tmp_path: Path) -> None:
    found = log_of(tmp_path / "a.parquet", response=pa.array([{"a": 1}, None, {"a": None}]))
    assert [row["response"] for row in found.rows] == ['{"a": 1}', "", '{"a": null}']


def test_lists_with_a_text_that_is_not_utf8() -> None:
    choices = pa.ListArray.from_arrays(pa.array([0, 1, 3, 3]), raw(b"a", b"b", b"\xff"))
    parts = list(readable_rows(pa.record_batch({"choices": choices}), "f", 10))
    assert [p if isinstance(p, Rejected) else p.to_pylist() for p in parts] == [
        [{"choices": ["a"]}],
        Rejected("f", 11, 'column "choices" is damaged, or holds text that is not UTF-8', {}),
        [{"choices": []}],
    ]


@pytest.mark.parametrize("source", [Table(), FusionBench(split="train")])
def test_the_name_of_a_column_that_is_not_utf8(tmp_path: Path, source: Any) -> None:
    path = tmp_path / "a.parquet"
    columns = {"task_name": ["t"], "query": ["A?"], "prompt": ["A?"], "llm": ["m"], "qqqqqq": ["x"]}
    pq.write_table(pa.table(columns), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"qqqqqq", b"qqq\xffqq"))
    with pytest.raises(InputError, match=r"a\.parquet: .*can't decode byte 0xff"):
        read(source, path)


def test_labels_of_odd_types(tmp_path: Path) -> None:
    columns = {"prompt_id": ["1", "2"], "model_name": ["m", "m"], "category": ["c", "c"], "prompt": ["A?", "B?"]}
    path = tmp_path / "train.parquet"
    pq.write_table(pa.table(columns | {"label": pa.array(["1", "x"]).cast(pa.string_view())}), path)
    found = read(EmbedLLM(), path)
    assert [(row["prompt"], row["performance"]) for row in found.rows] == [("A?", 1.0)]
    assert [(row, reason.partition(",")[2]) for _, row, reason in found.reasons] == [(1, " expected 0 or 1, or nothing")]
    pq.write_table(pa.table(columns | {"label": pa.array([1, 2**64 - 1], pa.uint64())}), path)
    with pytest.raises(InputError, match=r"label \(performance\) has 2 values from 1 to 1.84467e\+19, of which 1"):
        build("embedllm", [path], tmp_path / "out")
