"""The columnar check and jsonschema give the same verdict on any row, valid or not, of any table, from Arrow and from JSON."""

from __future__ import annotations

import functools
import json
import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.schema import SIDECARS, TABLES, json_types, table_schema
from llmfusionbench.validation import compile_schema, failing_rows, is_valid
from llmfusionbench.validation.rows import _to_batch

EVERY_TABLE = TABLES + SIDECARS

texts = st.one_of(st.sampled_from(["", " ", "\n", "a", "ok", "direct", "x_think", "é"]), st.text(max_size=5))
numbers = st.one_of(
    st.sampled_from([0, 1, -1, 0.5, 1.5, 2**53, 2**60, 10**30, 3.0, math.nan, math.inf, True]), st.floats(), st.integers()
)
junk = st.one_of(st.none(), st.booleans(), texts, numbers, st.lists(st.one_of(st.none(), texts, numbers), max_size=2))


def plausible(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that `schema` mostly admits."""
    options: list[st.SearchStrategy[Any]] = []
    for kind in json_types(schema):
        if kind == "null":
            options.append(st.none())
        elif "enum" in schema:
            options.append(st.sampled_from(schema["enum"]))
        elif kind == "string" and schema.get("pattern", "").startswith("^[0-9a-f]"):
            options.append(st.sampled_from(["0123456789abcdef01234567", "f" * 24, "0" * 24 + "\n", "F" * 24]))
        elif kind == "string":
            options.append(texts)
        elif kind == "integer":
            options.append(st.integers(-1, 10))
        elif kind == "number":
            options.append(st.sampled_from([0.0, 0.5, 1, 1.0, 2.5, -0.1]))
        elif kind == "array":
            options.append(st.lists(plausible(schema["items"]), max_size=3))
        elif kind == "object":
            options.append(st.fixed_dictionaries({k: plausible(v) for k, v in schema["properties"].items()}))
    return st.one_of(options)


@functools.cache  # what hypothesis finds out about a strategy, it finds out once
def json_rows(name: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows as JSON has them: any column may be anything, be absent, or be unknown."""
    table = table_schema(name)
    columns = {c.name: st.one_of(plausible(c.schema), plausible(c.schema), plausible(c.schema), junk) for c in table.columns}
    required = {name: s for name, s in columns.items() if name in table.json_schema["required"]}
    optional = {name: s for name, s in columns.items() if name not in required}
    row = st.one_of(
        st.fixed_dictionaries(required, optional=optional),
        st.fixed_dictionaries({}, optional={**columns, "unknown": junk}),
    )
    return st.lists(row, min_size=1, max_size=5)


@functools.cache
def arrow_rows(name: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows that the table's Arrow types can hold, values in and out of range, nulls anywhere."""
    columns = table_schema(name).columns
    row = {c.name: st.one_of(st.none(), plausible(c.schema), plausible(c.schema)) for c in columns}
    return st.lists(st.fixed_dictionaries(row), min_size=1, max_size=5)


@pytest.mark.parametrize("name", EVERY_TABLE)
@given(data=st.data())
def test_rows_of_json(name: str, data: st.DataObject) -> None:
    table = table_schema(name)
    rows = data.draw(json_rows(name))
    converted = _to_batch(0, rows, list(range(len(rows))), [], table)
    columnar = set(failing_rows(table.json_schema, converted.batch).tolist()) | converted.invalid.keys()
    assert columnar == {i for i, row in enumerate(rows) if not is_valid(name, {**table.defaults, **row})}


@pytest.mark.parametrize("dictionaries", [False, True])
@pytest.mark.parametrize("name", EVERY_TABLE)
@given(data=st.data())
def test_rows_of_arrow(name: str, dictionaries: bool, data: st.DataObject) -> None:
    table = table_schema(name)
    rows = data.draw(arrow_rows(name))
    schema = pa.schema([f.with_nullable(True) for f in table.arrow])
    batch = pa.Table.from_pylist(rows, schema=schema).combine_chunks().to_batches()[0]
    start = data.draw(st.integers(0, len(rows) - 1))
    batch = batch.slice(start)  # arrays with an offset are the ones that break
    if dictionaries:
        columns = [
            batch.column(n).dictionary_encode() if n in table.dictionary_columns else batch.column(n)
            for n in batch.schema.names
        ]
        batch = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    expected = [i for i, row in enumerate(batch.to_pylist()) if not is_valid(name, row)]
    assert failing_rows(table.json_schema, batch).tolist() == expected


@settings(max_examples=2 * settings().max_examples)
@given(data=st.data())
def test_columns_of_any_type(data: st.DataObject) -> None:
    """A column of another Arrow type than the schema's is judged by its values, like any."""
    table = table_schema("responses")
    kind = data.draw(
        st.sampled_from([pa.string(), pa.large_string(), pa.int8(), pa.uint32(), pa.float32(), pa.bool_(), pa.null()])
    )
    column = data.draw(st.sampled_from([c.name for c in table.columns]))
    values = {
        "string": texts, "large_string": texts, "int8": st.integers(-128, 127), "uint32": st.integers(0, 2**32 - 1),
        "float": st.floats(width=32), "bool": st.booleans(), "null": st.none(),
    }[str(kind)]  # fmt: skip
    array = pa.array(data.draw(st.lists(st.one_of(st.none(), values), min_size=1, max_size=4)), kind)
    check = compile_schema(table_schema("responses").json_schema["properties"][column])
    bad = check(array)
    from llmfusionbench.validation.explain import validator

    judge = validator(table.json_schema["properties"][column])
    expected = [not judge.is_valid(v) for v in array.to_pylist()]
    assert ([False] * len(array) if bad is None else bad.tolist()) == expected


def test_a_valid_row_of_every_table_is_valid() -> None:
    """The strategies above would agree on nothing but refusals if no row were ever valid."""
    key = {"query_id": "0" * 24, "llm": "a", "mode": "direct"}
    rows: dict[str, dict[str, Any]] = {
        "queries": {"query_id": "0" * 24, "task": "t", "domain": "d", "split": "train", "prompt": "p", "metric": "em"},
        "llms": {"llm": "a"},
        "responses": {**key, "status": "ok", "provenance": "imported"},
        "judge_scores": {**key, "judge": "j", "score": 1},
        "thought_templates": {
            "template_id": "1" * 24, "query_id": "0" * 24, "criterion": "judge", "pool": "all", "summarizer": "s",
            "template": "t", "sources": ["a_think"],
        },
        "logs": {
            **key, "task": "t", "domain": "d", "split": "test", "metric": "em", "status": "missing", "judges": [],
            "provenance": "simulated",
        },
        "routing": {"query_id": "0" * 24, "task": "t", "candidates": [{"candidate": "a", "performance": 0.5}]},
        "embeddings": {"query_id": "0" * 24, "embedded": "prompt", "embedding": [0.5, 1]},
    }  # fmt: skip
    assert rows.keys() == set(EVERY_TABLE)
    for name, row in rows.items():
        assert is_valid(name, table_schema(name).defaults | row), name
        converted = _to_batch(0, [json.loads(json.dumps(row))], [1], [], table_schema(name))
        assert not converted.invalid
        assert not len(failing_rows(table_schema(name).json_schema, converted.batch))
