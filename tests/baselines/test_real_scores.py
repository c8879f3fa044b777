"""What the baselines reach on real scores: 5,608 queries x 9 LLMs in 5 folds; docs/routing_baselines.md has them all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from llmfusionbench.baselines import ROUTERS
from llmfusionbench.builders import build
from llmfusionbench.evaluation.protocol import kfold
from llmfusionbench.evaluation.routers.decision import decide
from llmfusionbench.evaluation.scenario import scenario_named
from llmfusionbench.release.routing_table import RoutingTable

LOGS = Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", Path(__file__).parents[3] / "shared" / "data")) / "llmrouter"
FILES = ("dcrouter_train.json.gz", "default_query_train.jsonl.gz", "default_llm.json")

pytestmark = pytest.mark.skipif(not LOGS.is_dir(), reason=f"no real logs at {LOGS}; set LLMFUSIONBENCH_REAL_LOGS")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> RoutingTable:
    out = tmp_path_factory.mktemp("real") / "release"
    return build("llmrouter", [LOGS / name for name in FILES], out).routing()


@pytest.fixture(scope="module")
def gained(table: RoutingTable) -> Callable[[str], np.ndarray]:
    """[Q] what a router's choices have above the best single LLM of the same train folds."""
    folds = list(kfold(table, scenario_named("performance_first"), folds=5, seed=0))
    known: dict[str, np.ndarray] = {}

    def performance(name: str) -> np.ndarray:
        if name not in known:
            parts = []
            for fold in folds:
                router = ROUTERS[name]()
                router = router.fit(fold.train) if hasattr(router, "fit") else router
                chosen = decide(router, fold.test, fold.train).choice
                parts.append(fold.test.performance[np.arange(len(fold.test)), chosen])
            known[name] = np.concatenate(parts).astype(np.float64)
        return known[name]

    return lambda name: performance(name) - performance("best_single")


def test_the_table_is_the_one_of_the_figures(table: RoutingTable) -> None:
    assert table.performance.shape == (5608, 9)
    assert not np.isnan(table.performance).any()
    assert table.performance.mean(axis=0).max() == pytest.approx(0.621, abs=5e-4)


def test_oracle_and_labels_bound_the_rest(gained: Callable[[str], np.ndarray]) -> None:
    assert gained("oracle").mean() == pytest.approx(0.180, abs=1e-3)
    assert gained("knn_label").mean() < 0
    assert gained("largest").mean() < gained("smallest").mean() < 0


def test_order_of_the_baselines(gained: Callable[[str], np.ndarray]) -> None:
    knn, aptitude, per_task = (gained(name).mean() for name in ("knn", "aptitude", "per_task"))
    assert 0.025 < knn < aptitude < per_task + 0.002
    assert per_task > 0.045


def test_ours_against_the_mean_of_the_task(gained: Callable[[str], np.ndarray]) -> None:
    ours, kernel, per_task = (gained(name) for name in ("residual_blend", "kernel_ridge", "per_task"))
    assert ours.mean() > 0.052
    # What the prompt adds to the task is .009 on this partition, and about .006 over several.
    beyond = ours - per_task
    assert beyond.mean() > 0.005
    assert beyond.mean() - 1.96 * beyond.std() / np.sqrt(len(beyond)) > 0
    assert (kernel - per_task).mean() > 0
