"""Parquet columns as other programs write them: of any type, twice, in chunks, with broken text."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.schema import table_schema

ID = "0" * 24
VALID = {"query_id": [ID], "llm": ["a"], "mode": ["direct"], "status": ["ok"], "provenance": ["imported"]}


def issues(path: Path, columns: dict[str, Any]) -> list[str]:
    names, arrays = list(columns), [v if isinstance(v, pa.Array) else pa.array(v) for v in columns.values()]
    pq.write_table(pa.Table.from_arrays(arrays, names), path / "responses.parquet")
    return [str(i).removeprefix("responses.parquet") for i in lfb.validate(path / "responses.parquet")]


def test_nullable_columns_may_be_absent_from_a_single_file(tmp_path: Path) -> None:
    assert issues(tmp_path, VALID) == []


SAME_VALUES = [
    pa.array(["4"], pa.large_string()),
    pa.array(["4"]).dictionary_encode(),
    pa.array(["4"], pa.large_string()).dictionary_encode(),
    pa.array([None], pa.null()),
]


@pytest.mark.parametrize("array", SAME_VALUES, ids=lambda a: str(a.type).partition("<")[0])
def test_text_in_other_layouts(tmp_path: Path, array: pa.Array) -> None:
    assert issues(tmp_path, VALID | {"response": array}) == []


@pytest.mark.parametrize(
    "array",
    [pa.array([1], t) for t in (pa.int8(), pa.uint64(), pa.float32(), pa.float16())] + [pa.array([None], pa.null())],
    ids=lambda a: str(a.type),
)
def test_numbers_in_other_layouts(tmp_path: Path, array: pa.Array) -> None:
    assert issues(tmp_path, VALID | {"performance": array, "input_tokens": array}) == []


@pytest.mark.parametrize(
    ("array", "shown"),
    [
        (pa.array([b"4"]), "binary"),
        (pa.array([b"4"], pa.large_binary()), "large_binary"),
        (pa.array([b"4"], pa.binary(1)), "fixed_size_binary[1]"),
        (pa.array(["4"], pa.string_view()), "string_view"),
        (pa.array([datetime.date(2025, 1, 1)]), "date32[day]"),
        (pa.array([datetime.datetime(2025, 1, 1)]), "timestamp[us]"),
        (pa.array([datetime.timedelta(1)]), "duration[us]"),
        (pa.array([decimal.Decimal("0.5")]), "decimal128(1, 1)"),
        (pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string())), "map<string, string"),
        (pa.array([[0.5, 1]], pa.list_(pa.float32(), 2)), "fixed_size_list<"),
        (pa.array([[datetime.date(2025, 1, 1)]]), "list<"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_json_has_not_is_said_once(tmp_path: Path, array: pa.Array, shown: str) -> None:
    """Of a column that is needed, and of one that is not, in a file of many rows."""
    many = {name: pa.array(values * 50) for name, values in VALID.items()} | {"query_id": [f"{i:024x}" for i in range(50)]}
    columns = many | {"response": pa.concat_arrays([array] * 50)}
    (found,) = issues(tmp_path, columns)
    assert found.startswith(f": response is of type {shown}")
    assert found.endswith(", expected string")
    (found,) = issues(tmp_path, many | {"llm": pa.concat_arrays([array] * 50)})
    assert found.startswith(f": llm is of type {shown}")


@pytest.mark.parametrize(
    ("values", "shown"),
    [([True], "true"), ([["4"]], "['4']"), ([{"a": 1}], "{'a': 1}"), ([7], "7")],
)
def test_values_of_another_type_are_said_row_by_row(tmp_path: Path, values: list[Any], shown: str) -> None:
    assert issues(tmp_path, VALID | {"response": values}) == [f" row 0: response is {shown}, expected string or null"]


@pytest.mark.parametrize(
    "array", [pa.array([7]), pa.array([["a"]]), pa.array([{"a": 1}]), pa.array([0.5]), pa.array([True])], ids=str
)
def test_keys_of_another_type(tmp_path: Path, array: pa.Array) -> None:
    found = issues(tmp_path, VALID | {"llm": array})
    assert len(found) == 1
    assert found[0].startswith(" row 0: llm is ")


def test_columns_there_twice(tmp_path: Path) -> None:
    table = pa.Table.from_pydict(VALID)
    pq.write_table(table.append_column("llm", pa.array(["b"])), tmp_path / "responses.parquet")
    assert [str(i) for i in lfb.validate(tmp_path / "responses.parquet")] == [
        "responses.parquet: llm is there 2 times, expected one column"
    ]
    pq.write_table(table.slice(0, 0).append_column("llm", pa.array([], pa.string())), tmp_path / "responses.parquet")
    assert len(lfb.validate(tmp_path / "responses.parquet")) == 1


def test_columns_unknown_and_missing(tmp_path: Path) -> None:
    columns = {k: v for k, v in VALID.items() if k != "mode"} | {"answer": ["4"], "\x1b[31m": ["x"]}
    found = issues(tmp_path, columns)
    assert [f.partition(", expected")[0] for f in found] == [
        ": mode is missing",
        ': "\\x1b[31m" is unknown',
        ': "answer" is unknown',
    ]


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    good, bad = b"caf\xc3\xa9", b"caf\xe9 \x00"
    broken = pa.StringArray.from_buffers(
        3, pa.array(np.array([0, 5, 11, 11], np.int32)).buffers()[1], pa.py_buffer(good + bad), pa.py_buffer(b"\x03")
    )
    many = {name: values * 3 for name, values in VALID.items()} | {"query_id": [f"{i:024x}" for i in range(3)]}
    assert issues(tmp_path, many | {"response": broken}) == [" row 1: response is byte 0xe9 at 3, expected UTF-8"]
    assert issues(tmp_path, many | {"status": broken})[0] == " row 1: status is byte 0xe9 at 3, expected UTF-8"


def test_numbers_beyond_what_floats_hold(tmp_path: Path) -> None:
    many = {name: values * 3 for name, values in VALID.items()} | {"query_id": [f"{i:024x}" for i in range(3)]}
    tokens = pa.array([2**53 - 1, 2**53, 2**64 - 1], pa.uint64())
    assert [f.partition(", expected")[0] for f in issues(tmp_path, many | {"input_tokens": tokens})] == [
        " row 1: input_tokens is 9007199254740992",
        " row 2: input_tokens is 18446744073709551615",
    ]
    scores = pa.array([float("nan"), float("inf"), None])
    assert [f.partition(", expected")[0] for f in issues(tmp_path, many | {"performance": scores})] == [
        " row 0: performance is nan",
        " row 1: performance is inf",
    ]


def test_a_file_of_no_row_groups(tmp_path: Path) -> None:
    with pq.ParquetWriter(tmp_path / "responses.parquet", table_schema("responses").arrow):
        pass
    assert lfb.validate(tmp_path / "responses.parquet") == []
    with pq.ParquetWriter(tmp_path / "responses.parquet", pa.schema({"llm": pa.string()})):
        pass
    assert {i.value for i in lfb.validate(tmp_path / "responses.parquet")} == {None}
    assert len(lfb.validate(tmp_path / "responses.parquet")) == 4


def test_empty_and_odd_files(tmp_path: Path) -> None:
    for data in (b"", b"PAR1", b"PAR1PAR1", b"PAR1" + b"\xff" * 100 + b"PAR1"):
        (tmp_path / "responses.parquet").write_bytes(data)
        (issue,) = lfb.validate(tmp_path / "responses.parquet")
        assert issue.expected == "a complete, readable file"
