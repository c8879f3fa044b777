"""The verdicts of judges that compare two answers, as the share of the second answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.cells import Cells
from llmfusionbench.builders.reading.fields import BadRecordError, named
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_TIES: Final = frozenset([
    "tie", "tie (bothbad)", "tie (both bad)", "bothbad", "both bad", "both_bad", "tie_bothbad", "draw", "equal", "both",
    "neither", "c",
])  # fmt: skip
"""Words for a tie; C is that of the judges that say A or B."""
_SIDE: Final = re.compile(
    r"(?:(?:model|llm|assistant|response|answer|output)[ _-]?)?(?:(?P<first>a|left|1(?:\.0)?)|b|right|2(?:\.0)?)"
)
"""What names a side of a comparison. A is on the left and was shown first."""
_NUMBERS: Final = ("1", "2", "1.0", "2.0")
_NUMBER: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_LONGEST: Final = 256
"""The most characters of a verdict."""
_SHOWN: Final = 5
_NO_VERDICT: Final = frozenset(["", "error", "none", "null", "nan"])
_FLAGS: Final = ("winner_model_a", "winner_model_b", "winner_tie")

Shares = npt.NDArray[np.float64]
"""[n] the share of the second answer: 1 where it won, 0 where it lost, 0.5 for a tie; NaN without a verdict."""


@dataclass
class Winners:
    """What the columns of winners in one file hold as a whole."""

    read: int = 0
    unread: int = 0
    """Number of words that are no verdict."""
    words: dict[str, None] = field(default_factory=dict)
    """The first words that are no verdict."""
    numbered: bool = False
    """Whether an answer was named by 1 or 2."""
    other_number: str | None = None
    """A number other than these."""

    def check(self, place: str, verdict: str, names: tuple[str, str]) -> None:
        """Check that the words are verdicts, so that those that happen to be read are not all that remains of a file.

        Raises:
            InputError: most are none; or 0 occurs beside 1 or 2, so that 1 may be either answer.
        """
        expected = _expected(names)
        if self.numbered and self.other_number:
            raise InputError(
                f"{place}: {verdict} is {self.other_number} in some records and 1 or 2 in others, so it is not known whether 1 "
                f"is the first answer. The file is refused as a whole. Remedy: write {expected} in its place"
            )
        if self.unread > self.read:
            raise InputError(
                f"{place}: {verdict} is none of {expected} in {self.unread:,} of {self.read + self.unread:,} records; it is "
                f"{', '.join(self.words)}{' and others' * (len(self.words) == _SHOWN)}. The file is refused as a whole. "
                f"Remedy: write {expected} in its place"
            )

    def share_of(self, value: Any, verdict: str, names: tuple[str, str], one: str | None, other: str | None) -> float | None:
        """The share of the second answer by the winner in a record; None where the judge named none.

        Raises:
            BadRecordError: the value is no verdict.
        """
        word = str(value) if isinstance(value, int) else value
        if word is None or (isinstance(word, str) and word.strip().lower() in _NO_VERDICT):
            return None
        share = self.add(word, one, other) if isinstance(word, str) else None
        if share is None:
            said = named(value) if isinstance(value, (dict, list)) else shorten(word)
            raise BadRecordError(f"{verdict} is {said}, expected {_expected(names)}")
        return share

    def add(self, word: str, one: str | None, other: str | None) -> float | None:
        """The share of the second answer by a word for the winner, given the names of both LLMs; None for no verdict."""
        share = self._share(word, one, other)
        self.read += share is not None
        self.unread += share is None
        if share is None and len(self.words) < _SHOWN:
            self.words[shorten(word)] = None
        return share

    def _share(self, word: str, one: str | None, other: str | None) -> float | None:
        if word in (one, other):
            return float(word == other)
        share, numbered, other_number = _meaning(word) if len(word) <= _LONGEST else (None, False, None)
        self.numbered |= numbered
        self.other_number = other_number or self.other_number
        return share


def second_shares(
    cells: Cells,
    verdict: str,
    names: tuple[str, str],
    llms: Sequence[pa.Array],
    place: str,
    rows: npt.NDArray[np.int64],
    winners: Winners,
) -> Shares:
    """[n] the shares by the column `verdict`; a word that is no verdict is a problem of its record.

    A winner is named by its LLM, or as `model_a` or `model_b`, a or b, left or right, 1 or 2.

    Args:
        cells: The records.
        verdict: `preference`, `winner_model_b` or a column of winners.
        names: The columns of the two LLMs, for messages.
        llms: Two arrays [n] of the LLMs, by which a winner may be named, too.
        place: The file, for messages.
        rows: [n] the number of each record in it.
        winners: Counts the words, for a check of the file as a whole.

    Raises:
        InputError: a preference is on another scale.
    """
    if verdict == "preference":
        return _preferences(cells, place, rows)
    if verdict in _FLAGS:
        flags = [pc.fill_null(cells.column(name, name, pa.float64()), 0) for name in _FLAGS]
        first, second, tie = (flag.to_numpy(zero_copy_only=False) != 0 for flag in flags)
        alone = [second & ~first & ~tie, first & ~second & ~tie, tie & ~first & ~second]
        shares: Shares = np.select(alone, [1.0, 0.0, 0.5], np.nan)
        return shares
    said = cells.column(verdict, verdict, pa.string()).to_pylist()
    shares = np.full(len(said), np.nan)
    for i, (word, one, other) in enumerate(zip(said, *(array.to_pylist() for array in llms), strict=True)):
        try:
            share = winners.share_of(word, verdict, names, one, other)
        except BadRecordError as error:
            cells.problems.setdefault(i, []).append(str(error))
        else:
            shares[i] = np.nan if share is None else share
    return shares


@lru_cache(maxsize=1024)
def _meaning(word: str) -> tuple[float | None, bool, str | None]:
    """The share of the second answer by a word that does not name an LLM; whether it numbers an answer; any other number."""
    plain = word.strip(" []").lower()
    if plain in _TIES:
        return 0.5, False, None
    numbered = plain in _NUMBERS
    side = _SIDE.fullmatch(plain)
    share = None if side is None else float(side["first"] is None)
    return share, numbered, plain if not numbered and _NUMBER.fullmatch(plain) else None


def _expected(names: tuple[str, str]) -> str:
    return f"{names[0]}, {names[1]} or tie"


def _preferences(cells: Cells, place: str, rows: npt.NDArray[np.int64]) -> Shares:
    """AlpacaEval's: 1 prefers the first answer and 2 the second one, a number between leans to either, and 0 is a tie."""
    column = cells.column("preference", "preference", pa.float64())
    given = np.array(pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False))
    wrong = np.flatnonzero(~np.isnan(given) & (given != 0) & ((given < 1) | (given > 2)))
    if len(wrong):
        first = int(wrong[0])
        raise other_preference(place, int(rows[first]), float(given[first]))
    return np.where(given == 0, 0.5, given - 1)


def other_preference(place: str, row: int, value: float) -> InputError:
    """The error for a preference on another scale than AlpacaEval's."""
    return InputError(
        f"{place}: preference of record {row} is {value:g}, expected 1 (the first answer) to 2 (the second one), or 0 for a "
        "tie. The column is refused as a whole. Remedy: convert it to this scale"
    )
