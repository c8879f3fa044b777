"""Numbers in other units: what `--map ours=name/1000` asks for, and the unit that the name of a column states."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.paths import find_path
from llmfusionbench.errors import InputError

_EXPRESSION: Final = re.compile(r"(?P<name>.*[^\s/*])\s*(?P<sign>[/*])\s*(?P<number>[^\s/*]+)\s*", re.DOTALL)
_SCALED: Final = re.compile(r"(?P<name>.*\S)\s+(?P<low>[-+.\deE]{1,32}):(?P<high>[-+.\deE]{1,32})\s*", re.DOTALL)
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{0,15})?(?:[eE][+-]?\d{1,2})?")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+[A-Za-z]*")

_LATENCY: Final = (
    "latency", "duration", "elapsed", "time", "response_time", "elapsed_time", "request_time", "total_time", "generation_time",
    "inference_time", "wall_time", "total_latency", "total_duration",
)  # fmt: skip
_COST: Final = ("cost", "total_cost", "cost_usd", "spend")
_VAGUE: Final = ("time",)
"""Names of a quantity only with a unit: a time alone may be a date."""
_LINKS: Final = ("in", "as")
"""Words between a quantity and its unit, as in `cost_in_usd`."""
_TOKENS: Final = {"token", "tokens", "1k", "1000", "1m", "1000000", "million", "mtok", "ktok", "thousand"}
CURRENCIES: Final = {
    **{code: code for code in ("eur", "gbp", "cny", "jpy", "inr", "krw", "chf")},
    "\u20ac": "eur",
    "euro": "eur",
    "euros": "eur",
    "\u00a3": "gbp",
    "\u20b9": "inr",
    "\u20a9": "krw",
    "rmb": "cny",
    "yuan": "cny",
    "yen": "jpy",
}
"""Word or sign for another currency than USD -> its code."""


@dataclass(frozen=True)
class Factor:
    """A number by which a column is multiplied or divided."""

    sign: str
    """`*` or `/`."""
    number: float
    is_of_unit: bool = field(default=False, compare=False)
    """Whether it is that of a unit of USD, and so not the rate of another currency."""

    def of(self, values: pa.Array) -> pa.Array:
        """[n] float64 of [n] float64."""
        return (pc.divide if self.sign == "/" else pc.multiply)(values, self.number)

    def of_one(self, value: float) -> float:
        """The same of one number."""
        return value / self.number if self.sign == "/" else value * self.number

    def exactly(self, value: Fraction) -> Fraction:
        """The same without rounding."""
        number = Fraction(self.number)
        return value / number if self.sign == "/" else value * number

    def words(self) -> str:
        """What is done, such as `divided by 1,000`."""
        return f"{'divided' if self.sign == '/' else 'multiplied'} by {self.number:,.12g}"


UNITS: Final[dict[str, dict[str, Factor | None]]] = {
    "latency_s": {
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), None),
        **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), Factor("/", 1e3)),
        **dict.fromkeys(("us", "\u00b5s", "\u03bcs", "usec", "micros", "microsecond", "microseconds"), Factor("/", 1e6)),
        **dict.fromkeys(("ns", "nsec", "nanos", "nanosecond", "nanoseconds"), Factor("/", 1e9)),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), Factor("*", 60.0)),
    },
    "cost_usd": {
        **dict.fromkeys(("usd", "dollar", "dollars", "$", "us$"), None),
        **dict.fromkeys(("cent", "cents", "\u00a2"), Factor("/", 1e2, is_of_unit=True)),
        **dict.fromkeys(("microusd", "microdollar", "microdollars"), Factor("/", 1e6, is_of_unit=True)),
    },
}
"""Our column -> the last word of a column's name, or the unit in a cell -> what makes our unit of it; None where it is ours."""
_QUANTITIES: Final = {"latency_s": _LATENCY, "cost_usd": _COST}


def expression(theirs: str, columns: Sequence[str], ours: str) -> tuple[str, Factor | None]:
    """The column or path and the factor of `name/NUMBER` or `name*NUMBER`; the name alone of `name LOW:HIGH`.

    A column with the whole text as its name counts first.

    Raises:
        InputError: the text has the form and names a column, but its number is not one above 0.
    """
    if theirs in columns:
        return theirs, None
    if stated_scale(theirs, columns):
        return str(_SCALED.fullmatch(theirs)["name"]), None  # type: ignore[index]
    match = _EXPRESSION.fullmatch(theirs)
    if match is None or find_path(match["name"], columns) is None:
        return theirs, None
    number = float(match["number"]) if _NUMBER.fullmatch(match["number"]) else 0.0
    if not number:
        raise InputError(
            f'{ours} is mapped to "{theirs}", expected a column, NAME/NUMBER or NAME*NUMBER with a number above 0. '
            f"Remedy: put a number in place of {match['number']}, such as 10"
        )
    return match["name"], Factor(match["sign"], number)


def stated_scale(theirs: str, columns: Sequence[str]) -> tuple[float, float] | None:
    """The scale in `name LOW:HIGH`; None if the text is a column's name or has another form.

    Raises:
        InputError: LOW is not below HIGH.
    """
    match = None if theirs in columns else _SCALED.fullmatch(theirs)
    if match is None or find_path(match["name"], columns) is None:
        return None
    try:
        low, high = float(match["low"]), float(match["high"])
    except ValueError:
        return None
    if not low < high:
        raise InputError(f'the scale in "{theirs}" is {low:g} to {high:g}, expected the lower one first. Remedy: correct it')
    return low, high


def unit(ours: str, theirs: str) -> tuple[bool, Factor | None]:
    """Whether the name of a column states its unit, and what makes ours of it.

    Raises:
        InputError: the name is that of a price or of another currency, and `ours` is a cost in USD.
    """
    words = words_of(theirs)
    if ours == "cost_usd" and "per" in words and _TOKENS & {*words[words.index("per") :]}:
        raise InputError(f"{theirs} is a price, not the cost of an answer. Remedy: give the prices of the LLMs with --llms")
    if ours == "cost_usd" and (other := CURRENCIES.keys() & {*words}):
        raise InputError(
            f"{theirs} is in {min(other)}, expected USD. Remedy: convert it with --map {ours}={theirs}*RATE, in USD per unit"
        )
    known = UNITS.get(ours, {})
    said = [word for word in words if word in known]
    if ours == "cost_usd" and len(said) > 1:  # usd_cents
        said = [word for word in said if known[word] is not None]
    return bool(said), known[said[-1]] if said else None


def named_by_unit(ours: str, columns: Sequence[str]) -> list[str]:
    """The columns that name the quantity of `ours` and a unit, such as `latencyMs` for `latency_s`; those in our unit first."""
    found = []
    for column, words in _of_quantity(ours, columns):
        named = words[:-2] if words[-2:-1] and words[-2] in _LINKS else words[:-1]
        if "_".join(named) in _QUANTITIES[ours] and words[-1] in UNITS[ours]:
            found.append((UNITS[ours][words[-1]] is not None, column))
    return [column for _, column in sorted(found, key=lambda pair: pair[0])]


def named_without_unit(ours: str, columns: Sequence[str]) -> str | None:
    """The first column that names the quantity of `ours` and no unit, such as `latency` for `latency_s`."""
    known = {*_QUANTITIES.get(ours, ())} - {*_VAGUE, ours}
    return next((column for column, words in _of_quantity(ours, columns) if "_".join(words) in known), None)


def _of_quantity(ours: str, columns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The columns that may name the quantity of `ours`, and their words; a wide table has many columns."""
    heads = tuple({name.partition("_")[0] for name in _QUANTITIES.get(ours, ())})
    return ((column, words_of(column)) for column in columns if heads and column.lower().startswith(heads))


def words_of(name: str) -> list[str]:
    """The words of `latencyMs`, `latency_ms` or `LATENCY-MS`, in small letters."""
    return [word.lower() for word in _WORDS.findall(name)]
