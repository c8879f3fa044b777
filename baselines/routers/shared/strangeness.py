"""Five distances of a prompt from the train prompts, and the threshold above which `guarded` declines it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.parts import Array
from llmfusionbench.baselines.routers.shared.surface import surface_features

_HASHES: Final = 2**18
_WORDS: Final = r"\w+|[^\w\s]"
_VIEWS: Final = (
    {"token_pattern": _WORDS},
    {"token_pattern": _WORDS, "ngram_range": (2, 2)},
    {"analyzer": "char_wb", "ngram_range": (3, 3)},
)
_PRIOR: Final = 500.0
"""Weight of all train prompts in the language model of a task, in words."""
_CHUNK: Final = 512
_PENALTY: Final = 1e-3


@dataclass(frozen=True)
class Views:
    """Prompts as counts of words, word pairs and letter trigrams (hashed, [n, 2**18]), and their surface features."""

    counts: tuple[Any, ...]
    form: Array

    def rows(self, which: npt.NDArray[np.bool_]) -> Views:
        """The prompts of a mask."""
        return replace(self, counts=tuple(matrix[which] for matrix in self.counts), form=self.form[which])


def views(prompts: Sequence[str | None]) -> Views:
    """The views of prompts; a missing prompt counts as an empty one."""
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import HashingVectorizer

    # The hashes are of UTF-8, which cannot encode lone surrogates.
    texts = [(prompt or "").encode("utf-8", "replace").decode("utf-8") for prompt in prompts]
    form = surface_features(texts).astype(np.float64)
    if not texts:  # scikit-learn rejects an empty list
        texts = [""]
    readers = [HashingVectorizer(n_features=_HASHES, alternate_sign=False, norm=None, **view) for view in _VIEWS]
    return Views(tuple(csr_array(reader.transform(texts))[: len(form)] for reader in readers), form)


class Strangeness:
    """Distances of prompts from the train prompts, one per column.

    For each of the three counts: 1 - cosine similarity with the nearest train prompt by TF-IDF, in which unseen words weigh
    most. Then the distance to the nearest surface features. Then the mean surprise of a word, in nats, under the most likely
    task (unigrams, shrunk towards those of all tasks).
    """

    columns: Final = len(_VIEWS) + 2

    def fit(self, seen: Views, tasks: npt.NDArray[np.int64]) -> Strangeness:
        """Store the train prompts and learn the words of each task; `tasks` [n] are numbers."""
        from scipy.sparse import csr_array

        seen_in = [np.bincount(matrix.indices, minlength=_HASHES) for matrix in seen.counts]
        self.idf_ = [np.log((1 + len(tasks)) / (1 + frequency)) + 1 for frequency in seen_in]
        self.weighted_ = [_weighted(matrix, idf) for matrix, idf in zip(seen.counts, self.idf_, strict=True)]
        self.centre_, self.spread_ = seen.form.mean(axis=0), seen.form.std(axis=0) + 1e-6
        self.form_ = (seen.form - self.centre_) / self.spread_
        kinds, task = np.unique(tasks, return_inverse=True)
        member = csr_array((np.ones(len(tasks)), (task, np.arange(len(tasks)))), shape=(len(kinds), len(tasks)))
        words = csr_array(member @ seen.counts[0])
        total = words.sum(axis=0)
        prior = _PRIOR * (total + 1) / (total.sum() + 2**14)
        self.prior_, self.length_ = np.log(prior), np.log(words.sum(axis=1) + _PRIOR)
        self.words_ = csr_array((np.log1p(words.data / prior[words.indices]), words.indices, words.indptr), shape=words.shape)
        return self

    def of(self, asked: Views) -> Array:
        """[Q, columns]"""
        parts = [asked.rows(np.arange(len(asked.form)) // _CHUNK == k) for k in range(-(-len(asked.form) // _CHUNK))]
        return np.vstack([np.zeros((0, self.columns)), *map(self._of, parts)])

    def _of(self, asked: Views) -> Array:
        similarity = [
            (_weighted(matrix, idf) @ kept.T).toarray().max(axis=1)
            for matrix, idf, kept in zip(asked.counts, self.idf_, self.weighted_, strict=True)
        ]
        form = (asked.form - self.centre_) / self.spread_
        squares = (form**2).sum(axis=1)[:, None] - 2 * form @ self.form_.T + (self.form_**2).sum(axis=1)
        words = asked.counts[0]
        length = words.sum(axis=1)
        chances = (words @ self.prior_)[:, None] + (words @ self.words_.T).toarray() - length[:, None] * self.length_
        surprise = -chances.max(axis=1) / np.maximum(length, 1)
        return np.stack([*(1 - x for x in similarity), np.sqrt(np.maximum(squares.min(axis=1), 0)), surprise], axis=1)


def held_out(seen: Views, tasks: npt.NDArray[np.int64], part: npt.NDArray[np.int64]) -> Array:
    """[n, d] the distances of each query from the queries of the other parts."""
    found = np.zeros((len(tasks), Strangeness.columns))
    for k in range(part.max() + 1):
        if (part != k).any():
            found[part == k] = Strangeness().fit(seen.rows(part != k), tasks[part != k]).of(seen.rows(part == k))
    return found


def weights_of(distances: Array, weight: Array) -> Array:
    """[d] weights of a non-negative logistic regression; `weight` [n] is negative for queries of known tasks."""
    from scipy.optimize import minimize

    sign = np.sign(weight)

    def loss(at: Array) -> tuple[float, Array]:
        margin = sign * (distances @ at[1:] + at[0])
        slope = -weight / (1 + np.exp(margin))
        value = (np.abs(weight) * np.logaddexp(0, -margin)).sum() + _PENALTY * (at[1:] ** 2).sum()
        return value, np.r_[slope.sum(), distances.T @ slope + 2 * _PENALTY * at[1:]]

    width = distances.shape[1]
    bounds = [(None, None), *[(0, None)] * width]
    found: Array = minimize(loss, np.zeros(width + 1), jac=True, bounds=bounds, method="L-BFGS-B").x[1:]
    return found


def threshold_of(known: Array, unknown: Array, each: Array, served: float) -> float:
    """The cut that maximises the harmonic mean of the share of `unknown` above it and `served` * the share of `known` below."""
    cuts = np.unique(np.quantile(np.r_[known, unknown], np.linspace(0, 1, 401)))
    declined = np.array([each[unknown > cut].sum() for cut in cuts])
    brought = served * np.array([(known <= cut).mean() for cut in cuts])
    total = declined + brought
    return float(cuts[np.argmax(np.where(total > 0, declined * brought / np.where(total > 0, total, 1), 0))])


def _weighted(counts: Any, idf: Array) -> Any:
    """[n, 2**18] TF-IDF rows of unit length, or zero."""
    weighted = counts.copy()
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    norms = np.sqrt(weighted.power(2).sum(axis=1))
    weighted.data /= np.repeat(np.where(norms > 0, norms, 1), np.diff(weighted.indptr))
    return weighted
