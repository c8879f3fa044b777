"""How far judges agree with each other on the answers that they both scored."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from llmfusionbench.evaluation.judges.judgements import Ints, Judgements
from llmfusionbench.evaluation.judges.told import LEAST, Told, bounded, drawn, told, too_small, untold
from llmfusionbench.statistics import Floats, Sample, mean
from llmfusionbench.statistics.alpha import Level, alpha, alpha_draws
from llmfusionbench.statistics.contingency import coded, spearman_draws
from llmfusionbench.statistics.gwet import ac2_draws
from llmfusionbench.statistics.resamples import Resamples

MOST: Final = 12
"""Number of judges, those with the most scores, of which every pair is compared."""
_ONE_VALUE: Final = "not defined: all scores are the same"


@dataclass(frozen=True)
class Agreement:
    """Agreement of two or more judges on the answers that they scored."""

    judges: tuple[str, ...]
    alpha: Told
    """Krippendorff's alpha, interval level."""
    alpha_ordinal: Told
    """Krippendorff's alpha, ordinal level."""
    ac2: Told
    """Gwet's AC2 with quadratic weights."""
    spearman: Told | None
    """Spearman's rank correlation; None for more than two judges."""
    difference: Told | None
    """Mean of the first judge's score less the second's; None for more than two judges."""


@dataclass(frozen=True)
class Agreements:
    """Agreement of every pair of judges, and of all together."""

    pairs: tuple[Agreement, ...]
    panel: Agreement | None
    """None for fewer than three judges, whose panel is the pair."""


def agreements(data: Judgements, resamples: Resamples) -> Agreements:
    """All pairs of the judges that scored answers alone, and the panel of them."""
    given = (~np.isnan(data.scores)).sum(axis=0)
    some = np.argsort(-given, kind="stable")[:MOST]
    kept = [int(j) for j in sorted(some) if given[j]]
    pairs = tuple(_agreement(data, (a, b), resamples) for a, b in combinations(kept, 2))
    return Agreements(pairs, _agreement(data, tuple(kept), resamples) if len(kept) > 2 else None)


def _agreement(data: Judgements, columns: tuple[int, ...], resamples: Resamples) -> Agreement:
    names = tuple(data.judges[j] for j in columns)
    scores = data.scores[:, columns]
    rows = (~np.isnan(scores)).sum(axis=1) >= 2
    scores, query = scores[rows], data.answers.query[rows]
    n, queries = len(scores), len(np.unique(query))
    of_two = len(columns) == 2
    if queries < LEAST:
        small = too_small(n, queries) if n else untold(f"no answer was scored by {'both' if of_two else 'two of them'}")
        return Agreement(names, small, small, small, small if of_two else None, small if of_two else None)
    codes, values = coded(scores)
    return Agreement(
        names,
        _alpha(scores, query, resamples, "interval"),
        _alpha(scores, query, resamples, "ordinal"),
        _share_of(ac2_draws(codes, values, query, resamples), n, queries),
        _share_of(spearman_draws(codes[:, 0], codes[:, 1], query, resamples), n, queries) if of_two else None,
        _difference(scores, query) if of_two else None,
    )


def _alpha(scores: Floats, query: Ints, resamples: Resamples, level: Level) -> Told:
    draws = alpha_draws(scores, query, resamples, level)
    draws[0] = alpha(scores, level)
    return _share_of(draws, len(scores), len(np.unique(query)))


def _share_of(draws: Floats, n: int, queries: int) -> Told:
    return bounded(drawn(draws, n, queries, why=_ONE_VALUE), -1.0, 1.0)


def _difference(scores: Floats, query: Ints) -> Told:
    sample = Sample.of_numbers(query)
    return told(mean(sample.mean(scores[:, 0] - scores[:, 1]), len(scores)), sample.queries)
