"""Linear models on the embedded prompt and the task: ridge regression, logistic regression and a support vector machine.

Ridge is the linear router of RouterBench (arXiv 2403.12031) and of arXiv 2505.12601. Logistic is the probabilistic router of
Hybrid LLM (arXiv 2404.14618). The SVM on labels is that of FusionFactory (arXiv 2507.10540).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, best_labels, failures_last, ridge
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class Ridge(PromptRouter):
    """score = mean of the task + ridge regression of the residual on the prompt vector and the task.

    Args:
        penalty: L2 penalty of the weights.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    penalty: float = 30.0

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        self.means_ = TaskMeans().fit(table.tasks, target)
        self.weights_ = ridge(vectors, target - self.means_.of(table.tasks), self.penalty)

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        predicted: Array = self.means_.of(tasks) + vectors @ self.weights_
        return predicted


@dataclass(kw_only=True, eq=False)
class Logistic(PromptRouter):
    """The probability that a candidate succeeds, by one logistic regression per candidate.

    Targets are scaled to 0..1 by their range on train. A target between 0 and 1 counts as that share of a success.

    Args:
        strength: Inverse of the penalty, C in scikit-learn.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    strength: float = 0.3

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        from sklearn.linear_model import LogisticRegression

        low, high = float(np.nanmin(target)), float(np.nanmax(target))
        share = (target - low) / (high - low or 1.0)
        prior = (np.nanmean(share) + np.nansum(share, axis=0)) / (1 + (~np.isnan(share)).sum(axis=0))
        self.weights_ = np.zeros((vectors.shape[1], share.shape[1]))
        self.intercepts_ = np.log(np.clip(prior, 1e-3, 1 - 1e-3) / np.clip(1 - prior, 1e-3, 1 - 1e-3))
        for column in range(share.shape[1]):
            rows = ~np.isnan(share[:, column])
            weight = np.concatenate([share[rows, column], 1 - share[rows, column]])
            label = np.repeat([1, 0], rows.sum())
            keep = weight > 0
            if len(set(label[keep])) < 2:
                continue
            model = LogisticRegression(C=self.strength, max_iter=200, tol=1e-3)
            model.fit(np.tile(vectors[rows], (2, 1))[keep], label[keep], sample_weight=weight[keep])
            self.weights_[:, column], self.intercepts_[column] = model.coef_[0], model.intercept_[0]

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[Q, C] probabilities."""
        logits = vectors @ self.weights_ + self.intercepts_
        chances: Array = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        return chances


@dataclass(kw_only=True, eq=False)
class SVM(PromptRouter):
    """Linear support vector machines, one per candidate, that predict which candidate is the best; ties go to the cheapest.

    Args:
        strength: Inverse of the penalty, C in scikit-learn.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Random seed of the solver.
    """

    strength: float = 0.1
    seed: int = 0

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        from sklearn.svm import LinearSVC

        rows = ~np.isnan(target).all(axis=1)
        labels = best_labels(failures_last(target, table)[rows], table.cost)
        features = vectors[rows]
        self.weights_ = np.zeros((features.shape[1] + 1, target.shape[1]))
        self.weights_[-1] = -2.0  # lower than the scores of candidates that are sometimes the best
        for column in np.unique(labels):
            if (labels == column).all():
                self.weights_[-1, column] = 1.0
                continue
            model = LinearSVC(C=self.strength, random_state=self.seed).fit(features, labels == column)
            self.weights_[:-1, column], self.weights_[-1, column] = model.coef_[0], model.intercept_[0]

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[Q, C] signed distances from the hyperplanes."""
        distances: Array = vectors @ self.weights_[:-1] + self.weights_[-1]
        return distances
