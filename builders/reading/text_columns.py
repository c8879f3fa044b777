"""Columns of text as numbers and other values. Each distinct cell is parsed once."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.written_numbers import all_plain
from llmfusionbench.validation.issue import shorten

_NOTHING: Final = {"", "nan", "NaN", "None"}
_LARGEST_WHOLE: Final = 2.0**53


class TextColumns:
    """The columns of a batch as texts, each parsed when it is asked for. Cells that do not parse are noted as problems."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.rows = batch.num_rows
        self.problems: dict[int, list[str]] = {}
        """Row -> what is wrong with it."""
        self._batch = batch
        self._encoded: dict[str, pa.DictionaryArray] = {}

    def text(self, name: str) -> pa.Array:
        """The column as text, empty where null or where the batch lacks the column."""
        if name not in self._batch.schema.names:
            return pa.array([""] * self.rows, pa.string())
        return _as_text(self._batch.column(name))

    def _codes(self, name: str) -> pa.DictionaryArray:
        if name not in self._encoded:
            self._encoded[name] = self.text(name).dictionary_encode()
        return self._encoded[name]

    def distinct(self, name: str) -> list[str]:
        """The distinct texts of the column."""
        values: list[str] = self._codes(name).dictionary.to_pylist()
        return values

    def map(self, name: str, function: Callable[[str], str]) -> pa.Array:
        """`function` of every cell, called once for each distinct one."""
        return pa.array([function(v) for v in self.distinct(name)], pa.string()).take(self._codes(name).indices)

    def numbers(self, name: str, parse: Callable[[str], float] = float, *, whole: bool = False) -> pa.Array:
        """[n] float64 of the column, null where the cell is empty. A cell that is not a number is a problem of its record."""
        if parse is float and (plain := _plain_numbers(self._codes(name).dictionary, whole)) is not None:
            return plain.take(self._codes(name).indices)
        values: list[float | None] = []
        wrong = []
        for code, cell in enumerate(self.distinct(name)):
            value = None
            if cell.strip() not in _NOTHING:
                try:
                    value = parse(cell)
                except ValueError:
                    wrong.append(code)
                else:
                    fits = math.isfinite(value) and "_" not in cell  # Python reads 1_000 as a number
                    if not fits or (whole and (value != int(value) or abs(value) > _LARGEST_WHOLE)):
                        value = None
                        wrong.append(code)
            values.append(value)
        indices = self._codes(name).indices
        if wrong:
            for row in np.flatnonzero(np.isin(indices.to_numpy(), wrong)).tolist():
                expected = "a whole number" if whole else "a number"
                found = shorten(self.text(name)[row].as_py())
                self.problems.setdefault(row, []).append(f"{name} is {found}, expected {expected}")
        return pa.array(values, pa.float64()).take(indices)


def _plain_numbers(cells: pa.Array, whole: bool) -> pa.Array | None:
    """[n] float64 of distinct cells, null for those that stand for none; None unless all others are plainly numbers that fit.

    Arrow reads the decimal numbers that it accepts as Python does.
    """
    numbers = all_plain(pc.if_else(pc.is_in(cells, pa.array(list(_NOTHING))), pa.scalar(None, pa.string()), cells))
    if numbers is None or not whole:
        return numbers
    values = numbers.drop_null().to_numpy()
    fits = (np.floor(values) == values) & (np.abs(values) <= _LARGEST_WHOLE)
    return numbers if fits.all() else None


def _as_text(column: pa.Array) -> pa.Array:
    """A column of any type as text, empty where null; lists become the text of a JSON array."""
    if pa.types.is_nested(column.type):
        texts = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in column.to_pylist()]
        return pc.fill_null(pa.array(texts, pa.string()), "")
    return pc.fill_null(column.cast(pa.string()), "")
