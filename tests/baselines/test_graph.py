"""The graph router: learns from edges, hears from tasks, and never sees what it is to predict."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from llmfusionbench.baselines.routers.graph import GraphRouter, _llm_features
from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.evaluation.routers.check import check_router, made_up_table
from llmfusionbench.texts.embedding import TfidfSvdEmbedder
from tests.helpers.learnable import learnable, right_topics

torch = pytest.importorskip("torch", reason="torch is not installed")


def test_conformance() -> None:
    assert len(check_router(GraphRouter(steps=40))) >= 8


def test_prompts_are_learned() -> None:
    test = learnable(60, seed=1)
    scores = GraphRouter(steps=200).fit(learnable()).score(test.prompts, test.tasks)
    assert scores.shape == (60, 3)
    assert scores.dtype == np.float32
    assert right_topics(test, scores) > 0.8
    assert 0 <= scores.min() < scores.max() <= 1


def test_tasks_are_learned_where_prompts_say_nothing() -> None:
    table = made_up_table(120, seed=0)
    table = replace(table, prompts=["the same words"] * 120)
    scores = GraphRouter(steps=200).fit(table).score(["the same words"] * 2, ["sums", "capitals"])
    weak = [table.candidates.index(name) for name in ("code-7b", "code-7b_think")]
    assert (scores[0, weak] > scores[1, weak] + 0.1).all()


def test_scores_are_in_the_units_of_the_target() -> None:
    table = learnable()
    scores = GraphRouter(steps=60).fit(table.with_target(table.performance * 4 - 3)).score(table.prompts, table.tasks)
    plain = GraphRouter(steps=60).fit(table).score(table.prompts, table.tasks)
    np.testing.assert_allclose(scores, plain * 4 - 3, atol=1e-3)


def test_the_edges_to_predict_are_not_in_the_graph() -> None:
    """Targets at random cannot be learned; a router that saw them among its messages would know them."""
    table = learnable(80, missing=0)
    noise = np.random.default_rng(5).random((80, 3)).round().astype(np.float32)
    router = GraphRouter(steps=100, batch_size=20, context=40)
    sizes: list[tuple[set[bytes], set[bytes]]] = []
    predict = router._predict

    def watched(torch_module, graph, x, task):
        sizes.append(({row.tobytes() for row in graph[0].numpy()}, {row.tobytes() for row in x.numpy()}))
        return predict(torch_module, graph, x, task)

    router._predict = watched  # type: ignore[method-assign]
    router.fit(table.with_target(noise))
    assert len(sizes) == 100
    distinct = {row.tobytes() for row in router.embedder_.encode(table.prompts)}
    assert len(distinct) > 75, "prompts differ, so that a query is known by its features"
    assert all(not graph & batch for graph, batch in sizes)


def test_a_seed_decides_everything_and_leaves_no_trace() -> None:
    table = learnable(60)
    torch.manual_seed(7)
    first = GraphRouter(steps=10, seed=3).fit(table).score(table.prompts, table.tasks)
    after = torch.rand(1).item()
    torch.manual_seed(7)
    assert after == torch.rand(1).item()
    again = GraphRouter(steps=10, seed=3).fit(table).score(table.prompts, table.tasks)
    other = GraphRouter(steps=10, seed=4).fit(table).score(table.prompts, table.tasks)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_fitted_router_can_be_stored() -> None:
    table = learnable(60)
    router = GraphRouter(steps=10).fit(table)
    stored = pickle.loads(pickle.dumps(router))
    np.testing.assert_array_equal(router.score(table.prompts, table.tasks), stored.score(table.prompts, table.tasks))


def test_a_candidate_without_scores_is_no_favourite() -> None:
    table = learnable(120)
    performance = table.performance.copy()
    performance[:, 1] = np.nan
    router = GraphRouter(steps=60).fit(replace(table, performance=performance))
    scores = router.score(table.prompts, table.tasks)
    assert np.isfinite(scores).all()
    assert scores[:, 1].mean() < scores[:, 0].mean() + 0.1


def test_what_is_not_known_of_an_llm_says_nothing() -> None:
    table = made_up_table(10, seed=0)
    features = _llm_features(table, TfidfSvdEmbedder().fit(table.prompts))
    assert features.shape[0] == len(table.candidates)
    assert np.isfinite(features).all()
    assert features[:, -1].tolist() == [0, 1, 0, 1, 0, 1]
    unknown = _llm_features(replace(table, llm_info={}), TfidfSvdEmbedder().fit(table.prompts))
    assert (unknown[:, -4:-1] == 0).all()


def test_small_tables() -> None:
    table = learnable(30)
    assert GraphRouter(steps=5).fit(table).score([], []).shape == (0, 3)
    for small in (table.columns(["blue"]).rows([0, 1, 2]), table.rows([0]), table.rows([0, 0, 0])):
        scores = GraphRouter(steps=5).fit(small).score(["x", None], ["colours", "new"])
        assert scores.shape == (2, len(small.candidates))
        assert np.isfinite(scores).all()


def test_errors() -> None:
    table = learnable(10)
    with pytest.raises(InputError, match="score before fit"):
        GraphRouter().score(["a"], ["t"])
    with pytest.raises(InputError, match="10 queries without a single score"):
        GraphRouter().fit(table.with_target(np.full((10, 3), np.nan)))


def test_torch_is_asked_for_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"llmfusionbench\[torch\]"):
        GraphRouter().fit(learnable(10))
