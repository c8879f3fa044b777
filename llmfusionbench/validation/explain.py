"""Explains what is wrong with a row, by `jsonschema` with JSON's own idea of strings and numbers.

It is slow (about ten thousand rows per second), so it sees only rows that failed the columnar check; tests hold the two equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

from llmfusionbench.schema import describe_schema, json_types, table_schema
from llmfusionbench.validation.issue import shorten


def _is_string(_checker: object, value: object) -> bool:
    """A string that UTF-8 can encode: one with a lone surrogate cannot be written to any file."""
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_number(_checker: object, value: object) -> bool:
    """A finite number; JSON has no NaN, and a missing number is null."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_integer(checker: object, value: object) -> bool:
    return _is_number(checker, value) and float(value) == int(value)  # type: ignore[arg-type, call-overload]


@cache
def _validator_class() -> Any:
    import jsonschema  # a release is opened without it

    base = jsonschema.Draft202012Validator
    types = base.TYPE_CHECKER.redefine_many({"string": _is_string, "number": _is_number, "integer": _is_integer})
    return jsonschema.validators.extend(base, type_checker=types)  # type: ignore[no-untyped-call]


def validator(schema: dict[str, Any]) -> Any:
    """A validator of rows (dictionaries of plain Python values) under `schema`."""
    return _validator_class()(schema)


@cache
def _table_validator(table: str) -> Any:
    return validator(table_schema(table).json_schema)


def is_valid(table: str, row: object) -> bool:
    """Whether `row` is a valid row of `table`; the columnar check must agree."""
    return bool(_table_validator(table).is_valid(row))


def explain(schema: dict[str, Any], row: object) -> Iterator[tuple[str | None, str | None, str]]:
    """(column, shortened value, expected) for each thing wrong with `row`."""
    errors = sorted(validator(schema).iter_errors(row), key=lambda e: [str(p) for p in e.absolute_path])
    # A value of the wrong type breaks other rules, too: the type is enough.
    mistyped = {tuple(e.absolute_path) for e in errors if e.validator == "type"}
    errors = [e for e in errors if e.validator == "type" or tuple(e.absolute_path) not in mistyped]
    yield from dict.fromkeys(reason for error in errors for reason in _explain(schema, error))


def _explain(schema: dict[str, Any], error: Any) -> Iterator[tuple[str | None, str | None, str]]:
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".") or None
    if error.validator == "required":  # it does not name the missing column
        for missing in error.validator_value:
            if missing not in error.instance:
                known = error.schema.get("properties", {}).get(missing)
                yield f"{path}.{missing}" if path else missing, None, describe_schema(known) if known else "a value"
        return
    if error.validator == "additionalProperties":
        extra = sorted(set(error.instance) - set(error.schema["properties"]))
        yield path, f"unknown column {', '.join(map(shorten, extra))}", f"only {', '.join(error.schema['properties'])}"
        return
    rule = _rule(schema, error)
    if rule is not None:
        yield path, shorten(error.instance) if path else None, rule
        return
    expected = describe_schema(error.schema) if path else "an object"
    if error.validator in ("minLength", "minItems"):
        expected = f"{expected}, not empty"
    elif error.validator == "maximum" and str(error.validator_value) not in expected:
        expected = f"{expected}, at most {error.validator_value}"
    elif error.validator == "type" and isinstance(error.instance, str) and "string" in json_types(error.schema):
        expected = "text that UTF-8 can encode"
    yield path, shorten(error.instance), expected


def _rule(schema: dict[str, Any], error: Any) -> str | None:
    """The description of the row rule that `error` broke, if it broke one."""
    steps = list(error.absolute_schema_path)
    if steps and steps[0] == "allOf":
        return f"that {schema['allOf'][steps[1]]['description']}"
    return None
