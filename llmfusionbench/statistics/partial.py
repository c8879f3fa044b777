"""A mean of fewer values than its table has queries."""

from __future__ import annotations

from typing import Self


class PartialMean(float):
    """A mean that is printed with the number of values behind it: `0.967 (n = 119)`."""

    n: int

    def __new__(cls, value: float, n: int) -> Self:
        made = super().__new__(cls, value)
        made.n = n
        return made

    def __format__(self, spec: str) -> str:
        return f"{float(self):{spec}} (n = {self.n:,})"


def counted(value: float | None, n: int, of: int) -> float | None:
    """The mean `value` of `n` values, with its number when it is not `of`, which the reader knows."""
    return value if value is None or n == of else PartialMean(value, n)
