"""The task mean plus a kernel ridge regression, per task, that predicts how a query departs from it.

Kernel ridge regression is from Saunders et al. (1998). The closed form of its leave-one-out predictions is in Rasmussen and
Williams (2006), 5.4.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.departures import departures, query_averages
from llmfusionbench.baselines.routers.shared.parts import Array, Indices, TaskMeans, learned
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.baselines.routers.shared.surface import surface_features
from llmfusionbench.release.routing_table import RoutingTable

_PENALTIES: Final = (1.0, 3.0, 10.0, 30.0, 100.0)
_ROWS: Final = 4096
"""Number of queries scored at a time."""


@dataclass(kw_only=True, eq=False)
class KernelRidge(PromptRouter):
    """score = mean of the task + sum over the task's train queries of weight * exp(-form * d_form - content * d_content).

    d_form is the squared distance of the prompts' surface features, standardised within the task; d_content that of their
    centred vectors. Both are scaled to a mean squared norm of 1. Each task uses the penalty with the smallest leave-one-out
    error.

    Args:
        form: Weight of the squared distance in form; 0 ignores it.
        content: Weight of the squared distance in content; 0 ignores it.
        most: Maximum number of train queries used per task, drawn at random: the time grows with their cube.
        strength: Weight of the overall mean in the mean of a task, in queries.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Random seed of the draw.
    """

    form: float = 0.5
    content: float = 0.5
    most: int = 1500
    strength: float = 5.0
    seed: int = 0
    sees_task = False

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        self.means_ = TaskMeans(self.strength).fit(table.tasks, target)
        means = self.means_.of(table.tasks)
        departure, average = departures(target, means), query_averages(target, means)
        forms = _forms(table.prompts)
        self.held_out_ = np.full((len(table), departure.shape[1] + 1), np.nan)
        self.tasks_: dict[str, _Task] = {}
        rng = np.random.default_rng(self.seed)
        for task, rows in _rows_of(table.tasks):
            rows = rows if len(rows) <= self.most else np.sort(rng.permutation(rows)[: self.most])
            model = _Task.of(forms[rows], vectors[rows], (self.form, self.content))
            self.held_out_[rows] = model.fit(departure[rows], average[rows])
            self.tasks_[task] = model

    def departure(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted departures from the task mean; 0 for an unseen task."""
        return self.departure_and_average(prompts, tasks)[0]

    def departure_and_average(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> tuple[Array, Array]:
        """[Q, C] departures, and [Q, 1] how much easier the query is than its task for the average candidate; 0 as above."""
        models: dict[str, _Task] = learned(self, "tasks_")
        predicted = np.zeros((len(prompts), len(self.candidates_) + 1))
        if not len(prompts):
            return predicted[:, :-1], predicted[:, -1:]
        forms, contents = _forms(prompts), self.features_.of(prompts, tasks)
        for task, rows in _rows_of(tasks):
            for start in range(0, len(rows) if task in models else 0, _ROWS):
                some = rows[start : start + _ROWS]
                predicted[some] = models[task].predict(forms[some], contents[some])
        return predicted[:, :-1], predicted[:, -1:]

    def held_out(self, table: RoutingTable) -> Array:
        """[Q, C] leave-one-out departures of the train table; NaN for queries that were not used."""
        held: Array = learned(self, "held_out_")
        return held[:, :-1]

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores, up to a constant per query."""
        means: TaskMeans = learned(self, "means_")
        return means.of(tasks) + self.departure(prompts, tasks)


@dataclass
class _Task:
    """The regression of one task: the scaling of its inputs, the scaled inputs, and the dual weights."""

    centres: tuple[Array, Array]
    scales: tuple[Array, Array]
    widths: tuple[float, float]
    inputs: tuple[Array, Array]
    dual: Array

    @classmethod
    def of(cls, forms: Array, contents: Array, widths: tuple[float, float]) -> _Task:
        centres = forms.mean(axis=0), contents.mean(axis=0)
        spread = forms.std(axis=0)
        varies = spread > 1e-9
        length = np.sqrt(((contents - centres[1]) ** 2).sum(axis=1).mean())
        # Features that are constant within the task would only add noise for new queries.
        per_form = np.where(varies, 1 / np.where(varies, spread, 1), 0) / np.sqrt(max(1, varies.sum()))
        per_content = np.full(contents.shape[1], 1 / length if length > 1e-9 else 0.0)
        model = cls(centres, (per_form, per_content), widths, (forms[:0], contents[:0]), np.zeros((0, 0)))
        model.inputs = model._scaled(forms, contents)
        return model

    def fit(self, *targets: Array) -> Array:
        """Fit each target with its own penalty, and return the leave-one-out predictions [n, columns of all targets]."""
        values, vectors = np.linalg.eigh(self._kernel(*self.inputs))
        found = [self._regressed(values, vectors, target) for target in targets]
        self.dual = np.hstack([dual for dual, _ in found])
        return np.hstack([held for _, held in found])

    def _regressed(self, values: Array, vectors: Array, target: Array) -> tuple[Array, Array]:
        """Dual weights and leave-one-out predictions [n, C] of one target, from the eigendecomposition of the kernel."""
        given = ~np.isnan(target)
        filled = np.where(given, target, 0)
        errors = []
        for penalty in _PENALTIES:
            shares = 1 / (np.maximum(values, 0) + penalty)
            left_out = (vectors @ (shares[:, None] * (vectors.T @ filled))) / ((vectors**2) @ shares)[:, None]
            errors.append((np.where(given, left_out, 0) ** 2).sum())
        shares = 1 / (np.maximum(values, 0) + _PENALTIES[int(np.argmin(errors))])
        return _solved((vectors * shares) @ vectors.T, filled, given)

    def predict(self, forms: Array, contents: Array) -> Array:
        """[n, C]"""
        predicted: Array = self._kernel(*self._scaled(forms, contents)) @ self.dual
        return predicted

    def _scaled(self, forms: Array, contents: Array) -> tuple[Array, Array]:
        # Clipped at four standard deviations, so that one feature cannot isolate a query.
        far = 4 * (self.scales[0].max(initial=0) > 0) / np.sqrt(max(1, (self.scales[0] > 0).sum()))
        form = np.clip((forms - self.centres[0]) * self.scales[0], -far, far)
        return form, (contents - self.centres[1]) * self.scales[1]

    def _kernel(self, forms: Array, contents: Array) -> Array:
        """[n, train queries]"""
        exponent = np.zeros((len(forms), len(self.inputs[0])))
        for left, right, width in zip((forms, contents), self.inputs, self.widths, strict=True):
            exponent += width * ((left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T)
        return np.exp(-np.maximum(exponent, 0))


def _solved(inverse: Array, filled: Array, given: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Dual weights [n, C] and leave-one-out predictions [n, C] of each column on its given rows.

    `inverse` is that of kernel + penalty over all rows. The rows that a column misses are removed from it blockwise, and get
    dual weights of 0.
    """
    dual = inverse @ filled
    diagonal = np.repeat(np.diag(inverse)[:, None], filled.shape[1], axis=1)
    for column in np.flatnonzero(~given.all(axis=0)):
        gaps = ~given[:, column]
        block = np.linalg.solve(inverse[np.ix_(gaps, gaps)], inverse[gaps])
        dual[:, column] -= block.T @ dual[gaps, column]
        diagonal[:, column] -= (inverse[:, gaps] * block.T).sum(axis=1)
        dual[gaps, column] = 0
    held = np.where(given, filled - dual / np.where(given, diagonal, 1), np.nan)
    return dual, held


def _forms(prompts: Sequence[str | None]) -> Array:
    return surface_features(prompts).astype(np.float64)


def _rows_of(tasks: Sequence[str]) -> Iterator[tuple[str, Indices]]:
    names = np.array(list(tasks), object)
    for task in sorted(set(tasks)):
        yield task, np.flatnonzero(names == task)
