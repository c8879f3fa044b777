"""The schemas: sound as JSON Schema, whole as documentation, and the one source of Arrow types, features and the card."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

import llmfusionbench as lfb
from llmfusionbench.errors import SchemaError, UnknownNameError
from llmfusionbench.release import ReleaseWriter, write_shard
from llmfusionbench.release.card_parts import columns_markdown
from llmfusionbench.release.writer import shard_name
from llmfusionbench.schema import (
    SCHEMA_VERSION,
    SIDECARS,
    TABLES,
    check_version,
    describe_schema,
    json_types,
    load_json,
    parse_table,
    table_schema,
)
from llmfusionbench.validation import compile_schema

EVERY_TABLE = TABLES + SIDECARS
PROJECT = Path(__file__).parents[1]
DIMENSIONLESS = {"embedding[]", "sampling.temperature", "sampling.seed"}
"""Numbers that have neither a unit nor a range."""
NULL_IN_KEY = {("judge_scores", "opponent"), ("judge_scores", "order")}
"""Columns of a key in which null is a value: the answer was judged alone."""


@pytest.mark.parametrize("name", EVERY_TABLE)
def test_is_a_valid_schema(name: str) -> None:
    schema = load_json(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == name
    assert schema["x-version"] == SCHEMA_VERSION
    assert schema["$id"].endswith(f":{name}:{SCHEMA_VERSION}")
    assert schema["additionalProperties"] is False
    compile_schema(schema)


def test_every_file_is_a_table() -> None:
    assert {p.stem for p in (PROJECT / "schemas").glob("*.json")} == set(EVERY_TABLE)


def numbers_in(place: str, schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The numeric parts of a column's schema."""
    found = [(place, schema)] if {"number", "integer"} & set(json_types(schema)) else []
    found += numbers_in(f"{place}[]", schema["items"]) if "items" in schema else []
    for name, inner in schema.get("properties", {}).items():
        found += numbers_in(f"{place}.{name}", inner)
    return found


@pytest.mark.parametrize("name", EVERY_TABLE)
def test_every_column_says_what_it_is(name: str) -> None:
    table = table_schema(name)
    assert len(table.description) > 20
    for column in table.columns:
        assert len(column.description) >= 10, column.name
        assert column.description.endswith("."), column.name
        for place, numeric in numbers_in(column.name, column.schema):
            if place in DIMENSIONLESS:
                continue
            assert numeric.get("x-unit"), f"{name}.{place} has no unit"
            assert "minimum" in numeric, f"{name}.{place} may be negative"
        for inner in column.schema.get("items", {}).get("properties", {}).values():
            assert len(inner["description"]) > 10


@pytest.mark.parametrize("name", EVERY_TABLE)
def test_keys_and_references_exist(name: str) -> None:
    table = table_schema(name)
    columns = {c.name: c for c in table.columns}
    assert table.key
    for column in table.key:
        assert not columns[column].nullable or (name, column) in NULL_IN_KEY, column
    for foreign in table.foreign_keys:
        other = table_schema(foreign.table)
        assert set(foreign.columns) <= columns.keys()
        assert foreign.columns == other.key
        for column in foreign.columns:
            assert columns[column].arrow_type == next(c.arrow_type for c in other.columns if c.name == column)
    if table.view_of is not None:
        assert table.view_of in TABLES


@pytest.mark.parametrize("name", EVERY_TABLE)
def test_required_is_what_may_not_be_null(name: str) -> None:
    table = table_schema(name)
    assert table.json_schema["required"] == [c.name for c in table.columns if not c.nullable]
    assert {c for c in table.key if (name, c) not in NULL_IN_KEY} <= set(table.json_schema["required"])


def test_required_that_is_not_what_may_not_be_null_is_refused() -> None:
    schema = copy.deepcopy(load_json("judge_scores"))
    schema["required"].remove("judge")
    with pytest.raises(SchemaError, match=r"schemas/judge_scores\.json: required is .*expected .*'judge'"):
        parse_table(schema)


@pytest.mark.parametrize("kind", [["string", "number"], "null", "quantity", []])
def test_a_type_without_an_arrow_type_is_refused(kind: Any) -> None:
    schema = copy.deepcopy(load_json("judge_scores"))
    schema["properties"]["reason"]["type"] = kind
    schema["required"] = [n for n, p in schema["properties"].items() if "null" not in json_types(p)]
    with pytest.raises(SchemaError, match="reason"):
        parse_table(schema)


@pytest.mark.parametrize(
    "keyword", ["const", "multipleOf", "exclusiveMinimum", "uniqueItems", "oneOf", "format", "else", "maxItems"]
)
def test_a_keyword_that_the_compiler_does_not_know_is_refused(keyword: str) -> None:
    with pytest.raises(SchemaError, match=f"unknown keyword {keyword}"):
        compile_schema({keyword: 1})
    with pytest.raises(SchemaError, match=rf"^a\.b\[\]: unknown keyword {keyword}"):
        compile_schema({"properties": {"a": {"properties": {"b": {"items": {keyword: 1}}}}}})


@pytest.mark.parametrize("name", EVERY_TABLE)
def test_arrow_and_features_agree(name: str) -> None:
    table = table_schema(name)
    assert table.arrow.names == [c.name for c in table.columns] == list(table.features)
    assert [f.nullable for f in table.arrow] == [c.nullable for c in table.columns]
    assert {f.name: f.type for f in table.features.arrow_schema} == {f.name: f.type for f in table.arrow}
    assert set(table.dictionary_columns) <= set(table.arrow.names)


def test_types() -> None:
    responses = {f.name: f.type for f in table_schema("responses").arrow}
    assert responses["query_id"] == pa.string()
    assert responses["input_tokens"] == pa.int64()
    assert responses["performance"] == pa.float64()
    assert table_schema("queries").arrow.field("choices").type == pa.list_(pa.string())
    assert table_schema("embeddings").arrow.field("embedding").type == pa.list_(pa.float32())
    assert table_schema("routing").arrow.field("candidates").type == pa.list_(
        pa.struct(
            {
                "candidate": pa.string(),
                "performance": pa.float64(),
                "cost_usd": pa.float64(),
                "judge_score": pa.float64(),
                "replicates": pa.int64(),
                "failures": pa.int64(),
                "scored": pa.int64(),
            }
        )
    )


@pytest.mark.parametrize("name", ["response", "", "../queries", "queries.json"])
def test_no_such_table(name: str) -> None:
    with pytest.raises(UnknownNameError, match=re.escape(f'No table "{name}".')):
        table_schema(name)


def test_nearest_table_is_named() -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "responses"'):
        table_schema("response")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number from 0 to 1"),
        ({"type": ["integer", "null"], "minimum": 0, "maximum": 2**53 - 1}, "integer of at least 0 or null"),
        ({"type": "string", "enum": ["a", "b"]}, "`a` or `b`"),
        ({"type": ["string", "null"], "enum": ["a", None]}, "`a` or null"),
        ({"type": ["array", "null"], "items": {"type": "string"}}, "list of string or null"),
        ({"type": "object", "properties": {"a": {"type": "number"}}}, "{a: number}"),
        ({"type": "string", "pattern": "^a$"}, "string matching `^a$`"),
        ({"type": "string", "not": {"pattern": "b$"}}, "string not matching `b$`"),
    ],
)
def test_schemas_in_words(schema: dict[str, Any], words: str) -> None:
    assert describe_schema(schema) == words


# --- the card


def test_every_column_is_in_the_card() -> None:
    text = columns_markdown()
    for name in TABLES:
        table = table_schema(name)
        assert f"### {name}\n\n{table.description}" in text
        for column in table.columns:
            assert re.search(rf"^\| (\*\*)?{column.name}(\*\*)? \| ", text, re.MULTILINE)


# --- versions


@pytest.mark.parametrize("version", ["2.0", "2.7", "1.0", "0.9"])
def test_versions_that_can_be_read(version: str) -> None:
    check_version(version, "here")


@pytest.mark.parametrize("version", ["3.0", "10.0", "3.0.1"])
def test_a_newer_major_version_is_refused_with_the_remedy(version: str) -> None:
    with pytest.raises(SchemaError, match=rf"here: schema_version is {re.escape(version)}.*Remedy: pip install --upgrade"):
        check_version(version, "here")


@pytest.mark.parametrize("version", [None, 1, 1.0, "", "one", "1", ".", "-1.0", "²", "²․0", "9" * 5000, ["1.0"], "1.0\x1b[31m"])
def test_what_is_no_version_is_refused(version: object) -> None:
    with pytest.raises(SchemaError, match=r'here: schema_version is .*, expected a string such as "2\.1"') as caught:
        check_version(version, "here")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_release_of_a_newer_version(tmp_path: Path) -> None:
    with ReleaseWriter(tmp_path / "release") as writer:
        files = {}
        for table in TABLES:
            name = shard_name(table, "train", 0, 1)
            files[name] = write_shard(writer.path, name, table_schema(table).arrow.empty_table())
        writer.finish(files, {})
    place = tmp_path / "release" / "manifest.json"
    assert lfb.validate(tmp_path / "release") == []
    place.write_text(json.dumps(json.loads(place.read_text()) | {"schema_version": "3.0"}))
    with pytest.raises(SchemaError, match=r"manifest\.json: schema_version is 3\.0.*reads up to 2\.x\. Remedy: pip install"):
        lfb.open_release(tmp_path / "release")
    (issue,) = lfb.validate(tmp_path / "release")
    assert (issue.file, issue.row, issue.column) == ("manifest.json", None, None)
    assert str(issue.value).startswith("schema_version is 3.0, but this version reads up to 2.x. Remedy: pip install")


@pytest.mark.parametrize("table", ["responses", "logs"])
def test_no_cost_is_beyond_single_precision(table: str) -> None:
    """Neither one that a log states, nor one that is made of tokens and prices."""
    columns = table_schema(table).json_schema["properties"]
    prices = table_schema("llms").json_schema["properties"]
    high, price = columns["cost_usd"]["maximum"], prices["input_price"]["maximum"]
    assert 2 * columns["input_tokens"]["maximum"] * price / 1e6 < high < np.finfo(np.float32).max / 100
    assert prices["output_price"]["maximum"] == price
