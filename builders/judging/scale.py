"""The scale that a judge scores on, and what its numbers are as shares of 1."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,17})?|\.[0-9]{1,17})")


def plain_number(text: str) -> float | None:
    """The number that `text` is, in ASCII digits; None for anything else, such as `8/10`, `80%` and `1e3`."""
    found = _NUMBER.fullmatch(text.strip(" \t\r\n"))
    return None if found is None else float(found[0])


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
        if self.values is None:
            return f"a number from {self.low:g} to {self.high:g}"
        whole = [float(n) for n in range(round(self.low), round(self.high) + 1)]
        if len(self.values) > 2 and list(self.values) == whole:
            return f"a whole number from {self.low:g} to {self.high:g}"
        listed = [f"{value:g}" for value in self.values]
        return f"{', '.join(listed[:-1])} or {listed[-1]}"

    def ends(self, text: str) -> bool:
        """Whether a number that begins with `text` can be no other score than `text` itself."""
        number = plain_number(text)
        if number is None or self.share(number) is None:
            return False
        if self.values is None:
            return (text[-1:] != "." and "." in text) or number == self.high
        return not any(longer != text and longer.startswith(text) for longer in (f"{value:g}" for value in self.values))
