"""The cells of a user's table as the types of a log record, by whole columns. Cells that do not fit are noted as problems."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.cell_texts import LARGEST_WHOLE, number_texts
from llmfusionbench.builders.reading.factors import Factor
from llmfusionbench.builders.reading.fields import BadRecordError, answer_text, option_texts, writable
from llmfusionbench.builders.reading.objects import distribution, error_text, moment_text, reasoning_text, sampling, turns
from llmfusionbench.builders.reading.texts_inside import not_a_text
from llmfusionbench.builders.reading.words import Words, split_word
from llmfusionbench.builders.reading.written_numbers import AMOUNTS, NumberReader, Seen, all_plain
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
_MOMENTS: Final = ("created_at", "judge_created_at")


@dataclass
class Cells:
    """The columns of some records, each parsed when it is asked for."""

    batch: pa.RecordBatch
    problems: dict[int, list[str]] = field(default_factory=dict)
    """Row -> what is wrong with it."""
    nested: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)
    """Column -> row -> the object or list that the batch has as a text of JSON."""
    words: Mapping[str, Words] = field(default_factory=dict)
    """Our column -> what the words of the file's mean."""
    remedies: Mapping[str, str] = field(default_factory=dict)
    """Our column -> what can be done where a cell does not fit."""
    seen: Seen = field(default_factory=Seen)
    """What was found beside plain numbers, in this batch and in those before it."""

    def column(self, ours: str, theirs: str, kind: pa.DataType, factor: Factor | None = None) -> pa.Array:
        """A column of the batch as `kind`, null where a cell does not fit; all null if the batch lacks the column."""
        position = self.batch.schema.get_field_index(theirs)
        if position < 0:
            return pa.nulls(self.batch.num_rows, kind)
        found = self.batch.column(position)
        if pa.types.is_dictionary(found.type):
            found = found.dictionary_decode()
        label = theirs if ours == theirs else f"{theirs} ({ours})"
        remedy = self.remedies.get(ours, "")
        if ours in self.words:
            found, wrong = self.words[ours].of(found, label)
            self._note_all(wrong, remedy)
        if pa.types.is_nested(kind):
            return self._each(found, label, _NESTED[ours], kind, remedy)
        if pa.types.is_string(kind):
            return self._texts(found, ours, theirs, label, remedy)
        return self._numbers(found, label, kind, NumberReader(ours, theirs, factor, remedy, self.seen))

    def _texts(self, found: pa.Array, ours: str, theirs: str, label: str, remedy: str) -> pa.Array:
        if ours not in _MOMENTS and (pa.types.is_floating(found.type) or pa.types.is_decimal(found.type)):
            found = number_texts(found)
        if ours in _PARSED:
            texts = self._each(found, label, _PARSED[ours], pa.string(), remedy)
        elif pa.types.is_nested(found.type) or pa.types.is_binary(found.type) or pa.types.is_null(found.type):
            texts = self._each(found, label, partial(_as_text, ours=ours, theirs=theirs), pa.string(), remedy)
        else:
            texts = found.cast(pa.string())
            if ours not in self.words and (inner := self.nested.get(theirs)):
                self._note_all({i: not_a_text(v, label, ours, theirs) for i, v in inner.items() if v}, remedy)
                texts = pc.if_else(_at(inner, len(texts)), pa.scalar(None, pa.string()), texts)
        if ours == "split":
            texts = split_word(texts)
        if ours in _EMPTY_STAYS:
            return texts
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)

    def _numbers(self, found: pa.Array, label: str, kind: pa.DataType, reader: NumberReader) -> pa.Array:
        factor, remedy, cells = reader.factor, reader.remedy, found
        if pa.types.is_boolean(found.type):
            found = found.cast(pa.int8())
        if pa.types.is_decimal(found.type):
            found = found.cast(pa.float64())
        if not (pa.types.is_integer(found.type) or pa.types.is_floating(found.type)):
            plain = all_plain(found)
            if plain is not None:
                found = plain
            else:
                found, factor = self._each(found, label, reader.of, pa.float64(), remedy), None
        values = found.cast(pa.float64(), safe=False)
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
        values = values if factor is None else factor.of(values)
        wrong = pc.invert(pc.is_finite(values))
        expected = "a finite number"
        if pa.types.is_integer(kind):
            whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), LARGEST_WHOLE))
            wrong, expected = pc.or_(wrong, pc.invert(whole)), "a whole number"
        below = pc.less(values, 0.0 if reader.ours in AMOUNTS else -np.inf)
        wrong = pc.or_(wrong, below)
        for i in np.flatnonzero(pc.fill_null(wrong, False).to_numpy(zero_copy_only=False)).tolist():
            wanted = f"{expected} of at least 0" if below[i].as_py() else expected
            self._note(i, f"{label} is {_as_written(cells[i].as_py(), values[i].as_py())}, expected {wanted}{remedy}")
        return pc.if_else(wrong, pa.scalar(None, pa.float64()), values).cast(kind)

    def _each(self, found: pa.Array, label: str, parse: Callable[[Any, str], Any], kind: pa.DataType, remedy: str) -> pa.Array:
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
                    self._note(row, _with_remedy(wrong[cell_number], remedy))
        return values

    def _note_all(self, wrong: Mapping[int, str], remedy: str) -> None:
        for row, problem in wrong.items():
            self._note(row, _with_remedy(problem, remedy))

    def _note(self, row: int, problem: str) -> None:
        self.problems.setdefault(row, []).append(problem)


def _with_remedy(problem: str, remedy: str) -> str:
    """A problem with what can be done, unless it names that itself."""
    return problem if "Remedy: " in problem else problem + remedy


def _whole(value: Any) -> Any:
    """A number, or each of a list, as an integer if it is a whole one, and None for NaN, for the same reason."""
    if isinstance(value, list):
        return [_whole(part) if isinstance(part, float) else part for part in value]
    if not isinstance(value, float):
        return value
    if value != value:
        return None
    return int(value) if value.is_integer() and abs(value) <= LARGEST_WHOLE else value


def _as_written(cell: Any, number: float) -> str:
    """A number for a message; as its cell has it where that is a text with a unit or commas, or one too high for a number."""
    if isinstance(cell, str):
        try:
            if np.isfinite(float(cell)) or not any(map(str.isdecimal, cell)):
                return shorten(number)
        except ValueError:
            pass
        return shorten(cell)
    return shorten(number)


def _at(rows: Iterable[int], size: int) -> pa.Array:
    """[size] true at some rows."""
    mask = np.zeros(size, bool)
    mask[list(rows)] = True
    return pa.array(mask)


def _as_text(value: Any, label: str, ours: str, theirs: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, (dict, list)):
        if not value:
            return None
        raise BadRecordError(not_a_text(value, label, ours, theirs))
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise BadRecordError(f"{label} is not UTF-8 at byte {error.start} of the cell") from error
    if isinstance(value, str):
        return writable(value, label)
    return writable(json.dumps(value, ensure_ascii=False, default=str), label)
