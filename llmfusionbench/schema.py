"""The tables, read from the JSON Schemas in schemas/: columns, keys, Arrow schemas, features and documentation.

The JSON files are the only place where a column is defined. What a value must be is checked in `validation`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pyarrow as pa

from llmfusionbench.errors import SchemaError, UnknownNameError

if TYPE_CHECKING:
    import datasets

SCHEMA_VERSION: Final = "2.1"
"""`major.minor` of the schemas. A release with a newer major version cannot be opened."""

TABLES: Final = ("queries", "llms", "responses", "judge_scores", "thought_templates", "logs", "routing")
"""The tables of every release, each a configuration of the dataset. `logs` and `routing` are views of the others."""

SIDECARS: Final = ("embeddings",)
"""Tables that a release has only if its source came with them; not configurations of the dataset."""

SCHEMA_FILES: Final = {name: f"schemas/{name}.json" for name in (*TABLES, *SIDECARS)}
"""Table -> path of its JSON Schema within a published release."""

_VERSION: Final = re.compile(r"([0-9]{1,6})(\.[0-9]{1,6}){1,2}")
_ARROW_TYPES: Final = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}


@dataclass(frozen=True)
class Column:
    """One column of a table, as its schema defines it."""

    name: str
    arrow_type: pa.DataType
    nullable: bool
    description: str
    unit: str | None
    dictionary: bool
    """Whether few values fill many rows, so that dictionary encoding saves space."""
    default: int | None
    """The value in releases of an older version, which lack the column; None for null."""
    schema: dict[str, Any]


@dataclass(frozen=True)
class ForeignKey:
    """Columns whose values must occur as the key of another table, under the same names."""

    columns: tuple[str, ...]
    table: str


@dataclass(frozen=True)
class TableSchema:
    """A table: the parsed JSON Schema and what is derived from it."""

    name: str
    description: str
    key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    columns: tuple[Column, ...]
    view_of: str | None
    json_schema: dict[str, Any]

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema: every column, in order, with its nullability."""
        return pa.schema([pa.field(c.name, c.arrow_type, nullable=c.nullable) for c in self.columns])

    @property
    def features(self) -> datasets.Features:
        """The same as `datasets.Features`."""
        import datasets

        return datasets.Features.from_arrow_schema(self.arrow)

    @property
    def dictionary_columns(self) -> list[str]:
        return [c.name for c in self.columns if c.dictionary]

    @property
    def defaults(self) -> dict[str, int]:
        """The columns that are not null where an older release lacks them, each with its value there."""
        return {c.name: c.default for c in self.columns if c.default is not None}

    def markdown(self) -> str:
        """The columns as a Markdown table, for the dataset card."""
        lines = ["| column | type | unit | description |", "|---|---|---|---|"]
        for c in self.columns:
            name = f"**{c.name}**" if c.name in self.key else c.name
            lines.append(f"| {name} | {describe_schema(c.schema)} | {c.unit or ''} | {c.description} |")
        return "\n".join(lines)


def load_json(name: str) -> dict[str, Any]:
    """The JSON Schema of a table, from schemas/."""
    if name not in TABLES + SIDECARS:
        raise UnknownNameError("table", name, TABLES + SIDECARS)
    schema: dict[str, Any] = json.loads(resources.files("llmfusionbench.schemas").joinpath(f"{name}.json").read_bytes())
    return schema


@cache
def table_schema(name: str) -> TableSchema:
    """The schema of table `name`. Raises UnknownNameError for an unknown table."""
    return parse_table(load_json(name))


def parse_table(schema: dict[str, Any]) -> TableSchema:
    """Read the columns, keys and types out of a JSON Schema.

    Raises:
        SchemaError: `required` does not list exactly the columns that may not be null, or a type has no Arrow counterpart.
    """
    name = schema["title"]
    columns = tuple(
        Column(
            name=column,
            arrow_type=_arrow_type(column, sub),
            nullable="null" in json_types(sub),
            description=sub["description"],
            unit=sub.get("x-unit"),
            dictionary=sub.get("x-dictionary", False),
            default=sub.get("default"),
            schema=sub,
        )
        for column, sub in schema["properties"].items()
    )
    filled = [c.name for c in columns if not c.nullable]
    if schema["required"] != filled:
        raise SchemaError(
            f"schemas/{name}.json: required is {schema['required']}, expected {filled}, all columns that are not nullable"
        )
    return TableSchema(
        name=name,
        description=schema["description"],
        key=tuple(schema["x-key"]),
        foreign_keys=tuple(ForeignKey(tuple(f["columns"]), f["table"]) for f in schema.get("x-foreign-keys", ())),
        columns=columns,
        view_of=schema.get("x-view-of"),
        json_schema=schema,
    )


def json_types(schema: dict[str, Any]) -> tuple[str, ...]:
    """The JSON types that `schema` allows; empty if it does not restrict them."""
    kind = schema.get("type", ())
    return (kind,) if isinstance(kind, str) else tuple(kind)


def describe_schema(schema: dict[str, Any]) -> str:
    """What a value of `schema` may be, in a few words: its own, if it has any."""
    if "x-words" in schema:
        return str(schema["x-words"])
    *types, null = *(t for t in json_types(schema) if t != "null"), "null" in json_types(schema)
    if "enum" in schema:
        text = " or ".join(f"`{value}`" for value in schema["enum"] if value is not None)
    elif types == ["array"]:
        text = f"list of {describe_schema(schema['items'])}"
    elif types == ["object"]:
        text = "{" + "; ".join(f"{k}: {describe_schema(v)}" for k, v in schema["properties"].items()) + "}"
    else:
        text = " or ".join(types)
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and high < 2**53 - 1:
        text += f" from {low} to {high}"
    elif low is not None:
        text += f" of at least {low}"
    if "pattern" in schema:
        text += f" matching `{schema['pattern']}`"
    if "pattern" in schema.get("not", {}):
        text += f" not matching `{schema['not']['pattern']}`"
    return text + " or null" * null


Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def with_defaults(rows: Rows, table: TableSchema) -> Rows:
    """`rows` of a table of an older release, with the columns of the key, and those that may not be null, that were added."""
    absent = [c for c in table.columns if c.name not in rows.schema.names and (c.default is not None or c.nullable)]
    for column in absent:
        if column.default is not None or column.name in table.key:
            values = pa.repeat(pa.scalar(column.default, column.arrow_type), rows.num_rows)
            rows = rows.append_column(pa.field(column.name, column.arrow_type), values)
    return rows


def with_missing(rows: pa.Table, table: TableSchema) -> pa.Table:
    """`rows` of a table of an older release, with all columns that were added since, by the types of today."""
    rows = with_defaults(rows, table)
    for field in table.arrow:
        place = rows.schema.get_field_index(field.name)
        if place < 0:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
        elif rows.schema.field(place).type != field.type:
            rows = rows.set_column(place, field, rows[field.name].cast(field.type))
    return rows


def has_type(found: pa.DataType, expected: pa.DataType, *, older: bool = False) -> bool:
    """Whether a column of type `found` is one of type `expected`; if `older`, fields of its structs may be missing."""
    if found == expected or not older:
        return bool(found == expected)
    if pa.types.is_list(found) and pa.types.is_list(expected):
        return has_type(found.value_type, expected.value_type, older=True)
    if not (pa.types.is_struct(found) and pa.types.is_struct(expected)):
        return False
    places = {field.name: expected.get_field_index(field.name) for field in found}
    return all(
        place >= 0 and has_type(found.field(name).type, expected.field(place).type, older=True)
        for name, place in places.items()
    )


def check_version(version: object, place: str) -> None:
    """Raise SchemaError if a release's schema version is not `major.minor`, or its major part is newer than ours."""
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if match is None:
        raise SchemaError(f'{place}: schema_version is {repr(version)[:60]}, expected a string such as "{SCHEMA_VERSION}"')
    if int(match[1]) > int(SCHEMA_VERSION.split(".")[0]):
        raise SchemaError(
            f"{place}: schema_version is {version}, but this version reads up to {SCHEMA_VERSION.split('.')[0]}.x. "
            "Remedy: pip install --upgrade llmfusionbench"
        )


def _arrow_type(place: str, schema: dict[str, Any]) -> pa.DataType:
    if "x-arrow" in schema:
        return pa.type_for_alias(schema["x-arrow"])
    types = [t for t in json_types(schema) if t != "null"]
    if len(types) != 1:
        raise SchemaError(f"{place}: type is {schema.get('type')!r}, expected one type, or one and null")
    if types[0] == "array":
        return pa.list_(_arrow_type(f"{place}[]", schema["items"]))
    if types[0] == "object":
        return pa.struct([pa.field(k, _arrow_type(f"{place}.{k}", v)) for k, v in schema["properties"].items()])
    if types[0] not in _ARROW_TYPES:
        raise SchemaError(f"{place}: no Arrow type for JSON type {types[0]!r}")
    return _ARROW_TYPES[types[0]]
