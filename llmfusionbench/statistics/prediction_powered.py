"""Means of few labels and many predictions: prediction-powered inference with power tuning (PPI++).

Angelopoulos, Bates, Fannjiang, Jordan & Zrnic, Prediction-powered inference, Science 382, 2023; Angelopoulos, Duchi & Zrnic,
PPI++, arXiv:2311.01453. Here rows come in clusters, the queries, and the weight of the predictions can be cross-fitted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.arrays import Floats
from llmfusionbench.statistics.linear import Linear
from llmfusionbench.statistics.sample import Sample, pooled


@dataclass(frozen=True)
class PredictionPowered:
    """A mean of labels, with and without the help of predictions."""

    corrected: Linear
    """Prediction-powered mean."""
    classical: Linear
    """Mean of the labels alone."""
    weight: float
    """Weight of the predictions, lambda of PPI++ (the mean over folds): 0 leaves them out, 1 takes them as they are."""
    labelled: int
    """Number n of rows with a label."""
    unlabelled: int
    """Number N of rows with a prediction alone."""

    @property
    def effective(self) -> float:
        """Number of labels that alone would give the variance of `corrected`; NaN if a variance is unknown or 0."""
        if not self.corrected.variance > 0:
            return math.nan
        return self.labelled * self.classical.variance / self.corrected.variance


def prediction_powered_mean(
    label: npt.ArrayLike,
    prediction: npt.ArrayLike,
    sample: Sample,
    *,
    share: npt.ArrayLike | None = None,
    fold: npt.ArrayLike | None = None,
    weight: float | None = None,
    most: float = math.inf,
) -> PredictionPowered:
    """The mean of the labels of all R rows, as far as labels and predictions tell it.

    It is mean(label) - lambda * (mean(prediction | labelled) - mean(prediction | unlabelled)), written with the mean of all
    predictions, so that it also holds where a stratum has no unlabelled row. lambda is that of the least variance: the slope of
    the labels on the predictions, times N / (n + N).

    Args:
        label: [R], NaN = none.
        prediction: [R], all known.
        sample: The queries of the rows.
        share: [R] weights of the labelled rows, so that their strata weigh what they weigh among all rows; 1 by default.
        fold: [R] number of the part of the queries that a row is in; lambda of a fold is that of the rows of the others, so
            that no row's label sets its own weight. By default it is that of all rows.
        weight: A fixed lambda.
        most: The highest lambda; 1 in PPI++. A higher one stretches the scale of a judge that avoids the ends of it.
    """
    y, f = np.asarray(label, np.float64), np.asarray(prediction, np.float64)
    known = ~np.isnan(y)
    w = np.where(known, 1.0 if share is None else np.asarray(share, np.float64), 0.0)
    n, rest = int(known.sum()), int((~known).sum())
    w = w * (n / w.sum()) if w.any() else w
    part = rest / max(1, n + rest)
    places = np.zeros(len(y), np.int64) if fold is None else np.asarray(fold, np.int64)
    slope = np.zeros(len(y))
    for k in np.unique(places):
        mine = places == k
        used = np.ones(len(y), bool) if fold is None else ~mine
        tuned = _tuned(y, f, w, used, sample) * part if weight is None else weight
        slope[mine] = min(max(tuned, 0.0), most) / part if part else 0.0
    centred = slope * (f - f.mean() if len(f) else f)
    filled = np.where(known, y, 0.0)
    classical = pooled(*_totals(filled, w, sample))
    residual = pooled(*_totals(np.where(known, filled - centred, 0.0), w, sample))
    everywhere = pooled(*_totals(centred, np.ones(len(y)), sample))
    return PredictionPowered(residual + everywhere, classical, float(slope.mean()) * part if len(y) else math.nan, n, rest)


def _totals(values: Floats, w: Floats, sample: Sample) -> tuple[Floats, Floats]:
    place, queries = sample.place, sample.queries
    return np.bincount(place, w * values, queries).astype(np.float64), np.bincount(place, w, queries).astype(np.float64)


def _tuned(y: Floats, f: Floats, w: Floats, used: npt.NDArray[np.bool_], sample: Sample) -> float:
    """The slope of the labels on the predictions over clusters of the rows `used`; 0 if it is unknown."""
    known = used & (w > 0)
    n = float(w[known].sum())
    if not n:
        return 0.0

    def of_clusters(values: Floats, rows: npt.NDArray[np.bool_], weights: Floats) -> Floats:
        middle = float(np.average(values[rows], weights=weights[rows]))
        return np.bincount(sample.place[rows], weights[rows] * (values[rows] - middle), sample.queries).astype(np.float64)

    together = float(of_clusters(y, known, w) @ of_clusters(f, known, w)) / n
    spread = of_clusters(f, used, np.ones(len(f)))
    variance = float(spread @ spread) / max(1.0, float(used.sum()) - 1)
    return together / variance if variance > 1e-15 else 0.0
