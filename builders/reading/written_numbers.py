"""Numbers as people and tools write them: `$0.0012`, `850ms`, `1,234`, `1.2k` or `12 %`.

A unit that stands in a cell counts above that of the column's name and above the factor of a mapping: these are for plain
numbers.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.factors import CURRENCIES, UNITS, Factor
from llmfusionbench.builders.reading.fields import BadRecordError, named
from llmfusionbench.builders.records import SCORES, leave_out

_WORDS_FOR_NUMBERS: Final = {"true": 1.0, "false": 0.0, "nan": None, "null": None, "none": None, "": None}
TOKENS: Final = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
_OF_TOKENS: Final[dict[str, Factor | None]] = {
    **dict.fromkeys(("token", "tokens", "tok"), None),
    **dict.fromkeys(("k", "K"), Factor("*", 1e3)),
    "M": Factor("*", 1e6),
}
_OF_SCORES: Final[dict[str, Factor | None]] = {"%": Factor("/", 1e2)}
_UNITS: Final[dict[str, dict[str, Factor | None]]] = {
    **UNITS,
    **dict.fromkeys(TOKENS, _OF_TOKENS),
    **dict.fromkeys(SCORES, _OF_SCORES),
}
"""Our column -> a unit that its cells may have -> what makes our unit of it; None where it is ours."""
WRITTEN: Final = frozenset(_UNITS)
"""Our columns of which a cell may have a unit, or commas."""
AMOUNTS: Final = WRITTEN - {*SCORES}
"""Those of which no value is below 0."""
_AHEAD: Final = ("$", "us$", "usd")
"""Units that may stand in front of a number."""
_DOLLAR: Final = "$"

_LONGEST: Final = 64
_DIGITS: Final = r"(?:(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_GAP: Final = "[ \u00a0\u202f]?"
_WRITTEN: Final = re.compile(
    rf"(?P<sign>[+-]?)(?P<ahead>[^\s0-9.,+-]{{0,8}}){_GAP}(?P<inner>[+-]?)(?P<number>{_DIGITS}){_GAP}"
    r"(?P<after>[^\s0-9.,+-]{0,16})"
)
_WITH_COMMA: Final = re.compile(rf"[^\s0-9.,+-]{{0,8}}{_GAP}[0-9.]*,[0-9.,]*{_GAP}[^\s0-9.,+-]{{0,16}}")

_EXPECTED: Final = {
    "cost_usd": "a number, or an amount such as $0.0012",
    "latency_s": "a number, or a time such as 850ms",
    **dict.fromkeys(TOKENS, "a number, such as 1200, 1,200 or 1.2k"),
    **dict.fromkeys(SCORES, "a number, or a percentage such as 50%"),
}
_EXPECTED_POINT: Final = "a number with a point before its decimals; commas may only stand between groups of three digits"


@dataclass
class Seen:
    """What the cells of one file have beside plain numbers."""

    units: dict[str, str] = field(default_factory=dict)
    """Our column -> the first cell with a unit of its own."""
    currencies: dict[str, str] = field(default_factory=dict)
    """Our column -> the currency that its factor converts, by its sign or word in the first cell that has one."""
    foreign: dict[str, str] = field(default_factory=dict)
    """Our column -> the first cell in a currency that no factor converts."""


@dataclass(frozen=True)
class NumberReader:
    """Reads the cells of one column."""

    ours: str
    theirs: str
    factor: Factor | None = None
    """What makes our unit of plain numbers."""
    remedy: str = ""
    """What can be done where a cell does not fit."""
    seen: Seen = field(default_factory=Seen)

    def of(self, value: Any, label: str) -> float | None:
        """The number of a cell in our unit; None for no value, such as an empty text.

        Raises:
            BadRecordError: it is not a number, or one in a unit that is not known.
        """
        if isinstance(value, str):
            word = value.strip().lower()
            if word in _WORDS_FOR_NUMBERS:
                return self._plain(_WORDS_FOR_NUMBERS[word])
            try:
                if "_" not in word:
                    return self._plain(float(word))
            except ValueError:
                return self._written(value.strip(), label)
        elif value is None or isinstance(value, (int, float)):
            return self._plain(None if value is None else float(value))
        raise BadRecordError(f"{label} is {named(value)}, expected a number")

    def _plain(self, number: float | None) -> float | None:
        return number if number is None or self.factor is None else self.factor.of_one(number)

    def _written(self, text: str, label: str) -> float | None:
        """The number of a text with a unit or with commas."""
        expected = _EXPECTED.get(self.ours)
        if expected is None or len(text) > _LONGEST:
            raise BadRecordError(f"{label} is {named(text)}, expected a number")
        match = _WRITTEN.fullmatch(text)
        if match is None or ("," in match["number"] and self.ours in SCORES):
            raise BadRecordError(
                f"{label} is {named(text)}, expected {_EXPECTED_POINT if _WITH_COMMA.fullmatch(text) else 'a number'}"
            )
        if match["sign"] or match["inner"]:
            raise BadRecordError(f"{label} is {named(text)}, expected {expected}, without a sign")
        number = Fraction(match["number"].replace(",", ""))
        known = _UNITS[self.ours]
        ahead, after = (word if word in known else word.lower() for word in (match["ahead"], match["after"]))
        words = [word for word in (ahead, after) if word]
        if not words:
            return self._plain(_float(number, text, label))
        foreign = next((word for word in words if _is_foreign(word)), None) if self.ours == "cost_usd" else None
        if foreign is not None:
            return self._converted(number, text, label, foreign)
        if (ahead and ahead not in _AHEAD) or any(word not in known for word in words):
            raise BadRecordError(f"{label} is {named(text)}, expected {expected}")
        factors = {known[word] for word in words}
        if len(factors) > 1:  # $5 cents
            raise BadRecordError(f"{label} is {named(text)}, expected one unit")
        self.seen.units.setdefault(self.ours, text)
        factor = factors.pop()
        return _float(number if factor is None else factor.exactly(number), text, label)

    def _converted(self, number: Fraction, text: str, label: str, currency: str) -> float | None:
        """An amount in another currency, which only the factor of the mapping can convert."""
        if self.factor is None or self.factor.is_of_unit:
            self.seen.foreign.setdefault(self.ours, text)
            remedy = ""
            if self.factor is None and self.remedy == leave_out(self.ours):
                remedy = (
                    f". Remedy: convert it with --map '{self.ours}={self.theirs}*RATE', in USD per unit, or leave the column "
                    f"out with --map {self.ours}="
                )
            raise BadRecordError(f"{label} is {named(text)}, expected USD{remedy}")
        first = self.seen.currencies.setdefault(self.ours, currency)
        if CURRENCIES.get(first, first) != CURRENCIES.get(currency, currency):
            raise BadRecordError(f"{label} is {named(text)}, expected one currency; the factor is that of {first}")
        return self._plain(_float(number, text, label))


def all_plain(cells: pa.Array) -> pa.Array | None:
    """[n] float64 of [n] texts, null for empty ones, if all are plain numbers, as `NumberReader` reads them; None if not."""
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return None
    try:
        numbers = pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells).cast(pa.float64())
    except pa.ArrowInvalid:  # one of them is not
        return None
    finite = pc.all(pc.is_finite(numbers), min_count=0).as_py()
    return numbers if finite else None


def _float(number: Fraction, text: str, label: str) -> float:
    try:
        return float(number)
    except OverflowError as error:
        raise BadRecordError(f"{label} is {named(text)}, expected a finite number") from error


def _is_foreign(word: str) -> bool:
    """Whether a word or a sign is that of another currency than USD."""
    if word in UNITS["cost_usd"]:
        return False
    of_a_country = word.endswith(_DOLLAR) and word[:-1].isalpha()
    return word in CURRENCIES or of_a_country or (len(word) == 1 and unicodedata.category(word) == "Sc")
