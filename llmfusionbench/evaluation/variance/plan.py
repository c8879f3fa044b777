"""How many queries with how many samples would tell the attainable ceiling, planned from scores without replicates."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.ceiling import attainable_gain, jackknife
from llmfusionbench.evaluation.variance.logistic import scores_of
from llmfusionbench.evaluation.variance.prior import Prior, priors
from llmfusionbench.statistics import Floats

SHARES: Final = (0.25, 0.75)
"""Shares of luck in what one sample leaves unexplained that a plan allows for."""

SAMPLES: Final = (2, 5)
"""Numbers of samples per query and candidate that are planned for."""

_QUERIES: Final = 200
"""Queries of a simulation."""


class Plan(NamedTuple):
    """A number of samples per query and candidate, and the queries that it takes."""

    samples: int
    queries: int


def plan(cells: Cells, *, half_width: float = 0.01, samples: tuple[int, ...] = SAMPLES, seed: int = 0) -> list[Plan]:
    """The number of queries whose 95% interval of the attainable gain would have this half-width, for each number of samples.

    One sample per cell cannot tell luck from query x candidate. Luck is assumed to be a quarter and three quarters of the two
    together, scores are simulated from the prior that follows, all tasks taken as one, and the assumption that needs
    most queries counts. Half-widths shrink with the square root of the number of queries.
    """
    whole = Cells(cells.values, np.zeros_like(cells.task))
    made = [priors(whole, luck_share=share)[0] for share in SHARES]
    found = []
    for n in samples:
        widest = max(half_width_of(prior, _QUERIES, n, seed + i) for i, prior in enumerate(made))
        found.append(Plan(n, math.ceil(_QUERIES * (widest / half_width) ** 2)))
    return found


def half_width_of(prior: Prior, queries: int, samples: int, seed: int) -> float:
    """Half the width of the interval of the attainable gain on simulated scores of a prior."""
    cells = simulated(prior, queries, samples, seed)
    best = int(prior.location.argmax())
    found = jackknife(attainable_gain(cells, cells.mean[:, best], seed=seed), queries)
    return (found.high - found.low) / 2


def simulated(prior: Prior, queries: int, samples: int, seed: int) -> Cells:
    """Scores of queries of one task whose expected scores follow the prior."""
    rng = np.random.default_rng(seed)
    candidates = len(prior.location)
    theta, own = rng.normal(size=(queries, 1)), rng.normal(size=(queries, candidates))
    expected: Floats = scores_of(prior.location + prior.sigma * theta + prior.tau * own)
    shape = (queries, candidates, samples)
    if prior.phi < 1:
        trials = (1 - prior.phi) / prior.phi  # a beta distribution whose variance is phi times that of binary scores
        expected = np.clip(expected, 1e-6, 1 - 1e-6)[:, :, None]
        values = rng.beta(trials * expected, trials * (1 - expected), size=shape)
    else:
        values = (rng.random(shape) < expected[:, :, None]).astype(np.float64)
    return Cells(values, np.zeros(queries, np.int64))
