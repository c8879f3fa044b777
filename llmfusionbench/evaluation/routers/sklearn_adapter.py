"""scikit-learn classifiers and regressors as routers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from llmfusionbench.errors import InputError
from llmfusionbench.evaluation.routers.decision import best_cells
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder, TfidfSvdEmbedder


def is_estimator(router: Any) -> bool:
    """Whether `router` is a classifier or regressor: it has fit, predict and get_params, and no route."""
    return all(hasattr(router, name) for name in ("fit", "predict", "get_params")) and not hasattr(router, "route")


class EstimatorRouter:
    """A classifier or regressor as a router; its features are the embedded prompt and the one-hot task.

    A classifier learns which candidate is best (ties to the cheapest) and is scored by its probabilities. A regressor learns
    the target of every candidate: all at once if it supports that and no value is missing, else one copy per candidate on
    the queries that have a value.

    Args:
        estimator: Stays unfitted; a copy is fitted.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(self, estimator: Any, embedder: Embedder | None = None) -> None:
        self.estimator = estimator
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> EstimatorRouter:
        """Fit a copy of the estimator. Raises InputError without any value, or for a pipeline with a text vectorizer."""
        from sklearn.base import clone, is_classifier

        first = getattr(self.estimator, "steps", [("", None)])[0][1]
        if hasattr(first, "build_analyzer"):  # scikit-learn's vectorizers of texts
            raise InputError(
                f"the pipeline begins with {type(first).__name__}, which reads texts, but it gets numbers: the embedded prompt "
                "and the task. Remedy: drop that step, or wrap the pipeline in a class with fit and score"
            )
        self.candidates_ = list(table.candidates)
        self.tasks_ = sorted(set(table.tasks))
        self.embedder_ = self.embedder if self.embedder is not None else TfidfSvdEmbedder()
        learn = getattr(self.embedder_, "fit", None)
        if learn is not None:
            learn(table.prompts)
        features = self._features(table.prompts, table.tasks)
        self.is_classifier_ = is_classifier(self.estimator)
        known = ~np.isnan(table.target)
        if not known.any():
            raise InputError("fit: no cell of the train table has a value. Remedy: score the release first")
        if self.is_classifier_:
            best = best_cells(table.target, table.cost)
            self.fitted_ = [clone(self.estimator).fit(features[best >= 0], best[best >= 0])]
        elif known.all() and self.estimator.__sklearn_tags__().target_tags.multi_output:
            self.fitted_ = [clone(self.estimator).fit(features, table.target)]
        else:
            self.fitted_ = [
                clone(self.estimator).fit(features[rows], table.target[rows, c]) if rows.any() else None
                for c, rows in enumerate(known.T)
            ]
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> npt.NDArray[np.float64]:
        """[Q, C]; -inf for a candidate that was never best, or never had a value."""
        features = self._features(prompts, tasks)
        scores = np.full((len(prompts), len(self.candidates_)), -np.inf)
        if not len(prompts):
            return scores
        if not self.is_classifier_:
            if len(self.fitted_) == 1 and len(self.candidates_) > 1:
                return np.asarray(self.fitted_[0].predict(features), np.float64)
            for c, model in enumerate(self.fitted_):
                if model is not None:
                    scores[:, c] = np.asarray(model.predict(features), np.float64).reshape(-1)
            return scores
        (model,) = self.fitted_
        if hasattr(model, "predict_proba"):
            scores[:, model.classes_] = model.predict_proba(features)
        else:
            scores[np.arange(len(prompts)), np.asarray(model.predict(features), np.int64)] = 1.0
        return scores

    def _features(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> npt.NDArray[np.float32]:
        one_hot = np.array([[task == known for known in self.tasks_] for task in tasks], np.float32)
        return np.hstack([self.embedder_.encode(prompts), one_hot.reshape(len(prompts), len(self.tasks_))])
