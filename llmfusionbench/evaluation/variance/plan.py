"""How many queries with how many samples would tell the attainable ceiling, planned from scores without replicates."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from llmfusionbench.evaluation.variance.best_of import expected_best
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.logistic import scores_of
from llmfusionbench.evaluation.variance.prior import Prior, priors
from llmfusionbench.statistics import Floats
from llmfusionbench.statistics.student import NORMAL_QUANTILE

LUCK: Final = 0.25
"""Assumed share of luck in what one sample per cell leaves unexplained. With more luck, fewer queries are needed."""

SAMPLES: Final = 2
"""Samples per query and candidate that are planned for. More of them save few queries, since queries differ more."""

_QUERIES: Final = 100
"""Queries of a simulated log."""

_LOGS: Final = 50
"""Simulated logs: the number of queries is then known to about 20%, the standard error of their variance."""


def queries_needed(cells: Cells, *, samples: int = SAMPLES, half_width: float = 0.01, seed: int = 0) -> int:
    """The number of queries whose 95% interval of the attainable gain would have about this half-width.

    One sample per cell cannot tell luck from query x candidate. Luck is assumed to be a quarter of the two together, and logs
    are simulated from the prior that follows, all tasks taken as one. Half-widths shrink with the square root of the number
    of queries.

    Args:
        cells: Scores from 0 to 1, one per cell.
        samples: Number of samples per query and candidate.
        half_width: Half-width to reach.
        seed: Random seed of the simulation.
    """
    whole = Cells(cells.values, np.zeros_like(cells.task))
    error = standard_error(priors(whole, luck_share=LUCK)[0], samples, seed)
    return math.ceil(_QUERIES * (NORMAL_QUANTILE * error / half_width) ** 2)


def standard_error(prior: Prior, samples: int, seed: int) -> float:
    """Standard deviation of the attainable gain over the candidate with the highest mean, among simulated logs."""
    best = int(prior.location.argmax())
    seeds = np.random.SeedSequence(seed).spawn(_LOGS)
    logs = [simulated(prior, _QUERIES, samples, np.random.default_rng(one)) for one in seeds]
    return float(np.std([(expected_best(cells) - cells.mean[:, best]).mean() for cells in logs], ddof=1))


def simulated(prior: Prior, queries: int, samples: int, rng: np.random.Generator) -> Cells:
    """Scores of queries of one task whose expected scores follow the prior."""
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
