"""Bias and coverage of the attainable ceiling and of the components of variance, on simulated logs whose truth is known.

    python benchmarks/figures/ceiling.py

Prints the tables of docs/evaluation.md. Every log is drawn from a seed, so that the same figures come out every time.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.evaluation.variance.best_of import expected_best
from llmfusionbench.evaluation.variance.ceiling import ceiling
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.components import components

Floats = npt.NDArray[np.float64]
Log = tuple[npt.NDArray[np.int64], Floats]
"""Task of each query [Q], and expected scores [Q, C]."""

MANY: Final = 50_000
"""Queries per task from which a true gain is computed."""
MODEL: Final = (
    # what, tasks, queries per task, candidates, most answers, least answers, sigma, tau, logs
    ("2 x 60, 4, 2", 2, 60, 4, 2, 2, 1.5, 1.5, 150),
    ("3 x 80, 8, 2", 3, 80, 8, 2, 2, 1.5, 1.5, 60),
    ("3 x 80, 8, 1 to 3", 3, 80, 8, 3, 1, 1.5, 1.5, 60),
    ("3 x 80, 8, 3 (little luck)", 3, 80, 8, 3, 3, 1.5, 5.0, 60),
    ("3 x 80, 8, 2 (almost all luck)", 3, 80, 8, 2, 2, 1.5, 0.2, 60),
    ("3 x 80, 8, 3 (equal candidates)", 3, 80, 8, 3, 3, 1.5, 0.0, 24),
    ("3 x 300, 8, 3 (equal candidates)", 3, 300, 8, 3, 3, 1.5, 0.0, 12),
)
SHAPES: Final = ("beta", "sure or between", "families", "guesses")


def levels(tasks: int, candidates: int, tau: float) -> Floats:
    """[T, C] logits of candidates on an average query; equal ones if tau is 0."""
    rng = np.random.default_rng(0)
    task = rng.normal(0.3, 0.8, (tasks, 1))
    if not tau:
        return task + np.zeros((tasks, candidates))
    return task + np.linspace(-0.8, 0.8, candidates) + rng.normal(0, 0.4, (tasks, candidates))


def scores_of(place: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-place))
    return found


def model(level: Floats, queries: int, sigma: float, tau: float, rng: np.random.Generator) -> Log:
    """A log that follows the model of the estimate."""
    task = np.repeat(np.arange(len(level)), queries)
    spread = rng.normal(0, sigma, (len(task), 1)) + rng.normal(0, tau, (len(task), level.shape[1]))
    return task, scores_of(level[task] + spread)


def shaped(kind: str, tasks: int, queries: int, candidates: int, rng: np.random.Generator) -> Log:
    """A log that does not."""
    task = np.repeat(np.arange(tasks), queries)
    place = levels(tasks, candidates, 1.0)[task] + rng.normal(0, 1.5, (len(task), 1))
    easy = scores_of(place)
    if kind == "beta":
        return task, rng.beta(easy + 1e-9, 1 - easy + 1e-9)
    if kind == "sure or between":
        between = rng.uniform(0.2, 0.8, easy.shape)
        return task, np.where(rng.random(easy.shape) < 0.4, between, rng.random(easy.shape) < easy)
    if kind == "families":
        family = rng.normal(0, 1.2, (len(task), candidates // 2)).repeat(2, axis=1)
        return task, scores_of(place + family + rng.normal(0, 0.9, easy.shape))
    return task, 0.25 + 0.75 * scores_of(place - 1 + rng.normal(0, 1.5, easy.shape))


def drawn(log: Log, most: int, rng: np.random.Generator, least: int | None = None) -> Cells:
    """Binary answers, `least` to `most` per cell."""
    task, expected = log
    values = (rng.random((*expected.shape, most)) < expected[:, :, None]).astype(float)
    if least is not None and least < most:
        values[np.arange(most) >= rng.integers(least, most + 1, expected.shape)[:, :, None]] = np.nan
    return Cells(values, task)


def of_the_model(row: tuple[Any, ...]) -> str:
    what, tasks, queries, candidates, most, least, sigma, tau, logs = row
    level, rng = levels(tasks, candidates, tau), np.random.default_rng(1)
    _, expected = model(level, MANY, sigma, tau, rng)
    best = candidates - 1
    truth = float((expected.max(axis=1) - expected[:, best]).mean())
    found = []
    for seed in range(logs):
        cells = drawn(model(level, queries, sigma, tau, rng), most, rng, least)
        made = ceiling(cells, np.full(len(cells.task), best), seed=seed)
        inside = made.attainable.low <= truth <= made.attainable.high
        found.append([made.attainable.value - truth, inside, made.at_most.value - truth, made.at_least.value - truth])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(logs)
    inside = sum(one[1] for one in found)
    bias = f"{mean[0]:+.3f} (error {error[0]:.3f})"
    return f"| {what} | {truth:.3f} | {bias} | {inside:.0f} of {logs} | {mean[2]:+.3f} | {mean[3]:+.3f} |"


def of_other_shapes(row: tuple[str, int, int, int, int]) -> str:
    kind, tasks, queries, candidates, logs = row
    rng = np.random.default_rng(2)
    found = []
    for _ in range(logs):
        log = shaped(kind, tasks, queries, candidates, rng)
        found.append(expected_best(drawn(log, 2, rng)).mean() - log[1].max(axis=1).mean())
    return (
        f"| {kind} | {tasks} x {queries}, {candidates}, 2 | {np.mean(found):+.3f} (error {np.std(found) / np.sqrt(logs):.3f}) |"
    )


def of_components(logs: int) -> str:
    """Normal effects of known variance: 60 queries, 8 candidates that are the same in all logs, 1 to 3 answers."""
    truth = {"candidate": 0.3, "query": 1.0, "query_x_candidate": 0.5, "luck": 0.8}
    same = np.linspace(-1, 1, 8) / np.linspace(-1, 1, 8).std(ddof=1) * np.sqrt(truth["candidate"])
    rng = np.random.default_rng(3)
    rows = []
    for seed in range(logs):
        query = rng.normal(0, np.sqrt(truth["query"]), (60, 1))
        expected = same + query + rng.normal(0, np.sqrt(truth["query_x_candidate"]), (60, 8))
        values = expected[:, :, None] + rng.normal(0, np.sqrt(truth["luck"]), (60, 8, 3))
        values[np.arange(3) >= rng.integers(1, 4, (60, 8))[:, :, None]] = np.nan
        split = components(Cells(values, np.zeros(60, np.int64)), resamples=200, seed=seed).variance
        found = ((split[name], true) for name, true in truth.items())
        rows.append([value for made, true in found for value in (made.value - true, made.low <= true <= made.high)])
    mean, error = np.mean(rows, axis=0), np.std(rows, axis=0) / np.sqrt(logs)
    return "\n".join(
        f"| {name} | {true:.1f} | {mean[2 * i]:+.3f} (error {error[2 * i]:.3f}) | {mean[2 * i + 1] * logs:.0f} of {logs} |"
        for i, (name, true) in enumerate(truth.items())
    )


def main() -> None:
    others = [(kind, *size, 12) for size in ((4, 100, 10), (4, 200, 40)) for kind in SHAPES]
    others.append(("guesses", 14, 15, 20, 12))
    work: list[tuple[Callable[..., str], Any]] = [(of_the_model, row) for row in MODEL]
    work += [(of_other_shapes, row) for row in others] + [(of_components, 200)]
    with ProcessPoolExecutor(2) as pool:
        lines = list(pool.map(_run, work))
    print("| tasks x queries, candidates, answers | attainable | bias | in the interval | bias of at_most | bias of at_least |")
    print("|---|---|---|---|---|---|", *lines[: len(MODEL)], sep="\n")
    print(
        "\n| expected scores | tasks x queries, candidates, answers | bias |\n|---|---|---|", *lines[len(MODEL) : -1], sep="\n"
    )
    print("\n| component | true variance | bias | coverage |\n|---|---|---|---|", lines[-1], sep="\n")


def _run(job: tuple[Callable[..., str], Any]) -> str:
    function, argument = job
    return function(argument)


if __name__ == "__main__":
    main()
