"""What stands at a path, as a column: of structs and lists by whole columns, of texts that hold JSON text by text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.fields import BadRecordError, writable
from llmfusionbench.builders.reading.paths import MISSING, FieldPath, Missing, Step

_Mask = npt.NDArray[np.bool_]


@dataclass
class SeenPath:
    """A path, and whether it was met."""

    path: FieldPath
    met: bool = False
    """Whether a record had the path."""
    missed: bool = False
    """Whether a record did not have it."""

    def of(self, record: Mapping[str, Any]) -> Any:
        """The value at the path in a record; None where it has none."""
        value = self.path.of(record[self.path.column]) if self.path.column in record else MISSING
        return self.noted(value)

    def noted(self, value: Any) -> Any:
        """A value that `FieldPath.of` found, None where it found none."""
        if isinstance(value, Missing):
            self.missed |= value is MISSING
            return None
        self.met = True
        return value


def at_path(column: pa.Array, seen: SeenPath, problems: dict[int, str]) -> pa.Array:
    """[n] what stands at a path in [n] values of its column: of a type of its own, or texts.

    `problems` gets row -> what is wrong, of values that UTF-8 cannot write.
    """
    for place, step in enumerate(seen.path.steps):
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.dictionary_decode()
            kind = column.type
        if pa.types.is_struct(kind):
            index = kind.get_field_index(str(step))
            if index < 0:
                return _nothing(column, seen)
            column = pc.struct_field(column, index)
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
            number = _index(step)
            if number is None:
                return _nothing(column, seen)
            filled = _lengths(column) > 0
            column, there = _items(column, number)
            if not _found(there, filled, seen):
                return pa.nulls(len(column), pa.string())
        elif pa.types.is_map(kind) and (pa.types.is_string(kind.key_type) or pa.types.is_large_string(kind.key_type)):
            filled = _lengths(column) > 0
            column = pc.map_lookup(column, pa.scalar(str(step), kind.key_type), "first")
            if not _found(column.is_valid().to_numpy(zero_copy_only=False), filled, seen):
                return pa.nulls(len(column), pa.string())
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return _parsed(column, seen, seen.path.steps[place:], problems)
        else:
            return _nothing(column, seen)
    seen.met |= len(column) > 0
    return column


def _index(step: Step) -> int | None:
    try:
        return int(step)
    except ValueError:
        return None


def _found(there: _Mask, filled: _Mask, seen: SeenPath) -> bool:
    """Whether any of the lists or maps has an item; `there` [n] whether each has it, `filled` [n] whether it has any item."""
    seen.missed |= bool((filled & ~there).any())
    return bool(there.any())


def _lengths(lists: pa.Array) -> npt.NDArray[np.int64]:
    """[n] the number of items of each list or map, 0 for null."""
    if pa.types.is_map(lists.type):
        lengths = np.diff(np.asarray(lists.offsets, np.int64))
        return np.where(lists.is_valid().to_numpy(zero_copy_only=False), lengths, 0)
    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)


def _items(lists: pa.Array, number: int) -> tuple[pa.Array, _Mask]:
    """[n] the item at a place of each list, null where a list is shorter; and [n] whether it is there."""
    if pa.types.is_fixed_size_list(lists.type):
        lists = lists.cast(pa.list_(lists.type.value_type))
    lengths = _lengths(lists)
    starts = np.asarray(lists.offsets, np.int64)[:-1]
    place = number if number >= 0 else lengths + number
    there = (place >= 0) & (place < lengths)
    return lists.values.take(pa.array(starts + place, mask=~there)), there


def _parsed(texts: pa.Array, seen: SeenPath, steps: tuple[Step, ...], problems: dict[int, str]) -> pa.Array:
    """[n] what stands at the path in texts of JSON; each distinct text is parsed once."""
    rest = FieldPath(seen.path.column, steps)
    encoded = texts.dictionary_encode()
    values = [seen.noted(rest.of(text)) for text in encoded.dictionary.to_pylist()]
    made: list[str | None] = []
    broken: dict[int, str] = {}
    for code, value in enumerate(values):
        text = value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        try:
            made.append(None if text is None else writable(text, str(seen.path)))
        except BadRecordError as error:
            made.append(None)
            broken[code] = str(error)
    if broken:
        problems |= {row: broken[code] for row, code in enumerate(encoded.indices.to_pylist()) if code in broken}
    return pa.array(made, pa.string()).take(encoded.indices)


def _nothing(column: pa.Array, seen: SeenPath) -> pa.Array:
    """[n] null, in place of a step that no value of the column has."""
    seen.missed |= column.null_count < len(column)
    return pa.nulls(len(column), pa.string())
