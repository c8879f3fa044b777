"""The verdict of record: `jsonschema` with a JSON's own idea of strings and numbers.

It is slow (some ten thousand rows a second) and so sees only rows that the columnar check has found; tests hold the two equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema

from ..schema import describe_schema, table_schema
from .issue import shorten


def _is_string(_checker: object, value: object) -> bool:
    """A string that UTF-8 can hold; a lone surrogate cannot be written to any file."""
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


_CHECKER = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
    {"string": _is_string, "number": _is_number, "integer": _is_integer}
)
_Validator: Any = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=_CHECKER)  # type: ignore[no-untyped-call]


def validator(schema: dict[str, Any]) -> Any:
    """A validator of rows (dictionaries of plain Python values) under `schema`."""
    return _Validator(schema)


@cache
def _table_validator(table: str) -> Any:
    return validator(table_schema(table).json_schema)


def is_valid(table: str, row: object) -> bool:
    """Whether `row` is a row of `table`: the verdict that the columnar check must give, too."""
    return bool(_table_validator(table).is_valid(row))


def explain(schema: dict[str, Any], row: object) -> Iterator[tuple[str | None, str | None, str]]:
    """(column, value shortened, expected) of everything wrong with `row`, each thing once."""
    errors = sorted(_Validator(schema).iter_errors(row), key=lambda e: [str(p) for p in e.absolute_path])
    yield from dict.fromkeys(_explain(schema, error) for error in errors)


def _explain(schema: dict[str, Any], error: Any) -> tuple[str | None, str | None, str]:
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".") or None
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        column = f"{path}.{missing}" if path else missing
        return column, None, describe_schema(error.schema["properties"][missing]) if "properties" in error.schema else "a value"
    if error.validator == "additionalProperties":
        extra = sorted(set(error.instance) - set(error.schema["properties"]))
        return path, f"unknown column {', '.join(map(shorten, extra))}", f"only {', '.join(error.schema['properties'])}"
    rule = _rule(schema, error)
    if rule is not None:
        return path, shorten(error.instance) if path else None, rule
    expected = describe_schema(error.schema) if path else "an object"
    if error.validator in ("minLength", "minItems"):
        expected = f"{expected}, not empty"
    return path, shorten(error.instance), expected


def _rule(schema: dict[str, Any], error: Any) -> str | None:
    """The words of the row rule that `error` broke, if it broke one."""
    steps = list(error.absolute_schema_path)
    if steps and steps[0] == "allOf":
        return str(schema["allOf"][steps[1]]["description"])
    return None
