"""Real logs against their own raw files, read here with `json` alone: every answer and score is in the release, by key."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.reading.file_names import named_llms
from llmfusionbench.types import normalise_prompt
from tests.helpers.reading import real_logs


def raw(path: Path) -> Any:
    """The JSON of a file, or of each of its lines."""
    text = gzip.decompress(path.read_bytes()).decode()
    return [json.loads(line) for line in text.split("\n") if line] if ".jsonl" in path.name else json.loads(text)


@pytest.fixture(scope="module")
def zeroeval(tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    paths = real_logs("zeroeval_gsm8k/*.json.gz")
    return build("zeroeval", paths, tmp_path_factory.mktemp("zeroeval") / "release")


@pytest.fixture(scope="module")
def llmrouter(tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    paths = real_logs(
        "llmrouter/dcrouter_train.json.gz", "llmrouter/default_query_train.jsonl.gz", "llmrouter/default_llm.json"
    )
    return build("llmrouter", paths, tmp_path_factory.mktemp("llmrouter") / "release")


@pytest.fixture(scope="module")
def wildbench(tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    paths = real_logs("wildbench/judge=*/*.json.gz")
    return build("wildbench", paths, tmp_path_factory.mktemp("wildbench") / "release")


def test_zeroeval_loses_nothing(zeroeval: lfb.Release) -> None:
    expected = {}
    paths = real_logs("zeroeval_gsm8k/*.json.gz")
    for path, named in zip(paths, named_llms(paths), strict=True):
        for record in raw(path):
            (prompt,), (output,) = record["chat_history"], record["output"]
            expected[named.llm, normalise_prompt(prompt)] = output
    assert len(expected) == 26_380
    prompts = {q["query_id"]: normalise_prompt(q["prompt"]) for q in zeroeval.table("queries").to_table().to_pylist()}
    columns = ["query_id", "llm", "mode", "response", "status", "performance"]
    responses = zeroeval.table("responses").to_table(columns=columns).to_pylist()
    assert {(r["llm"], prompts[r["query_id"]]): r["response"] for r in responses} == expected
    assert {r["mode"] for r in responses} == {"direct"}
    assert {r["performance"] for r in responses} == {None}, "the format holds no scores"
    assert Counter(r["status"] for r in responses)["empty"] == sum(not text.strip() for text in expected.values())
    info = zeroeval.info()
    assert (info.candidates, info.cells, info.responses["absent"]) == (20, 26_380, 0)
    assert zeroeval.manifest["rejected"] == 0
    assert lfb.validate(zeroeval.path) == []


def test_zeroeval_ground_truths(zeroeval: lfb.Release) -> None:
    truths = {normalise_prompt(r["chat_history"][0]): r["answer"] for r in raw(real_logs("zeroeval_gsm8k/*.json.gz")[0])}
    for query in zeroeval.table("queries").to_table().to_pylist():
        assert query["task"] == "gsm8k"
        assert query["metric"] == "gsm8k"
        assert truths[normalise_prompt(query["prompt"])].endswith(query["ground_truth"])


def test_llmrouter_scores_by_key(llmrouter: lfb.Release) -> None:
    scores = raw(real_logs("llmrouter/dcrouter_train.json.gz")[0])
    expected = {(normalise_prompt(r["question"]), llm): score for r in scores for llm, score in r["scores"].items()}
    assert len(expected) == 50_472
    table = llmrouter.routing()
    assert table.performance.shape == (5_608, 9)
    found = {
        (normalise_prompt(prompt or ""), llm): float(table.performance[i, j])
        for i, prompt in enumerate(table.prompts)
        for j, llm in enumerate(table.candidates)
    }
    assert found == pytest.approx(expected, abs=1e-6)
    mean = dict(zip(table.candidates, table.performance.mean(axis=0), strict=True))
    assert mean["llama-3.1-nemotron-51b-instruct"] == pytest.approx(0.62132298, abs=1e-6)
    assert mean["qwen2.5-7b-instruct"] == pytest.approx(0.52035946, abs=1e-6)
    assert llmrouter.manifest["rejected"] == 8
    assert lfb.validate(llmrouter.path) == []


def test_llmrouter_queries_by_key(llmrouter: lfb.Release) -> None:
    told = {}
    for record in raw(real_logs("llmrouter/default_query_train.jsonl.gz")[0]):
        told.setdefault(normalise_prompt(record["query"]), record)
    queries = llmrouter.table("queries").to_table().to_pylist()
    assert len(queries) == len(told) == 5_608
    for query in queries:
        assert query["metric"] == told[normalise_prompt(query["prompt"])]["metric"].lower()
    prices = {r["llm"]: r["input_price"] for r in llmrouter.table("llms").to_table().to_pylist()}
    assert len(prices) == 9
    assert None not in prices.values()


def test_wildbench_has_two_judges(wildbench: lfb.Release) -> None:
    judged = Counter(r["judge"] for r in wildbench.table("judge_scores").to_table(columns=["judge"]).to_pylist())
    assert len(judged) == 2
    assert sum(judged.values()) == 10_232
    means: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in wildbench.table("judge_scores").to_table().to_pylist():
        if row["score"] is not None:
            assert 0 <= row["score"] <= 1
            means[row["judge"], row["llm"]].append(row["score"])
    assert len(means) == 10
    rows = wildbench.table("logs").to_table(columns=["judge_score", "judges"]).to_pylist()
    assert len(rows) == 5_119
    assert all((r["judge_score"] is None) == (r["judges"] == []) for r in rows)
    assert max(len(r["judges"]) for r in rows) == 2
    assert wildbench.info().candidates == 5
    assert lfb.validate(wildbench.path) == []
