"""The embedded sample, pinned: the counts of every table, and its rows 0, 9 and last."""

from __future__ import annotations

from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.schema import TABLES, table_schema

SPLITS = ("train", "partial_test", "test")


@pytest.fixture(scope="module")
def sample() -> lfb.Release:
    return lfb.open_release("sample")


def check_table(release: lfb.Release, name: str, *, rows: dict[str, int], **pinned: dict[str, Any]) -> None:
    """The rows by split, and some columns of the rows 0, 9 and last of all, told by their keys."""
    assert {s: release.table(name, s).count_rows() for s in rows} == rows
    table = release.table(name).to_table()
    assert table.num_rows == sum(rows.values())
    assert table.schema.equals(table_schema(name).arrow)
    for place, number in (("first", 0), ("tenth", 9), ("last", -1)):
        row = table.slice(number % table.num_rows, 1).to_pylist()[0]
        assert row == row | pinned[place], f"{name}: the {place} row"
    key = list(table_schema(name).key)
    for split in rows:
        keys = [tuple(r.values()) for r in release.table(name, split).to_table(columns=key).to_pylist()]
        assert keys == sorted(keys)
        assert len(keys) == len(set(keys))


def test_queries(sample: lfb.Release) -> None:
    check_table(
        sample,
        "queries",
        rows={"train": 392, "partial_test": 56, "test": 112},
        first={
            "query_id": "000c49caa3e856d2ad9a0de5",
            "task": "hellaswag",
            "domain": "commonsense",
            "split": "train",
            "ground_truth": "D",
            "metric": "em_mc",
        },
        tenth={
            "query_id": "03fae6dfb72c6e020077df58",
            "task": "arc_challenge",
            "domain": "commonsense",
            "split": "train",
            "ground_truth": "B",
            "metric": "em_mc",
        },
        last={"query_id": "ff9328106ad45e6cb3725ebb", "task": "mbpp", "domain": "code", "split": "test", "metric": "code_eval"},
    )


def test_llms(sample: lfb.Release) -> None:
    check_table(
        sample,
        "llms",
        rows={"train": 20},
        first={
            "llm": "codegemma-7b",
            "family": "gemma",
            "parameters_b": 7.0,
            "scale": "small",
            "input_price": 0.2,
            "output_price": 0.2,
        },
        tenth={
            "llm": "llama-3.3-nemotron-super-49b-v1",
            "family": "llama",
            "parameters_b": 49.0,
            "scale": "medium",
            "input_price": 0.9,
            "output_price": 0.9,
        },
        last={
            "llm": "qwen2.5-7b-instruct",
            "family": "qwen",
            "parameters_b": 7.0,
            "scale": "small",
            "input_price": 0.2,
            "output_price": 0.2,
        },
    )


def test_responses(sample: lfb.Release) -> None:
    check_table(
        sample,
        "responses",
        rows={"train": 15680, "partial_test": 2240, "test": 4480},
        first={
            "query_id": "000c49caa3e856d2ad9a0de5",
            "llm": "codegemma-7b",
            "mode": "direct",
            "status": "ok",
            "input_tokens": 91,
            "output_tokens": 196,
            "performance": 0.0,
            "cost_usd": 5.7400000000000006e-05,
            "provenance": "simulated",
        },
        tenth={
            "query_id": "000c49caa3e856d2ad9a0de5",
            "llm": "granite-3.0-8b-instruct",
            "mode": "think",
            "status": "ok",
            "input_tokens": 99,
            "output_tokens": 11,
            "performance": 0.0,
            "cost_usd": 2.2e-05,
            "provenance": "simulated",
        },
        last={
            "query_id": "ff9328106ad45e6cb3725ebb",
            "llm": "qwen2.5-7b-instruct",
            "mode": "think",
            "status": "ok",
            "input_tokens": 109,
            "output_tokens": 906,
            "performance": 1.0,
            "cost_usd": 0.00020300000000000003,
            "provenance": "simulated",
        },
    )


def test_judge_scores(sample: lfb.Release) -> None:
    check_table(
        sample,
        "judge_scores",
        rows={"train": 15305, "partial_test": 2186, "test": 4378},
        first={
            "query_id": "000c49caa3e856d2ad9a0de5",
            "llm": "codegemma-7b",
            "mode": "direct",
            "judge": "simulated",
            "score": 0.4,
        },
        tenth={
            "query_id": "000c49caa3e856d2ad9a0de5",
            "llm": "granite-3.0-8b-instruct",
            "mode": "think",
            "judge": "simulated",
            "score": 0.3,
        },
        last={
            "query_id": "ff9328106ad45e6cb3725ebb",
            "llm": "qwen2.5-7b-instruct",
            "mode": "think",
            "judge": "simulated",
            "score": 0.9,
        },
    )


def test_thought_templates(sample: lfb.Release) -> None:
    check_table(
        sample,
        "thought_templates",
        rows={"train": 2352, "partial_test": 0, "test": 0},
        first={
            "template_id": "0007e504c2a1eab8d4bc194f",
            "query_id": "9e5536f179ca5128a63f3dda",
            "criterion": "hybrid",
            "pool": "all",
            "sources": [
                "llama-3.1-nemotron-51b-instruct_think",
                "llama-3.1-70b-instruct_think",
                "mixtral-8x22b-instruct-v0.1_think",
            ],
        },
        tenth={
            "template_id": "01d0d051505a50447ff88800",
            "query_id": "4963c30e8a464fd22b341832",
            "criterion": "hybrid",
            "pool": "small",
            "sources": ["codegemma-7b_think", "mistral-7b-instruct-v0.3_think", "mistral-nemo-12b-instruct"],
        },
        last={
            "template_id": "ffdc273d8a8fd50a1a4acd88",
            "query_id": "cdfda43d51b1cd56ee65f98d",
            "criterion": "judge",
            "pool": "small",
            "sources": ["gemma-2-9b-it", "llama-3.1-8b-instruct_think", "llama-3.1-8b-instruct"],
        },
    )


def test_logs(sample: lfb.Release) -> None:
    check_table(
        sample,
        "logs",
        rows={"train": 15680, "partial_test": 2240, "test": 4480},
        first={
            "query_id": "000c49caa3e856d2ad9a0de5",
            "llm": "codegemma-7b",
            "mode": "direct",
            "task": "hellaswag",
            "split": "train",
            "status": "ok",
            "performance": 0.0,
            "input_price": 0.2,
            "judge_score": 0.4,
            "judges": ["simulated"],
            "provenance": "simulated",
        },
        tenth={
            "query_id": "000c49caa3e856d2ad9a0de5",
            "llm": "granite-3.0-8b-instruct",
            "mode": "think",
            "task": "hellaswag",
            "split": "train",
            "status": "ok",
            "performance": 0.0,
            "input_price": 0.2,
            "judge_score": 0.3,
            "judges": ["simulated"],
            "provenance": "simulated",
        },
        last={
            "query_id": "ff9328106ad45e6cb3725ebb",
            "llm": "qwen2.5-7b-instruct",
            "mode": "think",
            "task": "mbpp",
            "split": "test",
            "status": "ok",
            "performance": 1.0,
            "input_price": 0.2,
            "judge_score": 0.9,
            "judges": ["simulated"],
            "provenance": "simulated",
        },
    )


def test_routing(sample: lfb.Release) -> None:
    check_table(
        sample,
        "routing",
        rows={"train": 392, "partial_test": 56, "test": 112},
        first={"query_id": "000c49caa3e856d2ad9a0de5", "task": "hellaswag"},
        tenth={"query_id": "03fae6dfb72c6e020077df58", "task": "arc_challenge"},
        last={"query_id": "ff9328106ad45e6cb3725ebb", "task": "mbpp"},
    )


def test_every_split_of_every_table_is_there(sample: lfb.Release) -> None:
    assert sample.tables == list(TABLES)
    assert tuple(sample.splits) == SPLITS
    assert sample.provenance == ["simulated"]
    for name in TABLES:
        assert set(sample.manifest["tables"][name]["splits"]) == ({"train"} if name == "llms" else set(SPLITS))


def test_every_row_says_that_it_is_simulated(sample: lfb.Release) -> None:
    for name in ("responses", "logs"):
        assert sample.table(name).to_table(columns=["provenance"])["provenance"].unique().to_pylist() == ["simulated"]
    assert "> **Simulated data.**" in (sample.path / "README.md").read_text(encoding="utf-8")


def test_the_whole_design_is_in_it(sample: lfb.Release) -> None:
    """14 tasks x 40 queries, 20 LLMs x 2 modes, answers of every kind, and what a test of missing values needs."""
    info = sample.info()
    assert len(info.tasks) == 14
    assert {n["queries"] for n in info.tasks.values()} == {40}
    assert (info.candidates, info.cells) == (40, 22_400)
    assert info.responses["ok"] > info.responses["empty"] > info.responses["error"] > 0
    assert 0 < info.missing["performance"] < 500
    assert 0 < info.responses["ok"] - info.judges["simulated"] < 1_000
    templates = sample.table("thought_templates").to_table().to_pylist()
    assert {(t["criterion"], t["pool"]) for t in templates} == {
        (c, p) for c in ("performance", "judge", "hybrid") for p in ("small", "all")
    }


def test_it_is_small_and_whole(sample: lfb.Release) -> None:
    files = [p for p in sample.path.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 4_000_000
    assert lfb.validate(sample.path) == []
