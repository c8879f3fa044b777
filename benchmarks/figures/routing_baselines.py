"""Prints the table of docs/routing_baselines.md: every baseline by 5-fold cross-validation on a release of real scores.

    python benchmarks/figures/routing_baselines.py RELEASE [--router NAME ...] [--seeds 1] [--embedder DIRECTORY]

Gains are means over queries, where a query counts with its mean over the partitions into folds. Intervals are 1.96 standard
errors of that mean. Both references, the best single LLM and `per_task`, are fitted on the same train folds.
"""

from __future__ import annotations

import argparse
import inspect
import time
from pathlib import Path
from typing import Any

import numpy as np

import llmfusionbench as lfb
from llmfusionbench.baselines import ROUTERS
from llmfusionbench.evaluation.protocol import kfold
from llmfusionbench.evaluation.routers.decision import decide
from llmfusionbench.evaluation.scenario import scenario_named
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import CachedEmbedder, Embedder, MiniLMEmbedder

NEED_TORCH = {"bert", "graph", "routerdc"}


def made(name: str, seed: int, embedder: Embedder | None) -> Any:
    """A router of the registry, with the seed and the embedder if it takes them."""
    parameters = inspect.signature(ROUTERS[name]).parameters
    asked = {"seed": seed, "embedder": embedder}
    return ROUTERS[name](**{key: value for key, value in asked.items() if key in parameters})


def outcomes(name: str, table: RoutingTable, seed: int, embedder: Embedder | None) -> np.ndarray:
    """[Q] the target of the router's choices, in the order of the table."""
    place = {query: i for i, query in enumerate(table.query_ids)}
    got = np.full(len(table), np.nan)
    for fold in kfold(table, scenario_named("performance_first"), folds=5, seed=seed):
        router = made(name, seed, embedder)
        if hasattr(router, "fit"):
            router.fit(fold.train)
        choice = decide(router, fold.test, fold.train).choice
        # Raw performance: what the scenario scales per task is a choice's target, not what it is worth.
        got[[place[query] for query in fold.test.query_ids]] = fold.test.performance[np.arange(len(fold.test)), choice]
    return got


def figure(values: np.ndarray) -> str:
    return f"{np.nanmean(values):+.4f} ± {1.96 * np.nanstd(values) / np.sqrt(len(values)):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=Path)
    parser.add_argument("--router", nargs="*", default=sorted(set(ROUTERS) - NEED_TORCH))
    parser.add_argument("--seeds", type=int, default=1, help="partitions into folds")
    parser.add_argument("--embedder", type=Path, help="directory of a sentence-transformers model; TF-IDF + SVD by default")
    parser.add_argument("--cache", type=Path, default=Path("embeddings"), help="where its vectors are kept")
    options = parser.parse_args()
    table = lfb.open_release(options.release).routing()
    embedder = None
    if options.embedder:
        embedder = CachedEmbedder(MiniLMEmbedder(options.embedder), options.cache)
    seeds = range(options.seeds)
    reference = {
        name: np.mean([outcomes(name, table, seed, None) for seed in seeds], axis=0) for name in ("best_single", "per_task")
    }
    rows = []
    for name in options.router:
        start = time.perf_counter()
        got = np.mean([outcomes(name, table, seed, embedder) for seed in seeds], axis=0)
        seconds = (time.perf_counter() - start) / len(seeds) / 5
        gains = [got - reference[other] for other in ("best_single", "per_task")]
        rows.append((float(np.nanmean(got)), f"| `{name}` | {figure(gains[0])} | {figure(gains[1])} | {seconds:.1f} |"))
        print(rows[-1][1], flush=True)
    print(f"\n{table!r}, {len(seeds)} partition(s) into 5 folds, {embedder.id if embedder else 'TF-IDF + SVD'}\n")
    print("| router | gain over the best single LLM | gain over `per_task` | s a fold |\n|---|---|---|---|")
    print("\n".join(text for _, text in sorted(rows, reverse=True)))


if __name__ == "__main__":
    main()
