"""The cells of a user's table as the types of a log record, by whole columns. Cells that do not fit are noted as problems."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.factors import Factor
from llmfusionbench.builders.reading.fields import BadRecordError, answer_text, option_texts, writable
from llmfusionbench.builders.reading.objects import distribution, error_text, moment_text, reasoning_text, sampling, turns
from llmfusionbench.validation.issue import shorten

_NESTED: Final[dict[str, Callable[[Any, str], Any]]] = {
    "choices": option_texts, "messages": turns, "sampling": sampling, "judge_distribution": distribution,
}  # fmt: skip
_PARSED: Final[dict[str, Callable[[Any, str], str | None]]] = {
    "ground_truth": answer_text,
    "reasoning": reasoning_text,
    "error": error_text,
    "created_at": moment_text,
    "judge_created_at": moment_text,
}
_EMPTY_STAYS: Final = ("response",)
_WORDS_FOR_NUMBERS: Final = {"true": 1.0, "false": 0.0, "nan": None, "null": None, "none": None, "": None}
_LARGEST_WHOLE: Final = 2.0**53
_MOMENTS: Final = ("created_at", "judge_created_at")


@dataclass
class Cells:
    """The columns of some records, each parsed when it is asked for."""

    batch: pa.RecordBatch
    problems: dict[int, list[str]] = field(default_factory=dict)
    """Row -> what is wrong with it."""

    def column(self, ours: str, theirs: str, kind: pa.DataType, factor: Factor | None = None) -> pa.Array:
        """A column of the batch as `kind`, null where a cell does not fit; all null if the batch lacks the column."""
        position = self.batch.schema.get_field_index(theirs)
        if position < 0:
            return pa.nulls(self.batch.num_rows, kind)
        found = self.batch.column(position)
        if pa.types.is_dictionary(found.type):
            found = found.dictionary_decode()
        label = theirs if ours == theirs else f"{theirs} ({ours})"
        if pa.types.is_nested(kind):
            return self._each(found, label, _NESTED[ours], kind)
        if pa.types.is_string(kind):
            return self._texts(found, ours, label)
        return self._numbers(found, label, kind, factor)

    def _texts(self, found: pa.Array, ours: str, label: str) -> pa.Array:
        if ours not in _MOMENTS and (pa.types.is_floating(found.type) or pa.types.is_decimal(found.type)):
            found = _number_texts(found)
        if ours in _PARSED:
            texts = self._each(found, label, _PARSED[ours], pa.string())
        elif pa.types.is_nested(found.type) or pa.types.is_binary(found.type) or pa.types.is_null(found.type):
            texts = self._each(found, label, _as_text, pa.string())
        else:
            texts = found.cast(pa.string())
        if ours in _EMPTY_STAYS:
            return texts
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)

    def _numbers(self, found: pa.Array, label: str, kind: pa.DataType, factor: Factor | None) -> pa.Array:
        if pa.types.is_boolean(found.type):
            found = found.cast(pa.int8())
        if pa.types.is_decimal(found.type):
            found = found.cast(pa.float64())
        if not (pa.types.is_integer(found.type) or pa.types.is_floating(found.type)):
            found = self._each(found, label, _as_number, pa.float64())
        values = found.cast(pa.float64(), safe=False)
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
        values = values if factor is None else factor.of(values)
        wrong = pc.invert(pc.is_finite(values))
        expected = "a finite number"
        if pa.types.is_integer(kind):
            whole = pc.and_(pc.equal(pc.floor(values), values), pc.less_equal(pc.abs(values), _LARGEST_WHOLE))
            wrong, expected = pc.or_(wrong, pc.invert(whole)), "a whole number"
        for i in np.flatnonzero(pc.fill_null(wrong, False).to_numpy(zero_copy_only=False)).tolist():
            self._note(i, f"{label} is {shorten(values[i].as_py())}, expected {expected}")
        return pc.if_else(wrong, pa.scalar(None, pa.float64()), values).cast(kind)

    def _each(self, found: pa.Array, label: str, parse: Callable[[Any, str], Any], kind: pa.DataType) -> pa.Array:
        """`parse` of every cell; each distinct text is parsed once."""
        once = pa.types.is_string(found.type) or pa.types.is_large_string(found.type)
        encoded = found.dictionary_encode() if once else None
        cells = (encoded.dictionary if encoded is not None else found).to_pylist()
        parsed, wrong = [], {}
        for i, cell in enumerate(cells if encoded is not None else map(_whole, cells)):
            try:
                parsed.append(parse(cell, label))
            except BadRecordError as error:
                parsed.append(None)
                wrong[i] = str(error)
        values = pa.array(parsed, kind)
        rows = range(len(found))
        if encoded is not None:
            values, rows = values.take(encoded.indices), encoded.indices.to_pylist()
        if wrong:
            for row, cell_number in enumerate(rows):
                if cell_number in wrong:
                    self._note(row, wrong[cell_number])
        return values

    def _note(self, row: int, problem: str) -> None:
        self.problems.setdefault(row, []).append(problem)


def _number_texts(found: pa.Array) -> pa.Array:
    """Numbers as text: 5 for 5.0, and null for NaN, since pandas makes floats of a column of integers with a gap."""
    numbers = found.cast(pa.float64(), safe=False)
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less_equal(pc.abs(numbers), _LARGEST_WHOLE))
    whole = pc.fill_null(whole, False)
    integers = pc.if_else(whole, numbers, 0.0).cast(pa.int64()).cast(pa.string())
    wide = found.cast(pa.float32()) if pa.types.is_float16(found.type) else found
    texts = pc.if_else(whole, integers, wide.cast(pa.string()))
    return pc.if_else(pc.fill_null(pc.is_nan(numbers), False), pa.scalar(None, pa.string()), texts)


def _whole(value: Any) -> Any:
    """A number, or each of a list, as an integer if it is a whole one, and None for NaN, for the same reason."""
    if isinstance(value, list):
        return [_whole(part) if isinstance(part, float) else part for part in value]
    if not isinstance(value, float):
        return value
    if value != value:
        return None
    return int(value) if value.is_integer() and abs(value) <= _LARGEST_WHOLE else value


def _as_text(value: Any, label: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise BadRecordError(f"{label} is not UTF-8 at byte {error.start} of the cell") from error
    if isinstance(value, str):
        return writable(value, label)
    return writable(json.dumps(value, ensure_ascii=False, default=str), label)


def _as_number(value: Any, label: str) -> float | None:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _WORDS_FOR_NUMBERS:
            return _WORDS_FOR_NUMBERS[word]
        try:
            if "_" not in word:
                return float(word)
        except ValueError:
            pass
    elif value is None or isinstance(value, (int, float)):
        return None if value is None else float(value)
    raise BadRecordError(f"{label} is {shorten(value)}, expected a number")
