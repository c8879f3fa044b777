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
_NOT_UNIT: Final = re.compile(r"[^\w%\u00b0\u00b5/^]+")


class Quantity(NamedTuple):
    """A number and its unit."""

    number: Number
    unit: str
    """As written, without spaces and brackets; empty without one."""


def named_by_number(text: str, options: Options) -> str | None:
    """The label of the only option that is the number in `text`; None if `text` is more than a number and its unit.

    A number without a unit stands for the same number with one, if there is only one such option.
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
    near = same or [label for label, unit in found if not (unit and given.unit)]
    return near[0] if len(near) == 1 else None


@lru_cache(maxsize=8192)
def _quantities(texts: tuple[str, ...]) -> tuple[Quantity | None, ...]:
    return tuple(map(_quantity, texts))


def _quantity(text: str) -> Quantity | None:
    if len(text) > _LENGTH or not any(char.isdigit() for char in text):
        return None
    plain = plain_numbers(_LATEX.sub(" ", text) if "\\" in text or "$" in text else text).strip(_AROUND)
    hedge = _HEDGE.match(plain)
    plain = plain if hedge is None else plain[hedge.end() :]
    found = numbers_in(plain, 2)
    if len(found) != 1 or found[0].start != 0:
        return None
    return Quantity(found[0].number, _NOT_UNIT.sub("", plain[found[0].end :]))
