"""Finds the option whose text is the number that an answer gives: "12 m/s" is 12.0 m/s, and -12 is not 12."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from llmfusionbench.scoring.answers.choices.options import Options
from llmfusionbench.scoring.answers.numbers.numbers import Number, numbers_in, plain_numbers

_LENGTH: Final = 60
"""Longest text that is read as a number with its unit, in characters."""
_AROUND: Final = " \t\n.,;:*_`\"'()[]{}=~\u2248"
_HEDGE: Final = re.compile(r"(?:(?:about|approximately|roughly|around|exactly|simply|just|only|equal to)\s)+", re.IGNORECASE)
_LATEX: Final = re.compile(r"\\(?:boxed|text|mathrm|mathbf|left|right|,|;|:|!|\s|[()\[\]])|[{}~]|\$(?!\d)")
_MINUS: Final = re.compile(r"(?<![\w)] )\bminus\s(?=\.?\d)", re.IGNORECASE)
_FACTOR: Final = re.compile(r"(?:[xyz]{1,3}|[nkpqrw]|pi|sqrt)(?![A-Za-z])")
_NUMBER: Final = re.compile(r"[$(]{0,2}-?\.?\d")
_FACTOR_AFTER: Final = re.compile(r"\s?(?:\\(?:pi|sqrt)\b|\u03c0|\u221a|[xyz](?![A-Za-z]))")
_NOT_UNIT: Final = re.compile(r"[^\w%\u00b0\u00b5/^]+")


class Quantity(NamedTuple):
    """A number and its unit."""

    number: Number
    unit: str
    """As written, without spaces and brackets; empty without one."""


def named_by_number(text: str, options: Options) -> str | None:
    """The label of the only option that is the number in `text`; None if `text` is more than a number and its unit.

    A number without a unit stands for the same number with one, if there is only one such option. A variable and pi are no
    units: 2x and 2 are not the same.
    """
    given = _quantity(text)
    if given is None:
        return None
    found = [
        (label, quantity.unit)
        for label, quantity in zip(options.labels, _quantities(options.texts), strict=False)
        if quantity is not None and quantity.number.equals(given.number)
    ]
    same = [label for label, unit in found if unit == given.unit]
    near = same or [label for label, unit in found if not (unit and given.unit) and not _factor(unit + given.unit)]
    return near[0] if len(near) == 1 else None


def other_number(text: str, option: str) -> bool:
    """Whether `text` and the text of an option are numbers with their units, and not the same number: 48 and -48, 2 and 2x.

    A longer `text` has another number than the option if it has that one only with a sign or a factor: "the sum is -48".
    """
    given, wanted = _quantity(text), _quantity(option)
    if wanted is None:
        return False
    if given is not None:
        one_factor = given.unit != wanted.unit and (_factor(given.unit) or _factor(wanted.unit))
        return one_factor or not given.number.equals(wanted.number)
    return not _stands_alone(_plain(text), _plain(option).strip())


def _stands_alone(text: str, option: str) -> bool:
    """Whether `text` has a number as it is written in an option, or does not have it as written at all."""
    if _NUMBER.match(option) is None:
        return True
    place = text.find(option)
    if place < 0:
        return not option.startswith("-") or option[1:] not in text
    while place >= 0:
        signed = text[place - 1 : place] == "-" and not text[max(0, place - 2) : place - 1].isalnum()
        if not signed and _FACTOR_AFTER.match(text, place + len(option)) is None:
            return True
        place = text.find(option, place + 1)
    return False


def _factor(unit: str) -> bool:
    """Whether a unit is a variable or a constant, which multiplies the number."""
    return _FACTOR.match(unit) is not None


@lru_cache(maxsize=8192)
def _quantities(texts: tuple[str, ...]) -> tuple[Quantity | None, ...]:
    return tuple(map(_quantity, texts))


def _plain(text: str) -> str:
    return plain_numbers(_MINUS.sub("-", text) if "inus " in text else text)


def _quantity(text: str) -> Quantity | None:
    if len(text) > _LENGTH or not any(char.isdigit() for char in text):
        return None
    plain = _plain(_LATEX.sub(" ", text) if "\\" in text or "$" in text else text).strip(_AROUND)
    hedge = _HEDGE.match(plain)
    plain = plain if hedge is None else plain[hedge.end() :]
    found = numbers_in(plain, 2)
    if len(found) != 1 or found[0].start != 0:
        return None
    return Quantity(found[0].number, _NOT_UNIT.sub("", plain[found[0].end :]).replace("\u03c0", "pi"))
