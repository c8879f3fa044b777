"""Linear models on the embedded prompt and the task: scores by ridge regression, chances of success, labels by an SVM.

Ridge is the linear router of RouterBench's comparisons (arXiv 2403.12031) and of arXiv 2505.12601; the chances are the
probabilistic router of Hybrid LLM (arXiv 2404.14618); the SVM on labels is the one of FusionFactory (arXiv 2507.10540).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, best_labels, learned, ridge, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


class Ridge:
    """Score = mean of the task + ridge regression of what is left on the prompt's vector and the task.

    Args:
        penalty: Of the squared weights.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(self, *, penalty: float = 30.0, embedder: Embedder | None = None) -> None:
        self.penalty = penalty
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> Ridge:
        """Solve for the weights; every candidate on the queries that it has a score for."""
        target = target_of(table)
        self.means_ = TaskMeans().fit(table.tasks, target)
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        residual = target - self.means_.of(table.tasks)
        self.weights_ = ridge(self.features_.of(table.prompts, table.tasks), residual, self.penalty)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores."""
        features: Features = learned(self, "features_")
        predicted: Array = self.means_.of(tasks) + features.of(prompts, tasks) @ self.weights_
        return predicted


class Logistic:
    """A candidate's chance of success, by a logistic regression of its own; a score between 0 and 1 counts as so much success.

    Args:
        strength: Inverse of the penalty, as scikit-learn has it.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(self, *, strength: float = 0.3, embedder: Embedder | None = None) -> None:
        self.strength = strength
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> Logistic:
        """One regression a candidate. Targets are brought to 0..1 by their range on the train table."""
        from sklearn.linear_model import LogisticRegression

        target = target_of(table)
        low, high = float(np.nanmin(target)), float(np.nanmax(target))
        share = (target - low) / (high - low or 1.0)
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        features = self.features_.of(table.prompts, table.tasks)
        prior = (np.nanmean(share) + np.nansum(share, axis=0)) / (1 + (~np.isnan(share)).sum(axis=0))
        self.weights_ = np.zeros((features.shape[1], share.shape[1]))
        self.intercepts_ = np.log(np.clip(prior, 1e-3, 1 - 1e-3) / np.clip(1 - prior, 1e-3, 1 - 1e-3))
        for column in range(share.shape[1]):
            rows = ~np.isnan(share[:, column])
            weight = np.concatenate([share[rows, column], 1 - share[rows, column]])
            label = np.repeat([1, 0], rows.sum())
            keep = weight > 0
            if len(set(label[keep])) < 2:
                continue
            model = LogisticRegression(C=self.strength, max_iter=200, tol=1e-3)
            model.fit(np.tile(features[rows], (2, 1))[keep], label[keep], sample_weight=weight[keep])
            self.weights_[:, column], self.intercepts_[column] = model.coef_[0], model.intercept_[0]
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] chances, 0..1."""
        features: Features = learned(self, "features_")
        logits = features.of(prompts, tasks) @ self.weights_ + self.intercepts_
        chances: Array = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        return chances


class SVM:
    """A linear support vector machine that tells the best candidate of a query; ties go to the cheapest.

    Args:
        strength: Inverse of the penalty, as scikit-learn has it.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Of the solver.
    """

    def __init__(self, *, strength: float = 0.1, embedder: Embedder | None = None, seed: int = 0) -> None:
        self.strength = strength
        self.embedder = embedder
        self.seed = seed

    def fit(self, table: RoutingTable) -> SVM:
        """One machine a candidate against the rest; queries without a score are left out."""
        from sklearn.svm import LinearSVC

        target = target_of(table)
        rows = ~np.isnan(target).all(axis=1)
        labels = best_labels(target[rows], table.cost)
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        features = self.features_.of(table.prompts, table.tasks)[rows]
        self.weights_ = np.zeros((features.shape[1] + 1, target.shape[1]))
        self.weights_[-1] = -2.0  # below what the machines say of a candidate that is never the best
        for column in np.unique(labels):
            if (labels == column).all():
                self.weights_[-1, column] = 1.0
                continue
            model = LinearSVC(C=self.strength, random_state=self.seed).fit(features, labels == column)
            self.weights_[:-1, column], self.weights_[-1, column] = model.coef_[0], model.intercept_[0]
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] signed distances."""
        features: Features = learned(self, "features_")
        distances: Array = features.of(prompts, tasks) @ self.weights_[:-1] + self.weights_[-1]
        return distances
