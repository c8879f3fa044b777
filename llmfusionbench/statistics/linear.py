"""A figure with the influence of every query on it: the delta method, by arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from llmfusionbench.statistics.arrays import Floats


@dataclass(frozen=True)
class Linear:
    """A figure that is, to first order, a sum over independent queries.

    Sums, differences, products and quotients of such figures of the same Q queries are again such figures (the delta method;
    Davison & Hinkley, Bootstrap Methods and their Application, 1997, 2.7). A quotient by 0 is NaN.
    """

    value: float
    """NaN if no query has a value."""
    influence: Floats
    """[Q] influence of each query; the sum of the squares is the variance of `value`. 0 for a query without a value."""
    freedom: float
    """Degrees of freedom of the variance; 0 if it is unknown."""
    size: float
    """Number of queries with a value; of a mean over groups, that of equal groups with the same variance."""

    @property
    def variance(self) -> float:
        """Variance of the value, in its unit squared; NaN if it is unknown."""
        return float(self.influence @ self.influence) if self.freedom > 0 else math.nan

    def __add__(self, other: Linear | float) -> Linear:
        b = _lifted(other, self)
        return self._with(b, self.value + b.value, self.influence + b.influence)

    def __sub__(self, other: Linear | float) -> Linear:
        return self + _lifted(other, self) * -1.0

    def __mul__(self, other: Linear | float) -> Linear:
        b = _lifted(other, self)
        return self._with(b, self.value * b.value, b.value * self.influence + self.value * b.influence)

    def __truediv__(self, other: Linear | float) -> Linear:
        b = _lifted(other, self)
        if not b.value:
            return self._with(b, math.nan, self.influence)
        quotient = self.value / b.value
        return self._with(b, quotient, (self.influence - quotient * b.influence) / b.value)

    def _with(self, other: Linear, value: float, influence: Floats) -> Linear:
        return Linear(value, influence, min(self.freedom, other.freedom), min(self.size, other.size))


def _lifted(value: Linear | float, like: Linear) -> Linear:
    return value if isinstance(value, Linear) else Linear(value, np.zeros_like(like.influence), math.inf, math.inf)
