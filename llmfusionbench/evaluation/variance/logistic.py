"""The logistic-normal distribution of a cell's expected score: its moments, and its mass on a grid of scores."""

from __future__ import annotations

import math
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from llmfusionbench.statistics import Floats

BINS: Final = 48
"""Bins of the grid. They are narrow towards 0 and 1, where expected scores pile up; the widest is 0.033."""

EDGES: Final[Floats] = np.sin(np.pi / 2 * np.arange(1, BINS) / BINS) ** 2
"""[BINS - 1] inner edges."""

POINTS: Final[Floats] = np.sin(np.pi / 2 * (np.arange(BINS) + 0.5) / BINS) ** 2
"""[BINS] the score that stands for each bin."""

_LOGITS: Final[Floats] = np.log(EDGES / (1 - EDGES))
_SPREADS: Final[Floats] = np.geomspace(0.05, 15, 40)
_UNITS: Final[Floats] = np.linspace(-8, 8, 161)
_NORMAL: Final[Floats] = np.linspace(-8, 8, 3_201)
_CUMULATIVE: Final[Floats] = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in _NORMAL])


def scores_of(logits: Floats) -> Floats:
    """The expected scores of logits, elementwise."""
    scores: Floats = 1 / (1 + np.exp(-logits))
    return scores


class Cell(NamedTuple):
    """Moments of logistic(a + spread * Z) with a standard normal Z, for all spreads and all a of a grid."""

    mean: Floats
    """[spreads, units]; a = unit * sqrt(1 + spread^2)"""
    square: Floats
    """[spreads, units] mean square"""


@cache
def _moments() -> Cell:
    z = np.linspace(-5, 5, 201)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    place = _UNITS[None, :, None] * np.sqrt(1 + _SPREADS**2)[:, None, None] + _SPREADS[:, None, None] * z
    score = scores_of(place)
    return Cell(score @ weight, score**2 @ weight)


def spread_of(means: Floats, square: float) -> tuple[Floats, float]:
    """Locations [C] and the common spread of logistic-normal scores with these means [C] and this mean square of all.

    A mean square that no spread reaches gives the least or the largest spread of the grid.
    """
    table = _moments()
    unit = np.array([np.interp(means, row, _UNITS) for row in table.mean])
    squares = np.array([np.interp(u, _UNITS, row).mean() for u, row in zip(unit, table.square, strict=True)])
    place = float(np.interp(square, np.maximum.accumulate(squares), np.arange(len(_SPREADS))))
    spread = float(np.exp(np.interp(place, np.arange(len(_SPREADS)), np.log(_SPREADS))))
    low = min(int(place), len(_SPREADS) - 2)
    part = place - low
    scaled = (1 - part) * unit[low] + part * unit[low + 1]
    return scaled * math.sqrt(1 + spread**2), spread


def mean_of(location: Floats, spread: float) -> Floats:
    """Mean of logistic(location + spread * Z), elementwise, by interpolation between the spreads of the grid."""
    table = _moments()
    place = float(np.interp(math.log(max(spread, _SPREADS[0])), np.log(_SPREADS), np.arange(len(_SPREADS))))
    low = min(int(place), len(_SPREADS) - 2)
    part = place - low
    unit = location / math.sqrt(1 + spread**2)
    found: Floats = (1 - part) * np.interp(unit, _UNITS, table.mean[low]) + part * np.interp(unit, _UNITS, table.mean[low + 1])
    return found


def mass(location: Floats, spread: float) -> Floats:
    """[..., BINS] probability of each bin for logistic(location + spread * Z)."""
    z = (_LOGITS - location[..., None]) / max(spread, 1e-6)
    below = np.interp(z, _NORMAL, _CUMULATIVE)
    ends = np.zeros((*location.shape, 1))
    found: Floats = np.diff(np.concatenate([ends, below, ends + 1], axis=-1), axis=-1)
    return found
