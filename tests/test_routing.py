"""The routing table's matrices: equal to what a dictionary makes of responses and judge scores, missing where they are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import llmfusionbench as lfb
from llmfusionbench.schema import table_schema
from llmfusionbench.types import Candidate


@pytest.fixture(scope="module")
def sample() -> lfb.Release:
    return lfb.open_release("sample")


@pytest.mark.parametrize("split", [None, "train", "test", "partial_test"])
@pytest.mark.parametrize("failures", [None, "zero", "missing"])
def test_matrices_equal_a_naive_join(sample: lfb.Release, split: str | None, failures: str | None) -> None:
    table = sample.routing(split, failures=failures)
    queries = {r["query_id"]: r for r in sample.table("queries", split).to_table().to_pylist()}
    columns = ["query_id", "llm", "mode", "performance", "cost_usd", "status"]
    cells = {
        (r["query_id"], Candidate(r["llm"], r["mode"]).name): r
        for r in sample.table("responses", split).to_table(columns=columns).to_pylist()
    }
    judged: dict[tuple[str, str], list[float]] = {}
    for r in sample.table("judge_scores", split).to_table(columns=["query_id", "llm", "mode", "score"]).to_pylist():
        if r["score"] is not None:
            judged.setdefault((r["query_id"], Candidate(r["llm"], r["mode"]).name), []).append(r["score"])

    assert sorted(table.query_ids) == sorted(queries)
    assert table.candidates == sorted({name for _, name in cells})
    shape = (len(queries), 40)
    assert table.performance.shape == table.cost.shape == table.judge.shape == shape
    assert table.performance.dtype == table.cost.dtype == table.judge.dtype == np.float32
    for i, query in enumerate(table.query_ids):
        assert table.prompts[i] == queries[query]["prompt"]
        assert table.tasks[i] == queries[query]["task"]
    expected = {name: np.full(shape, np.nan, np.float32) for name in ("performance", "cost", "judge")}
    for i, query in enumerate(table.query_ids):
        for j, name in enumerate(table.candidates):
            cell = cells.get((query, name), {})
            for field, column in (("performance", "performance"), ("cost", "cost_usd")):
                if cell.get(column) is not None:
                    expected[field][i, j] = cell[column]
            if (query, name) in judged:
                expected["judge"][i, j] = np.mean(judged[query, name])
            if failures == "zero" and cell.get("status") in ("error", "empty") and cell["performance"] is None:
                expected["performance"][i, j] = expected["judge"][i, j] = 0
    for field, matrix in expected.items():
        np.testing.assert_array_equal(getattr(table, field), matrix, err_msg=field)
        if failures != "zero":
            assert np.isnan(matrix).any(), f"the sample lacks no {field}: nothing of it is tested here"


def test_the_shown_form(sample: lfb.Release) -> None:
    assert repr(sample.routing()).startswith("RoutingTable(560 queries x 40 candidates, 0.")


def view(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=table_schema("routing").arrow)


def cell(
    name: str, performance: float | None = None, cost: float | None = None, judge: float | None = None
) -> dict[str, object]:
    return {"candidate": name, "performance": performance, "cost_usd": cost, "judge_score": judge}


def test_ragged_queries() -> None:
    """Candidates are met by name: a query that some did not answer shifts nobody."""
    table = lfb.RoutingTable.from_view(
        view(
            [
                {"query_id": "1", "prompt": "p", "task": "t", "candidates": [cell("b", 0.0, 0.5), cell("a", 1.0, None, 0.25)]},
                {"query_id": "2", "prompt": None, "task": "t", "candidates": []},
                {"query_id": "3", "prompt": "q", "task": "u", "candidates": [cell("b_think", None, 0.0)]},
            ]
        )
    )
    nan = np.nan
    assert table.candidates == ["a", "b", "b_think"]
    assert table.prompts == ["p", None, "q"]
    np.testing.assert_array_equal(table.performance, np.array([[1, 0, nan], [nan] * 3, [nan] * 3], np.float32))
    np.testing.assert_array_equal(table.cost, np.array([[nan, 0.5, nan], [nan] * 3, [nan, nan, 0]], np.float32))
    np.testing.assert_array_equal(table.judge, np.array([[0.25, nan, nan], [nan] * 3, [nan] * 3], np.float32))
    assert repr(table) == "RoutingTable(3 queries x 3 candidates, 77.8% unscored)"


def test_no_queries() -> None:
    table = lfb.RoutingTable.from_view(view([]))
    assert (table.query_ids, table.candidates, table.performance.shape) == ([], [], (0, 0))
    assert repr(table) == "RoutingTable(0 queries x 0 candidates, 0.0% unscored)"


def test_queries_that_nobody_answered() -> None:
    table = lfb.RoutingTable.from_view(view([{"query_id": "1", "prompt": "p", "task": "t", "candidates": []}]))
    assert table.performance.shape == (1, 0)


def test_a_sliced_view_in_chunks() -> None:
    rows = [{"query_id": str(i), "prompt": "p", "task": "t", "candidates": [cell("a", i / 10)] * (i % 2)} for i in range(9)]
    whole = pa.concat_tables([view(rows[:4]), view(rows[4:])]).slice(3, 5)
    table = lfb.RoutingTable.from_view(whole)
    assert table.query_ids == ["3", "4", "5", "6", "7"]
    np.testing.assert_allclose(table.performance[:, 0], [0.3, np.nan, 0.5, np.nan, 0.7], rtol=1e-6)


def test_no_such_split(sample: lfb.Release) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match='No split of routing "tests"'):
        sample.routing("tests")


# --- domains, targets, filters


def test_domains_and_llms_come_with_a_release(sample: lfb.Release) -> None:
    table = sample.routing("test")
    domain = {r["query_id"]: r["domain"] for r in sample.table("queries", "test").to_table().to_pylist()}
    assert table.domains == [domain[q] for q in table.query_ids]
    assert table.llm_info == {r["llm"]: r for r in sample.table("llms").to_table().to_pylist()}
    assert {Candidate.parse(c).llm for c in table.candidates} <= table.llm_info.keys()


def test_a_task_is_its_own_domain_where_none_is_given() -> None:
    table = lfb.RoutingTable.from_view(view([{"query_id": "1", "prompt": "p", "task": "t", "candidates": []}]))
    assert table.domains == ["t"]


def test_target() -> None:
    table = lfb.RoutingTable.from_view(view([{"query_id": "1", "prompt": "p", "task": "t", "candidates": [cell("a", 0.5)]}]))
    assert table.target is table.performance
    reward = table.with_target([[0.25]])
    assert reward.target.dtype == np.float32
    assert (reward.target[0, 0], reward.performance[0, 0], table.target[0, 0]) == (0.25, 0.5, 0.5)
    with pytest.raises(lfb.LLMFusionBenchError, match=r"shape \(2, 1\), expected \(1, 1\)"):
        table.with_target([[1], [2]])


def test_rows_and_columns(sample: lfb.Release) -> None:
    table = sample.routing("test").with_target(np.arange(112 * 40).reshape(112, 40))
    mask = np.array([t == "gsm8k" for t in table.tasks])
    by_mask, by_index = table.rows(mask), table.rows(np.flatnonzero(mask).tolist())
    assert set(by_mask.tasks) == {"gsm8k"}
    assert len(by_mask) == mask.sum()
    assert by_mask.query_ids == by_index.query_ids
    for field in ("performance", "cost", "judge", "target"):
        np.testing.assert_array_equal(getattr(by_mask, field), getattr(table, field)[mask])
        np.testing.assert_array_equal(getattr(by_index, field), getattr(by_mask, field))
    turned = table.columns(table.candidates[::-1])
    assert turned.candidates == table.candidates[::-1]
    for field in ("performance", "cost", "judge", "target"):
        np.testing.assert_array_equal(getattr(turned, field), getattr(table, field)[:, ::-1])
    assert table.rows([]).performance.shape == (0, 40)
    with pytest.raises(lfb.LLMFusionBenchError, match='No candidate "gtp"'):
        table.columns(["gtp"])


def test_filters(sample: lfb.Release) -> None:
    table = sample.routing()
    assert set(table.filter(tasks=["gsm8k", "math"]).tasks) == {"gsm8k", "math"}
    assert set(table.filter(domains=["code"]).domains) == {"code"}
    assert table.filter(llms=["deepseek-r1"]).candidates == ["deepseek-r1", "deepseek-r1_think"]
    assert len(table.filter(modes=["think"]).candidates) == 20
    small = table.filter(scales=["small"], modes=["direct"])
    assert small.candidates == sorted(n for n, row in table.llm_info.items() if row["scale"] == "small")
    means = np.nanmean(table.cost.astype(float), axis=0)
    cap = float(np.median(means))
    cheap = table.filter(max_cost=cap)
    assert cheap.candidates == [c for c, m in zip(table.candidates, means, strict=True) if m <= cap]
    assert 0 < len(cheap.candidates) < 40
    assert table.filter().query_ids == table.query_ids
    both = table.filter(tasks=["gsm8k"], domains=["code"])
    assert len(both) == 0


@pytest.mark.parametrize("condition", ["tasks", "domains", "llms", "modes", "scales"])
def test_filters_by_what_there_is_not(sample: lfb.Release, condition: str) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match='"nothing of the kind"'):
        sample.routing().filter(**{condition: ["nothing of the kind"]})


def test_unknown_scales_and_costs_meet_no_condition() -> None:
    table = lfb.RoutingTable.from_view(view([{"query_id": "1", "prompt": "p", "task": "t", "candidates": [cell("a", 0.5)]}]))
    assert table.filter(scales=["small"]).candidates == []
    assert table.filter(max_cost=1e9).candidates == []


def test_a_view_of_the_usual_size() -> None:
    """6,400 queries x 40 candidates."""
    n, names = 6400, [f"m{i:02d}" for i in range(40)]
    field = table_schema("routing").arrow.field("candidates")
    numbers = np.random.default_rng(0).random(n * 40)
    counts = [pa.array([count] * n * 40) for count in (1, 0, 1)]
    parts = [pa.array(names * n), *[pa.array(numbers)] * 3, *counts]
    cells = pa.StructArray.from_arrays(parts, fields=list(field.type.value_type))
    columns = {
        "query_id": pa.array([f"{i:024x}" for i in range(n)]),
        "prompt": pa.array(["a prompt"] * n),
        "task": pa.array(["t"] * n),
        "candidates": pa.ListArray.from_arrays(pa.array(np.arange(n + 1) * 40, pa.int32()), cells),
    }
    whole = pa.table(columns).cast(table_schema("routing").arrow)
    table = lfb.RoutingTable.from_view(whole)
    assert table.performance.shape == (n, 40)
    np.testing.assert_array_equal(table.performance.ravel(), numbers.astype(np.float32))
