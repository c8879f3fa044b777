"""Simulated scores with replicates whose components and ceiling are known, as cells and as a built release."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.release import Release
from tests.helpers.made_up_release import answer, made_up_release

LLMS = ("ant", "bee", "cat", "dog")


def logits(tasks: int, candidates: int, *, seed: int = 0) -> np.ndarray:
    """[T, C] logits of candidates' scores on an average query; the last candidate is the best overall."""
    rng = np.random.default_rng(seed)
    level = rng.normal(0.3, 0.8, (tasks, 1))
    return level + np.linspace(-0.8, 0.8, candidates) + rng.normal(0, 0.4, (tasks, candidates))


def expected_scores(
    of_task: np.ndarray, queries: int, *, sigma: float, tau: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Tasks [Q] and expected scores [Q, C] of `queries` queries of each task, spread by sigma and tau (in logits)."""
    task = np.repeat(np.arange(len(of_task)), queries)
    place = of_task[task] + rng.normal(0, sigma, (len(task), 1)) + rng.normal(0, tau, (len(task), of_task.shape[1]))
    return task, 1 / (1 + np.exp(-place))


def drawn(task: np.ndarray, expected: np.ndarray, replicates: int, rng: np.random.Generator, *, least: int = 0) -> Cells:
    """Binary scores; `least` > 0 leaves each cell a random number of replicates, at least this."""
    values = (rng.random((*expected.shape, replicates)) < expected[:, :, None]).astype(float)
    if least:
        values[np.arange(replicates) >= rng.integers(least, replicates + 1, expected.shape)[:, :, None]] = np.nan
    return Cells(values, task)


def replicated_release(folder: Path, *, replicates: int = 3, queries: int = 20, seed: int = 0) -> Release:
    """Two tasks with `queries` queries in train and 2 * queries in test, which LLMS answer `replicates` times each."""
    rng = np.random.default_rng(seed)
    task, expected = expected_scores(logits(2, len(LLMS)), 3 * queries, sigma=1.5, tau=1.5, rng=rng)
    scores = drawn(task, expected, replicates, rng).values
    rows = [
        answer(
            query,
            LLMS[candidate],
            task=("sums", "words")[task[query]],
            split="train" if query % 3 == 0 else "test",
            replicate=replicate,
            performance=scores[query, candidate, replicate],
            cost_usd=0.001 * (candidate + 1),
        )
        for query, candidate, replicate in np.ndindex(scores.shape)
    ]
    return made_up_release(folder, rows)
