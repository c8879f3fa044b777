"""Ranking metrics: how well a router ranks all candidates of a query."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics import Floats, ratio

RANKS: Final = (1, 3, 5)
"""The k of NDCG@k and Hit@k."""


def ranking(scores: Floats, performance: npt.ArrayLike, cost: npt.ArrayLike) -> dict[str, Floats]:
    """NDCG@k, Hit@k and MRR of every query.

    Relevance is performance. NDCG averages the discounts of equal scores (McSherry & Najork 2008), and is missing if all
    candidates score 0. Every candidate with the highest performance is a hit, unless that is 0. Equal scores are ordered by
    cost, as in the router's choice.

    Args:
        scores: [Q, C] the higher, the better.
        performance: [Q, C]; candidates without a value do not count.
        cost: [Q, C] or [1, C] USD, which breaks ties.

    Returns:
        name -> [Q]; NaN without candidates to rank.
    """
    relevance = np.asarray(performance, np.float64)
    known = ~np.isnan(relevance)
    gain = np.where(known, relevance, 0.0)
    rank_by = np.where(known, scores, -np.inf)
    price = np.broadcast_to(np.where(np.isnan(cost), np.inf, np.asarray(cost, np.float64)), gain.shape)
    order = np.lexsort((price, -rank_by, ~known), axis=1)
    columns = np.arange(gain.shape[1])
    discount = np.where(known.sum(axis=1, keepdims=True) > columns, 1 / np.log2(columns + 2), 0.0)
    best = gain.max(axis=1, keepdims=True, initial=0.0)
    hit = np.take_along_axis(known & (gain == best) & (best > 0), order, axis=1)
    sorted_scores = np.take_along_axis(rank_by, order, axis=1)
    sorted_gain = np.take_along_axis(gain, order, axis=1)
    ideal = -np.sort(-gain, axis=1)
    possible = best[:, 0] > 0
    found: dict[str, Floats] = {}
    for k in RANKS:
        cut = np.where(columns < k, discount, 0.0)
        found[f"ndcg_at_{k}"] = ratio((_shared(cut, sorted_scores) * sorted_gain).sum(axis=1), (cut * ideal).sum(axis=1))
        found[f"hit_at_{k}"] = np.where(possible, hit[:, :k].any(axis=1), np.nan)
    if gain.shape[1]:
        found["mrr"] = np.where(possible, 1 / (hit.argmax(axis=1) + 1.0), np.nan)
    return found


def _shared(discount: Floats, scores: Floats) -> Floats:
    """`discount` [Q, C] averaged over each run of equal scores in a row."""
    if not scores.shape[1]:
        return discount
    with np.errstate(invalid="ignore"):  # -inf equals -inf
        starts = np.concatenate([np.ones((len(scores), 1), bool), scores[:, 1:] != scores[:, :-1]], axis=1)
    run = np.cumsum(starts, axis=1) - 1 + scores.shape[1] * np.arange(len(scores))[:, None]
    total = np.bincount(run.ravel(), discount.ravel(), minlength=scores.size)
    size = np.bincount(run.ravel(), minlength=scores.size)
    means: Floats = (total / np.maximum(size, 1))[run]
    return means
