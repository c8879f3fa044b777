"""The scale that a judge scores on, and what its numbers are as shares of 1."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,17})?|\.[0-9]{1,17})")


def plain_number(text: str) -> float | None:
    """The number that `text` is, in ASCII digits; None for anything else, such as `8/10`, `80%` and `1e3`."""
    found = _NUMBER.fullmatch(text.strip(" \t\r\n"))
    return None if found is None else float(found[0])


@lru_cache(maxsize=4096)
def in_digits(number: float) -> str:
    """A finite number in plain digits, which `plain_number` reads: 0.0000001 and 1000000, not 1e-07 and 1e+06."""
    return format(Decimal(repr(float(number))), "f").removesuffix(".0")


def can_be_stated(number: float) -> bool:
    """Whether a reply can state a finite number: with up to 9 digits before the point, and 17 after it."""
    return plain_number(in_digits(number)) == number


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`. With `values`, no other number is a score."""

    low: float = 0.0
    high: float = 1.0
    values: tuple[float, ...] | None = None
    """In ascending order; None: every number in between."""

    def share(self, number: float) -> float | None:
        """A number of the scale as a share of 1; None for one that it lacks."""
        if not math.isfinite(number) or not self.low <= number <= self.high:
            return None
        if self.values is not None and number not in self.values:
            return None
        return (number - self.low) / (self.high - self.low)

    def words(self) -> str:
        """The scale in the words of a prompt."""
        ends = f"from {in_digits(self.low)} to {in_digits(self.high)}"
        if self.values is None:
            return f"a number {ends}"
        whole = [float(n) for n in range(round(self.low), round(self.high) + 1)]
        if len(self.values) > 2 and list(self.values) == whole:
            return f"a whole number {ends}"
        listed = [in_digits(value) for value in self.values]
        return f"{', '.join(listed[:-1])} or {listed[-1]}"

    def ends(self, text: str) -> bool:
        """Whether a number that begins with `text` can be no other score than `text` itself."""
        number = plain_number(text)
        if number is None or self.share(number) is None:
            return False
        if self.values is None:  # every further digit leads away from 0
            return number == (self.low if text.lstrip().startswith("-") else self.high)
        return not any(longer != text and longer.startswith(text) for longer in map(in_digits, self.values))

    def ends_if_likely(self, text: str) -> bool:
        """Whether a likely token that ends with `text` counts as a whole number: as `ends`, and without `values` if it has a
        digit behind a point, such as 0.4, although 0.45 begins like it."""
        number = plain_number(text)
        has_decimals = self.values is None and "." in text and text[-1:] != "."
        return self.ends(text) or (has_decimals and number is not None and self.share(number) is not None)
