from pathlib import Path
from typing import Any

from llmfusionbench.builders.sources.llmrouter import LLMRouter
from tests.helpers.reading import read, write_json


def query(**changes: Any) -> dict[str, Any]:
    record = {
        "query": "One?",
        "candidates": [
            {"candidate_name": "tiny", "performance": 1.0, "cost": 0.5, "score": 1.0},
            {"candidate_name": "big_think", "performance": None, "cost": None, "score": None},
        ],
        "ground_truth": "tiny",
    }
    return {k: v for k, v in (record | changes).items() if v is not ...}


def test_scaled_costs_are_no_usd(tmp_path: Path) -> None:
    found = read(LLMRouter(), write_json(tmp_path / "performance_train.json", [query()]))
    rows = found.normal_table.select(["llm", "mode", "performance", "cost_usd", "status", "task", "split"]).to_pylist()
    assert [tuple(r.values()) for r in rows] == [
        ("tiny", "direct", 1.0, None, "ok", "unknown", "train"),
        ("big", "think", None, None, "missing", "unknown", "train"),
    ]
    # The ground truth of a router is an LLM, not the answer to the query.
    assert found.normal_table["ground_truth"].null_count == 2


def test_our_own_say_their_unit_and_task(tmp_path: Path) -> None:
    records = [query(cost_unit="USD", task_name="sums", provenance="simulated")]
    found = read(LLMRouter(), write_json(tmp_path / "router_partial_test.json", records))
    assert found.column("cost_usd") == [0.5, None]
    assert set(found.column("task")) == {"sums"}
    assert set(found.column("provenance")) == {"simulated"}
    assert set(found.column("split")) == {"partial_test"}


def test_bad_records_cost_no_other(tmp_path: Path) -> None:
    one = {"candidate_name": "tiny", "performance": 0.5, "cost": 0.1, "score": 0.5}
    records = [
        query(),
        query(query=None),
        query(candidates=[]),
        query(candidates="x"),
        7,
        query(query="Two?", candidates=[one, 5, {"performance": 1}, one | {"candidate_name": "b", "performance": "x"}]),
        query(query="Three?", candidates=[one | {"performance": float("nan")}]),
    ]
    found = read(LLMRouter(), write_json(tmp_path / "r.json", records))
    assert [(r["prompt"], r["llm"]) for r in found.rows] == [
        ("One?", "tiny"),
        ("One?", "big"),
        ("Two?", "tiny"),
        ("Three?", "tiny"),
    ]
    assert [(row, reason.split(",")[0]) for _, row, reason in found.reasons] == [
        (1, "query is missing"),
        (2, "candidates is empty"),
        (3, "the record has no query with a list of candidates"),
        (4, "the record is 7"),
        (5, "candidate: the record is 5"),
        (5, "candidate: candidate_name is missing"),
        (5, 'candidate: performance is "x"'),
    ]
