"""JSON Schemas compiled to checks of whole Arrow columns.

A check takes an array of any type and returns a boolean mask of the rows that fail, or None if none does. It agrees with the
row-by-row verdict of `explain`. A keyword that the compiler does not know is an error, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import SchemaError
from llmfusionbench.schema import json_types

Mask = npt.NDArray[np.bool_]
Check = Callable[[pa.Array], Mask | None]

_ANNOTATIONS: Final = {"title", "description", "examples", "default"}
_HANDLED: Final = {
    "type", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "items", "minItems", "properties", "required",
    "additionalProperties", "allOf", "anyOf", "not", "if", "then",
}  # fmt: skip


def failing_rows(schema: dict[str, Any], batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """The rows of `batch` that are not valid under `schema`, in order."""
    bad = compile_schema(schema)(batch.to_struct_array())
    return np.zeros(0, np.int64) if bad is None else np.flatnonzero(bad)


def compile_schema(schema: dict[str, Any], place: str = "") -> Check:
    """A check for the values of one schema; for a table, of the struct array of its columns.

    Raises:
        SchemaError: the schema uses a keyword that this compiler does not know.
    """
    unknown = {k for k in schema if k not in _ANNOTATIONS | _HANDLED and not k.startswith(("x-", "$"))}
    if unknown:
        raise SchemaError(f"{place or 'schema'}: unknown keyword {', '.join(sorted(unknown))}")
    checks: list[Check] = []
    if "type" in schema:
        checks.append(partial(_type, json_types(schema)))
    if "enum" in schema:
        checks.append(_enum(place, schema["enum"]))
    if "minimum" in schema or "maximum" in schema:
        checks.append(partial(_range, schema.get("minimum"), schema.get("maximum")))
    if "minLength" in schema or "maxLength" in schema:
        checks.append(partial(_length, schema.get("minLength"), schema.get("maxLength")))
    if "pattern" in schema:
        checks.append(partial(_pattern, re.compile(schema["pattern"])))
    if "minItems" in schema:
        checks.append(partial(_min_items, schema["minItems"]))
    if "items" in schema:
        checks.append(partial(_items, compile_schema(schema["items"], f"{place}[]")))
    if {"properties", "required", "additionalProperties"} & schema.keys():
        checks.append(_object(schema, place))
    checks += [compile_schema(sub, place) for sub in schema.get("allOf", ())]
    if "anyOf" in schema:
        checks.append(partial(_any_of, [compile_schema(sub, place) for sub in schema["anyOf"]]))
    if "not" in schema:
        checks.append(partial(_not, compile_schema(schema["not"], place)))
    if "if" in schema:
        then = schema.get("then", {})
        columns = set(then.get("properties", ())) | set(then.get("required", ()))
        checks.append(partial(_if_then, compile_schema(schema["if"], place), compile_schema(then, place), columns))
    return partial(_all_of, checks)


def _all_of(checks: Sequence[Check], array: pa.Array) -> Mask | None:
    if isinstance(array, pa.DictionaryArray):  # each distinct value once, and null
        bad = _all_of(checks, pa.concat_arrays([array.dictionary, pa.nulls(1, array.dictionary.type)]))
        return None if bad is None else _by_code(bad, array)
    bad = None
    for one in checks:
        bad = _either(bad, one(array))
    return bad


def _by_code(bad: Mask, array: pa.DictionaryArray) -> Mask | None:
    """The mask of the rows of `array`, from that of its dictionary with null as one more value."""
    codes = pc.fill_null(array.indices.cast(pa.int64()), len(array.dictionary)).to_numpy(zero_copy_only=False)
    return _some(bad[codes])


def _either(a: Mask | None, b: Mask | None) -> Mask | None:
    return b if a is None else a if b is None else a | b


def _some(bad: Mask) -> Mask | None:
    return bad if bad.any() else None


def _nulls(array: pa.Array) -> Mask:
    mask: Mask = array.is_null().to_numpy(zero_copy_only=False)
    return mask


def _mask(array: pa.Array) -> Mask:
    """A boolean array as a mask; null counts as false."""
    mask: Mask = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return mask


def _type(types: tuple[str, ...], array: pa.Array) -> Mask | None:
    bad = _nulls(array) if "null" not in types and array.null_count else None
    if array.null_count == len(array) or _is_kind(array.type, types):
        return bad
    wrong = ~_nulls(array)
    if pa.types.is_floating(array.type) and {"number", "integer"} & set(types):
        numbers = array.to_numpy(zero_copy_only=False)
        with np.errstate(invalid="ignore"):
            whole = "number" in types or np.trunc(numbers) == numbers
        wrong &= ~(np.isfinite(numbers) & whole)
    return _either(bad, _some(wrong))


def _is_kind(kind: pa.DataType, types: tuple[str, ...]) -> bool:
    """Whether every non-null value of Arrow type `kind` is of one of the JSON types."""
    return bool(
        ("string" in types and _is_string(kind))
        or (("integer" in types or "number" in types) and pa.types.is_integer(kind))
        or ("boolean" in types and pa.types.is_boolean(kind))
        or ("array" in types and _is_list(kind))
        or ("object" in types and pa.types.is_struct(kind))
    )


def is_plain(kind: pa.DataType) -> bool:
    """Whether JSON has values of Arrow type `kind`, too, and the checks can read their layout."""
    if pa.types.is_dictionary(kind) or _is_list(kind):
        return is_plain(kind.value_type)
    if pa.types.is_struct(kind):
        return all(is_plain(field.type) for field in kind)
    return _is_string(kind) or _is_numeric(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)


def is_text(kind: pa.DataType) -> bool:
    """Whether the values of Arrow type `kind` are strings, plain or dictionary-encoded."""
    return _is_string(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _enum(place: str, values: list[str | None]) -> Check:
    if not all(value is None or isinstance(value, str) for value in values):
        raise SchemaError(f"{place}: enum {values} holds more than strings and null")
    strings = pa.array([v for v in values if v is not None], pa.string())
    null_allowed = None in values

    def check(array: pa.Array) -> Mask | None:
        if _is_string(array.type):
            bad = ~_mask(pc.is_in(array, value_set=strings.cast(array.type), skip_nulls=True))
        else:
            bad = np.ones(len(array), bool)
        return _some(bad & ~_nulls(array) if null_allowed else bad)

    return check


def _range(low: float | None, high: float | None, array: pa.Array) -> Mask | None:
    if not _is_numeric(array.type) or not len(array):
        return None
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float32())  # Arrow cannot compute with half floats
    extremes = pc.min_max(array).as_py()  # skips NaN, which the type check refuses
    least, most = extremes["min"], extremes["max"]
    if least is None or ((low is None or least >= low) and (high is None or most <= high)):
        return None
    numbers = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)  # exact for integers, as a cast to float is not
    if numbers.dtype == np.float32:
        numbers = numbers.astype(np.float64)  # numpy would round the bounds to single precision
    bad = np.zeros(len(array), bool)
    if low is not None:
        bad |= numbers < low
    if high is not None:
        bad |= numbers > high
    return _some(bad & ~_nulls(array))


def _length(low: int | None, high: int | None, array: pa.Array) -> Mask | None:
    if not _is_string(array.type) or not len(array):
        return None
    # A text without characters has no bytes either, and bytes cost nothing to count.
    return _range(low, high, pc.binary_length(array) if high is None and low == 1 else pc.utf8_length(array))


def _pattern(pattern: re.Pattern[str], array: pa.Array) -> Mask | None:
    """Python's own `re`, as `jsonschema` uses it, on the distinct values."""
    if not _is_string(array.type) or array.null_count == len(array):
        return None
    encoded = array.dictionary_encode()
    missed = np.array([pattern.search(text) is None for text in encoded.dictionary.to_pylist()] + [False])
    return _by_code(missed, encoded) if missed.any() else None


def _min_items(low: int, array: pa.Array) -> Mask | None:
    return _some(_mask(pc.less(pc.list_value_length(array), low))) if _is_list(array.type) else None


def _items(inner: Check, array: pa.Array) -> Mask | None:
    # flatten() skips the slots of null lists, as list_parent_indices does
    bad = inner(array.flatten()) if _is_list(array.type) else None
    if bad is None:
        return None
    rows = np.zeros(len(array), bool)
    rows[pc.list_parent_indices(array).to_numpy(zero_copy_only=False)[bad]] = True
    return _some(rows)


def _object(schema: dict[str, Any], place: str) -> Check:
    properties = {k: compile_schema(v, f"{place}.{k}".lstrip(".")) for k, v in schema.get("properties", {}).items()}
    required = set(schema.get("required", ()))
    closed = schema.get("additionalProperties", True) is False

    def check(array: pa.Array) -> Mask | None:
        if not pa.types.is_struct(array.type):
            return None
        names = [field.name for field in array.type]
        if len(set(names)) < len(names) or not required <= set(names) or (closed and set(names) - properties.keys()):
            return _some(~_nulls(array))
        bad = None
        for name, inner in properties.items():
            if name in names:
                bad = _either(bad, inner(array.field(names.index(name))))
        return None if bad is None else _some(bad & ~_nulls(array) if array.null_count else bad)

    return check


def _any_of(checks: Sequence[Check], array: pa.Array) -> Mask | None:
    bad = np.ones(len(array), bool)
    for one in checks:
        failed = one(array)
        if failed is None:
            return None
        bad &= failed
    return _some(bad)


def _not(inner: Check, array: pa.Array) -> Mask | None:
    failed = inner(array)
    return _some(np.ones(len(array), bool) if failed is None else ~failed)


def _if_then(condition: Check, consequence: Check, columns: set[str], array: pa.Array) -> Mask | None:
    """`columns` are the only ones that `consequence` reads, so only these are copied."""
    unmet = condition(array)
    if unmet is None:
        return consequence(array)
    rows = np.flatnonzero(~unmet)
    if rows.size > len(array) // 2:
        failed = consequence(array)  # cheaper than copying most rows
        return None if failed is None else _some(failed & ~unmet)
    failed = consequence(_project(array, columns).take(pa.array(rows)))
    if failed is None:
        return None
    bad = np.zeros(len(array), bool)
    bad[rows[failed]] = True
    return _some(bad)


def _project(array: pa.Array, columns: set[str]) -> pa.Array:
    """The struct array with only those of its fields that are in `columns`."""
    fields = [i for i, f in enumerate(array.type) if f.name in columns] if pa.types.is_struct(array.type) else []
    if not fields:
        return array
    return pa.StructArray.from_arrays(
        [array.field(i) for i in fields],
        fields=[array.type.field(i).with_nullable(True) for i in fields],
        mask=array.is_null() if array.null_count else None,
    )
