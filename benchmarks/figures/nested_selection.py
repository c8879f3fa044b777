"""Nested selection of a router on real scores: learners and settings are chosen in the train folds alone.

    python benchmarks/figures/nested_selection.py RELEASE [--partitions 8 9 10 11] [--leaves 8 15 25] [--widths 0.25 0.5 1.0]
        [--embedder DIRECTORY | --embedder minilm]

In every outer fold, forests of every leaf size and kernel regressions of every width are fitted on the train queries. The
offers are each learner, every pair of forest and regression (their mean), all of these with slopes per task, those with slopes
also along the two, three or four main axes of each task, and `per_task`. The offer that would have gained most on the train
queries, by predictions held out there, routes the test queries. The gain of every offer on the test folds is printed too. The
best of those was picked with a look at the test, so it is optimistic. The exception is `leaf 15 + width 0.5, slopes, rank 3`,
the defaults of `residual_blend`, which were fixed beforehand on partitions 0 to 3 and 12 to 15 of the same queries.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import llmfusionbench as lfb
from llmfusionbench.baselines.routers.kernel_ridge import KernelRidge
from llmfusionbench.baselines.routers.residual_forest import ResidualForest
from llmfusionbench.baselines.routers.shared.departures import TaskAxes, TaskSlopes, departures
from llmfusionbench.baselines.routers.shared.parts import TaskMeans
from llmfusionbench.evaluation.protocol import kfold
from llmfusionbench.evaluation.scenario import scenario_named
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import CachedEmbedder, MiniLMEmbedder

Offer = tuple[np.ndarray, np.ndarray]
"""Departures: held out on the train queries [Q, C], and of the test queries [Q', C]."""


class Options(argparse.Namespace):
    """What is to choose from."""

    leaves: list[int]
    widths: list[float]
    embedder: Any
    """Its name on the command line, and the embedder then."""


def offers(train: RoutingTable, test: RoutingTable, seed: int, options: Options) -> dict[str, Offer]:
    """Everything there is to choose from, fitted on `train`."""
    residual = train.target.astype(np.float64) - TaskMeans().fit(train.tasks, train.target).of(train.tasks)
    truth = departures(residual, np.zeros_like(residual))
    learners: dict[str, Any] = {
        f"leaf {leaf}": ResidualForest(trees=100, leaf=leaf, embedder=options.embedder, seed=seed) for leaf in options.leaves
    }
    learners |= {
        f"width {width}": KernelRidge(form=width, content=width, embedder=options.embedder, seed=seed)
        for width in options.widths
    }
    found = {"per_task": (np.zeros(truth.shape), np.zeros((len(test), truth.shape[1])))}
    averages = {}
    for name, learner in learners.items():
        held_out = learner.fit(train).held_out(train)
        slopes = TaskSlopes().fit(train.tasks, truth, held_out)
        plain = np.nan_to_num(held_out), learner.departure(test.prompts, test.tasks)
        found[name] = plain
        found[f"{name}, slopes"] = plain[0] * slopes.of(train.tasks), plain[1] * slopes.of(test.tasks)
        if isinstance(learner, KernelRidge):
            averages[name] = learner.held_out_[:, -1:], learner.departure_and_average(test.prompts, test.tasks)[1]
    for leaf in options.leaves:
        for width in options.widths:
            for end in ("", ", slopes"):
                one, other = found[f"leaf {leaf}{end}"], found[f"width {width}{end}"]
                found[f"leaf {leaf} + width {width}{end}"] = (one[0] + other[0]) / 2, (one[1] + other[1]) / 2
    middle = f"width {options.widths[len(options.widths) // 2]}"
    for name in [name for name in found if name.endswith("slopes")]:
        average = next((averages[width] for width in averages if width in name), averages[middle])
        whole = found[name][0] + average[0], found[name][1] + average[1]
        for rank in (2, 3, 4):
            found[f"{name}, rank {rank}"] = along_axes(rank, residual, train.tasks, test.tasks, whole, seed)
    return found


def along_axes(rank: int, residual: np.ndarray, seen: list[str], tasks: list[str], whole: Offer, seed: int) -> Offer:
    """An offer along the main axes; for a train query they are those of the other two thirds of train."""
    held = np.zeros_like(whole[0])
    part = np.random.default_rng(seed).permutation(len(seen)) % 3
    names = np.array(seen, object)
    for k in range(3):
        axes = TaskAxes(rank).fit(list(names[part != k]), residual[part != k])
        held[part == k] = axes.of(list(names[part == k]), whole[0][part == k])
    return held, TaskAxes(rank).fit(seen, residual).of(tasks, whole[1])


def partition(table: RoutingTable, seed: int, options: Options) -> dict[str, np.ndarray]:
    """[Q] gain of every offer, and of what was selected, over the best single LLM of the train folds."""
    place = {query: i for i, query in enumerate(table.query_ids)}
    gains: dict[str, np.ndarray] = {}
    for fold in kfold(table, scenario_named("performance_first"), folds=5, seed=seed):
        train, test = fold.train, fold.test
        means = TaskMeans().fit(train.tasks, train.target)
        single = test.performance[:, np.argmax(train.performance.mean(axis=0))]
        rows = [place[query] for query in test.query_ids]
        found = offers(train, test, seed, options)
        inner = {name: reached(train, means, held_out).mean() for name, (held_out, _) in found.items()}
        chosen = max(inner, key=lambda name: inner[name])
        print(f"partition {seed}, {fold.name}: {chosen}", flush=True)
        for name, (_, departure) in [*found.items(), ("SELECTED", found[chosen])]:
            gains.setdefault(name, np.full(len(table), np.nan))[rows] = reached(test, means, departure) - single
    return gains


def reached(table: RoutingTable, means: TaskMeans, departure: np.ndarray) -> np.ndarray:
    """[Q] performance of the candidates with the highest scores."""
    return table.performance[np.arange(len(table)), np.argmax(means.of(table.tasks) + departure, axis=1)].astype(np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=Path)
    parser.add_argument("--partitions", type=int, nargs="*", default=[8, 9, 10, 11], help="seeds of the partitions into folds")
    parser.add_argument("--leaves", type=int, nargs="+", default=[8, 15, 25], help="sizes of the leaves of forests")
    parser.add_argument("--widths", type=float, nargs="+", default=[0.25, 0.5, 1.0], help="of kernels, on form and content")
    parser.add_argument(
        "--embedder", help="`minilm`, or the directory of a sentence-transformers model; TF-IDF + SVD by default"
    )
    parser.add_argument("--cache", type=Path, default=Path("embeddings"), help="where its vectors are kept")
    options = parser.parse_args(namespace=Options())
    table = lfb.open_release(options.release).routing()
    if options.embedder:
        model = MiniLMEmbedder(None if options.embedder == "minilm" else options.embedder)
        options.embedder = CachedEmbedder(model, options.cache)
        options.embedder.encode(table.prompts)
    found = [partition(table, seed, options) for seed in options.partitions]
    print(f"\n{table!r}, partitions {options.partitions}, {options.embedder.id if options.embedder else 'TF-IDF + SVD'}\n")
    print("| | gain over the best single LLM | gain over `per_task` | by partition |\n|---|---|---|---|")
    for name in found[0]:
        gains = np.stack([gains[name] for gains in found])
        beyond = gains - np.stack([gains["per_task"] for gains in found])
        cells = [
            f"{v.mean():+.4f} ± {1.96 * v.mean(axis=0).std() / np.sqrt(v.shape[1]):.4f}" for v in (gains, beyond)
        ]  # a query's gain is its mean over the partitions
        print(f"| {name} | {' | '.join(cells)} | {', '.join(f'{value:+.4f}' for value in beyond.mean(axis=1))} |")


if __name__ == "__main__":
    main()
