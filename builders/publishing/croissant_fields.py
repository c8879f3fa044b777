"""The columns of a table as fields of Croissant: types, nested fields, keys, references and where their values lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from llmfusionbench.schema import Column, TableSchema, describe_schema, json_types, table_schema

SPLITS: Final = "splits"
"""The record set that names the splits."""
SPLIT: Final = "split"
"""The field of every table that states the split of a row, which is in the name of its file."""

_TYPES: Final = {
    pa.string(): "sc:Text",
    pa.bool_(): "sc:Boolean",
    pa.int64(): "cr:Int64",
    pa.float64(): "cr:Float64",
    pa.float32(): "cr:Float32",
}


def record_set(table: str, found: pa.Schema, others: set[str]) -> dict[str, Any]:
    """The record set of a table.

    Args:
        table: Its name.
        found: The Arrow schema of its files; columns that a release of an older version lacks are left out.
        others: The tables that fields can refer to.
    """
    schema = table_schema(table)
    columns = [column for column in schema.columns if column.name in found.names and column.name != SPLIT]
    fields = [_field(schema, column, found.field(column.name).type, others) for column in columns]
    return {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": table,
        "description": schema.description,
        "key": [{"@id": f"{table}/{name}"} for name in schema.key if name in found.names],
        "field": [split_field(table), *fields],
    }


def split_field(table: str) -> dict[str, Any]:
    """The split of a row, from the name of its file, so that a reader can choose the files of a split."""
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{SPLIT}",
        "name": SPLIT,
        "description": "The split that the row is in. Not null.",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": files_of(table)},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": rf"(?:{table}/)?(train|partial_test|test)(?:-.+\.parquet)?$"},  # readers apply it twice
        },
        "references": {"field": {"@id": f"{SPLITS}/name"}},
    }


def splits_record_set(splits: list[str]) -> dict[str, Any]:
    """The names of the splits, each a record."""
    return {
        "@type": "cr:RecordSet",
        "@id": SPLITS,
        "name": SPLITS,
        "description": "The splits of the tables.",
        "dataType": "cr:Split",
        "key": {"@id": f"{SPLITS}/name"},
        "field": [{"@type": "cr:Field", "@id": f"{SPLITS}/name", "name": "name", "dataType": "sc:Text"}],
        "data": [{f"{SPLITS}/name": split} for split in splits],
    }


def files_of(table: str) -> str:
    """The id of the set of files of a table."""
    return f"{table}-files"


def _field(schema: TableSchema, column: Column, kind: pa.DataType, others: set[str]) -> dict[str, Any]:
    place = f"{schema.name}/{column.name}"
    source = {"fileSet": {"@id": files_of(schema.name)}, "extract": {"column": column.name}}
    made: dict[str, Any] = {"@type": "cr:Field", "@id": place, "name": column.name}
    made["description"] = _described(column.description, column.schema)
    for foreign in schema.foreign_keys:
        if foreign.columns == (column.name,) and foreign.table in others:
            made["references"] = {"field": {"@id": f"{foreign.table}/{column.name}"}}
    return {**made, **_typed(place, kind, column.schema, source)}


def _typed(place: str, kind: pa.DataType, schema: dict[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """The type of a field, and where its values or those of its nested fields lie."""
    if pa.types.is_list(kind):
        inner = _typed(place, kind.value_type, schema.get("items", {}), source)
        return {"isArray": True, "arrayShape": "-1", **inner}
    if not pa.types.is_struct(kind):
        return {"dataType": _TYPES[kind], "source": dict(source)}
    parts = schema["properties"]
    return {
        "subField": [
            {
                "@type": "cr:Field",
                "@id": f"{place}/{part.name}",
                "name": part.name,
                "description": _described(parts[part.name]["description"], parts[part.name]),
                "dataType": _TYPES[part.type],
                "source": {**source, "transform": {"jsonPath": part.name}},
            }
            for part in kind
        ]
    }


def _described(description: str, schema: dict[str, Any]) -> str:
    """A description with the allowed values, the unit and whether a value may be missing: Croissant has no words for these."""
    unit = f" Unit: {schema['x-unit']}." if schema.get("x-unit") else ""
    values = f" Values: {describe_schema(schema)}." if "enum" in schema else ""
    return f"{description}{values}{unit} {'May be null.' if 'null' in json_types(schema) else 'Not null.'}"
