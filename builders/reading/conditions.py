"""Conditions on the records of a table: those whose column does not have one of the values are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.cell_texts import cell_texts, plain_numbers
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten


@dataclass(frozen=True)
class Condition:
    """That a column or path has one of some values, as texts."""

    theirs: str
    values: tuple[str, ...]

    def holds(self, column: pa.Array) -> npt.NDArray[np.bool_]:
        """[n] for each of [n] cells; an empty one has the value "". `True` is `true`, and 1.0 is 1."""
        texts = plain_numbers(pc.fill_null(cell_texts(column), ""))
        wanted = plain_numbers(pa.array(self.values, pa.string()))
        found: npt.NDArray[np.bool_] = pc.is_in(texts, wanted).to_numpy(zero_copy_only=False)
        return found

    def __str__(self) -> str:
        return f"{self.theirs} is {' or '.join(value or 'empty' for value in self.values)}"


def parse_conditions(where: Any) -> tuple[Condition, ...]:
    """The conditions of `{column: value}` or `{column: [value, value]}`.

    Raises:
        InputError: it is something else.
    """
    if where is None:
        return ()
    if not isinstance(where, Mapping):
        raise InputError(f"where is {shorten(where)}, expected columns, each with its value, such as {{filter: strict-match}}")
    found = []
    for theirs, value in where.items():
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if not isinstance(theirs, str) or not values or not all(v is None or isinstance(v, (str, int, float)) for v in values):
            raise InputError(f"where of {theirs} is {shorten(value)}, expected a value, or a list of values")
        found.append(Condition(theirs, tuple(_text(v) for v in values)))
    return tuple(found)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
