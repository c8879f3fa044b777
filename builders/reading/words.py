"""What the words of a file's column mean: those that the user states, and the words for splits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from llmfusionbench.builders.reading.cell_texts import cell_texts
from llmfusionbench.errors import InputError
from llmfusionbench.types import SPLITS
from llmfusionbench.validation.issue import shorten

VALIDATION: Final = ("validation", "valid", "val", "dev", "development")
"""Words for the split `partial_test`."""
_SHOWN: Final = 10
_WHOLE: Final = re.compile(r"(-?[0-9]{1,16})\.0{1,20}")


@dataclass(frozen=True)
class Words:
    """The file's word -> our value as text; None for no value."""

    ours: str
    meanings: Mapping[str, str | None]

    def of(self, column: pa.Array, label: str) -> tuple[pa.Array, dict[int, str]]:
        """[n] our values of [n] cells, and row -> problem for each word without a meaning. An empty cell has no value.

        A word is looked up as it is, else without regard to capitals and to blanks around it, and 1.0 as 1.
        """
        folded = {_folded(word): meaning for word, meaning in reversed(list(self.meanings.items()))}
        encoded = cell_texts(column).dictionary_encode()
        made: list[str | None] = []
        unknown: dict[int, str] = {}
        for code, word in enumerate(encoded.dictionary.to_pylist()):
            known = word in self.meanings or _folded(word) in folded
            made.append(self.meanings[word] if word in self.meanings else folded.get(_folded(word)))
            if not known and word.strip():
                unknown[code] = self._problem(word, label)
        wrong = {}
        if unknown:
            wrong = {row: unknown[code] for row, code in enumerate(encoded.indices.to_pylist()) if code in unknown}
        return pa.array(made, pa.string()).take(encoded.indices), wrong

    def _problem(self, word: str, label: str) -> str:
        known = [*self.meanings]
        shown = ", ".join(known[:_SHOWN]) + (" ..." if len(known) > _SHOWN else "")
        return (
            f"{label} is {shorten(word)}, which the values of {self.ours} lack; they have {shown}. "
            f"Remedy: add it to the section values, or to --values {self.ours}=WORD:VALUE"
        )


def parse_words(values: Any, columns: tuple[str, ...]) -> dict[str, Words]:
    """The words of each of our columns.

    Raises:
        InputError: a column is not one of `columns`, or a meaning is not a text, a number or null.
    """
    found = {}
    for ours, meanings in _section(values).items():
        if ours not in columns:
            raise InputError(f"values has no column {shorten(ours)}. Remedy: name one of {', '.join(columns)}")
        made: dict[str, str | None] = {}
        for word, meaning in _section(meanings, f"values of {ours}").items():
            if meaning is not None and not isinstance(meaning, (str, int, float)):
                raise InputError(f"values of {ours} has {shorten(meaning)} for {shorten(word)}, expected a text or a number")
            made[_plain(word)] = None if meaning is None or meaning == "" else _plain(meaning)
        found[ours] = Words(ours, made)
    return found


def _section(value: Any, name: str = "values") -> Mapping[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(
            f"{name} is {shorten(value)}, expected words, each with its value, such as {{correct: 1, incorrect: 0}}"
        )
    return value


def split_word(texts: pa.Array) -> pa.Array:
    """Splits by their names: `Test` is test, and words for validation are partial_test; other words stay."""
    encoded = texts.dictionary_encode()
    made = [_split(word) for word in encoded.dictionary.to_pylist()]
    return pa.array(made, pa.string()).take(encoded.indices)


def _split(word: str) -> str:
    said = word.strip().lower()
    return "partial_test" if said in VALIDATION else said if said in SPLITS else word


def _folded(word: str) -> str:
    said = word.strip().casefold()
    whole = _WHOLE.fullmatch(said)
    return said if whole is None else whole[1]


def _plain(value: Any) -> str:
    """A word or a meaning as a cell has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
