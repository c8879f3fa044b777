"""RouterDC: its two losses against their definitions, and what the router learns by them."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from llmfusionbench.baselines.routers.routerdc import RouterDC, _extremes, _sample_llm_loss
from llmfusionbench.baselines.routers.shared.neural import UnitTargets
from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.evaluation.routers.check import check_router
from tests.helpers.learnable import learnable, right_topics

torch = pytest.importorskip("torch", reason="torch is not installed")


def test_conformance() -> None:
    assert len(check_router(RouterDC(steps=40))) >= 8


def test_prompts_are_learned() -> None:
    test = learnable(60, seed=1)
    scores = RouterDC().fit(learnable()).score(test.prompts, test.tasks)
    assert scores.shape == (60, 3)
    assert scores.dtype == np.float32
    assert right_topics(test, scores) > 0.9
    assert np.abs(scores).max() <= 1 + 1e-6


def test_the_sample_llm_loss_is_its_definition() -> None:
    similar = torch.tensor([[2.0, 1.0, -1.0, 0.5]])
    best, worst = torch.tensor([[1.0, 1.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    against = math.exp(-1) + math.exp(0.5)
    expected = sum(-math.log(math.exp(s) / (math.exp(s) + against)) for s in (2.0, 1.0)) / 2
    assert _sample_llm_loss(torch, similar, best, worst).item() == pytest.approx(expected, rel=1e-5)


def test_a_query_that_all_do_equally_well_teaches_nothing() -> None:
    table = learnable(3, missing=0).with_target([[1, 1, 1], [0, 0, 0], [1, 0, np.nan]])
    best, worst = _extremes(UnitTargets.of(table), 3, 3, np.random.default_rng(0))
    assert best.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert worst.tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_of_equal_candidates_some_are_drawn() -> None:
    table = learnable(200, missing=0).with_target(np.tile([1.0, 1.0, 0.0], (200, 1)))
    best, _ = _extremes(UnitTargets.of(table), 1, 1, np.random.default_rng(0))
    assert best.sum(axis=1).tolist() == [1] * 200
    assert 60 < best[:, 0].sum() < 140


def test_the_sample_sample_loss_prefers_clusters_that_hold_together() -> None:
    router = RouterDC(others=8)
    group = torch.tensor([0, 0, 0, 1, 1, 1])
    together = torch.nn.functional.normalize(torch.tensor([[1.0, 0.05 * i] if i < 3 else [0.05 * i, 1.0] for i in range(6)]))
    mixed = together[[0, 3, 1, 4, 2, 5]]
    torch.manual_seed(0)
    assert router._sample_sample_loss(torch, together, group) < 0.5 * router._sample_sample_loss(torch, mixed, group)
    assert router._sample_sample_loss(torch, together, torch.zeros(6, dtype=torch.int64)) == 0


def test_a_seed_decides_everything() -> None:
    table = learnable(60)
    scores = [RouterDC(steps=10, seed=s).fit(table).score(table.prompts, table.tasks) for s in (3, 3, 4)]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_a_fitted_router_can_be_stored() -> None:
    table = learnable(60)
    router = RouterDC(steps=10).fit(table)
    stored = pickle.loads(pickle.dumps(router))
    np.testing.assert_array_equal(router.score(table.prompts, table.tasks), stored.score(table.prompts, table.tasks))


def test_small_tables() -> None:
    table = learnable(30)
    assert RouterDC(steps=5).fit(table).score([], []).shape == (0, 3)
    for small in (table.columns(["blue"]).rows([0, 1, 2]), table.rows([0]), table.rows([0, 0, 0])):
        scores = RouterDC(steps=5).fit(small).score(["x", None], ["colours", "new"])
        assert scores.shape == (2, len(small.candidates))
        assert np.isfinite(scores).all()


def test_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="score before fit"):
        RouterDC().score(["a"], ["t"])
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"llmfusionbench\[torch\]"):
        RouterDC().fit(learnable(10))
