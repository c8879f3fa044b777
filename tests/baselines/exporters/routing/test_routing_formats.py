"""The files of every routing format, to the letter, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters.routing import ROUTING_FORMATS, RoutingExport, export_routing
from llmfusionbench.builders import build
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from tests.helpers.routing_log import LOG, make


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Three queries, two candidates; (1+2?, tiny) was not scored, (1+3?, big_think) not asked."""
    return make(tmp_path_factory.mktemp("release"), LOG)


def records(export: RoutingExport, name: str) -> list[dict[str, Any]]:
    text = (export.path / name).read_text(encoding="utf-8")
    found = json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.splitlines()]
    return sorted(found, key=lambda r: str(r.get("query") or r.get("question")))


def rows(export: RoutingExport, name: str) -> list[dict[str, str]]:
    with open(export.path / name, encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda r: r["prompt"])


def test_fusionfactory(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="fusionfactory")
    assert export.files == {"router_train.json": 2, "router_test.json": 1}
    assert records(export, "router_train.json") == [
        {
            "query": "1+1?",
            "candidates": [
                {"candidate_name": "big_think", "performance": 0.5, "cost": None, "score": 0.5},
                {"candidate_name": "tiny", "performance": 1, "cost": 0.25, "score": 1},
            ],
            "ground_truth": "tiny",
            "task_name": "sums",
            "cost_unit": "USD",
            "provenance": "imported",
        },
        {
            "query": "1+2?",
            "candidates": [
                {"candidate_name": "big_think", "performance": 0, "cost": None, "score": 0},
                {"candidate_name": "tiny", "performance": None, "cost": 0.125, "score": None},
            ],
            "ground_truth": "big_think",
            "task_name": "sums",
            "cost_unit": "USD",
            "provenance": "imported",
        },
    ]


def test_the_judges_as_score(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="fusionfactory", split="train", score="judge_score")
    first, second = records(export, "router_train.json")
    assert [c["score"] for c in first["candidates"]] == [0.25, 1]
    assert [c["score"] for c in second["candidates"]] == [None, None]
    assert (first["ground_truth"], second["ground_truth"]) == ("tiny", None)


def test_the_cheapest_of_the_best_is_the_ground_truth(tmp_path: Path) -> None:
    log = "prompt,llm,performance,cost_usd,metric\n" + "".join(
        f"{q}?,{llm},{score},{cost},em\n"
        for q, cells in {
            "a": [("x", 1, 0.5), ("y", 1, 0.25), ("z", 0, 0.1)],
            "b": [("x", 1, ""), ("y", 1, 9), ("z", 1, 9)],
            "c": [("x", 1, ""), ("y", "", 0.1), ("z", 1, "")],
            "d": [("x", "", 0.5), ("y", "", 0.5), ("z", "", "")],
        }.items()
        for llm, score, cost in cells
    )
    export = export_routing(make(tmp_path, log), tmp_path / "out", format="fusionfactory")
    assert [r["ground_truth"] for r in records(export, "router_train.json")] == ["y", "y", "x", None]
    csv_export = export_routing(tmp_path / "release", tmp_path / "csv", format="routerbench")
    assert [r["oracle_model_to_route_to"] for r in rows(csv_export, "routerbench_train.csv")] == ["y", "y", "x", ""]


def test_routerdc(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="routerdc", split="train")
    assert records(export, "routerdc_train.json") == [
        {"question": "1+1?", "scores": {"big_think": 0.5, "tiny": 1}, "task_name": "sums", "provenance": "imported"},
        {"question": "1+2?", "scores": {"big_think": 0, "tiny": None}, "task_name": "sums", "provenance": "imported"},
    ]


def test_llmrouterbench(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="llmrouterbench")
    assert export.files == {"train.jsonl": 2, "test.jsonl": 1}
    nothing = {"prompt_tokens": None, "completion_tokens": None, "cost": None}
    first, second = records(export, "train.jsonl")
    assert sorted(r["index"] for r in (first, second)) == [0, 1]
    assert {k: v for k, v in first.items() if k != "index"} == {
        "query": "1+1?",
        "dataset": "sums",
        "records": {"big_think": 0.5, "tiny": 1},
        "usages": {"big_think": nothing, "tiny": {"prompt_tokens": 3, "completion_tokens": 1, "cost": 0.25}},
        "provenance": "imported",
    }
    assert second["records"] == {"big_think": 0, "tiny": None}
    assert records(export, "test.jsonl")[0] == {
        "query": "1+3?",
        "dataset": "mmlu",
        "index": 2,
        "records": {"big_think": None, "tiny": 1},
        "usages": {"big_think": nothing, "tiny": nothing},
        "provenance": "imported",
    }


def test_llmrouter(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="llmrouter")
    assert export.files == {
        "query_train.jsonl": 2, "routing_train.jsonl": 4, "query_test.jsonl": 1, "routing_test.jsonl": 1, "llms.json": 2,
    }  # fmt: skip
    query = {"task_name": "sums", "query": "1+1?", "ground_truth": "2", "metric": "em", "choices": None, "task_id": None}
    assert records(export, "query_train.jsonl")[0] == query
    answers = [r for r in records(export, "routing_train.jsonl") if r["query"] == "1+1?"]
    think, direct = sorted(answers, key=lambda r: r["model_name"])
    place = think["embedding_id"]
    assert place in (0, 1)
    assert think == query | {
        "model_name": "big_think", "response": "two", "token_num": None, "input_tokens": None, "output_tokens": None,
        "response_time": None, "performance": 0.5, "cost": None, "embedding_id": place, "user_id": None,
        "provenance": "imported",
    }  # fmt: skip
    assert direct == think | {
        "model_name": "tiny", "response": "2", "token_num": 4, "input_tokens": 3, "output_tokens": 1, "response_time": 0.5,
        "performance": 1, "cost": 0.25,
    }  # fmt: skip
    assert set(json.loads((export.path / "llms.json").read_text())) == {"tiny", "big"}


def test_routerbench(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="routerbench", candidates=["tiny", "big_think"])
    first, second = rows(export, "routerbench_train.csv")
    assert first.pop("sample_id") in release.routing("train").query_ids
    assert first == {
        "prompt": "['1+1?']", "eval_name": "sums", "tiny": "1", "big_think": "0.5", "tiny|model_response": "['2']",
        "big_think|model_response": "['two']", "tiny|total_cost": "0.25", "big_think|total_cost": "",
        "oracle_model_to_route_to": "tiny",
    }  # fmt: skip
    assert (second["tiny"], second["big_think"]) == ("", "0")
    assert (second["tiny|model_response"], second["big_think|model_response"]) == ("['3']", "['']")
    assert second["oracle_model_to_route_to"] == "no_model_correct"
    frame = pd.read_csv(export.path / "routerbench_train.csv")
    assert [str(frame[c].dtype) for c in ("tiny", "big_think", "tiny|total_cost")] == ["float64"] * 3


def test_routellm(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="routellm", candidates=["tiny", "big_think"], threshold=0.5)
    assert rows(export, "routellm_train.csv") == [
        {"prompt": "1+1?", "tiny": "True", "big_think": "True", "task": "sums", "provenance": "imported"},
        {"prompt": "1+2?", "tiny": "", "big_think": "False", "task": "sums", "provenance": "imported"},
    ]
    frame = pd.read_csv(export.path / "routellm_train.csv")
    assert frame["big_think"].dtype == bool
    assert list(frame.columns[:3]) == ["prompt", "tiny", "big_think"]


def test_routellm_battles(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="routellm-battles")
    assert export.reader is None
    assert export.files == {"battles_train.json": 1, "prompts_train.jsonl": 2, "battles_test.json": 0, "prompts_test.jsonl": 1}
    (battle,) = json.loads((export.path / "battles_train.json").read_text())
    prompts = {p["idx"]: p for p in records(export, "prompts_train.jsonl")}
    assert sorted(prompts) == [0, 1]
    assert prompts[battle.pop("idx")]["prompt"] == "1+1?"
    assert battle == {"model_a": "big_think", "model_b": "tiny", "winner": "model_b"}
    assert json.loads((export.path / "battles_test.json").read_text()) == []


def test_battles_of_the_sample(tmp_path: Path) -> None:
    """Against a loop over pairs."""
    sample = lfb.open_release("sample")
    export = export_routing(sample, tmp_path / "out", format="routellm-battles", split="partial_test")
    routing = sample.routing("partial_test", failures="zero")
    score = routing.performance
    wanted = [
        (q, a, b, "tie" if score[q, a] == score[q, b] else "model_a" if score[q, a] > score[q, b] else "model_b")
        for q in range(len(routing))
        for a in range(40)
        for b in range(a + 1, 40)
        if not np.isnan(score[q, [a, b]]).any()
    ]
    place = {name: i for i, name in enumerate(routing.candidates)}
    found = json.loads((export.path / "battles_partial_test.json").read_text())
    assert [(f["idx"], place[f["model_a"]], place[f["model_b"]], f["winner"]) for f in found] == wanted


def test_embedllm(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="embedllm", threshold=0.75)
    assert export.files == {"train.csv": 3, "test.csv": 1}
    found = [(r["prompt"], r["model_name"], r["label"], r["model_id"], r["category"]) for r in rows(export, "train.csv")]
    assert sorted(found) == [
        ("1+1?", "big_think", "0", "0", "sums"),
        ("1+1?", "tiny", "1", "1", "sums"),
        ("1+2?", "big_think", "0", "0", "sums"),
    ]
    (last,) = rows(export, "test.csv")
    assert (last["prompt_id"], last["category_id"], last["label"], last["model_id"]) == ("2", "0", "1", "1")


def test_routereval(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="routereval")
    with np.load(export.path / "routereval.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == [
            "candidates", "provenance", "test_prompt", "test_score", "test_task", "train_prompt", "train_score", "train_task",
        ]  # fmt: skip
        order = np.argsort(arrays["train_prompt"])
        assert arrays["train_prompt"][order].tolist() == ["1+1?", "1+2?"]
        np.testing.assert_array_equal(arrays["train_score"][order], [[0.5, 1.0], [0.0, np.nan]])
        np.testing.assert_array_equal(arrays["test_score"], [[np.nan, 1.0]])
        assert arrays["candidates"].tolist() == ["big_think", "tiny"]
        assert arrays["provenance"].tolist() == ["imported"]


@pytest.mark.parametrize("name", sorted(ROUTING_FORMATS))
def test_the_page_says_what_it_is(tmp_path: Path, name: str) -> None:
    sample = lfb.open_release("sample")
    extra: dict[str, Any] = {"threshold": 0.5} if name in ("embedllm", "routellm") else {}
    extra |= {"candidates": sample.routing().candidates[:2]} if name.startswith("routellm") else {}
    extra |= {"router": "random"} if name == "routerarena" else {}
    export = export_routing("sample", tmp_path / "out", format=name, split="partial_test", **extra)
    page = (export.path / "README.md").read_text(encoding="utf-8")
    assert "SIMULATED: no LLM gave these answers" in page
    about = json.loads((export.path / "export.json").read_text(encoding="utf-8"))
    assert about["simulated"] is True
    assert about["provenance"] == ["simulated"]
    assert {n: e["records"] for n, e in about["files"].items()} == export.files
    assert about["queries"] == 56
    assert about["cells"] + about["missing"] == 56 * len(export.candidates)
    assert about["threshold"] == extra.get("threshold")
    assert str(tmp_path) not in json.dumps(about) + page
    for file in export.files:
        assert (export.path / file).stat().st_size
    for text in ("holds", "missing", "lost"):
        assert getattr(ROUTING_FORMATS[name](), text)


def test_a_path_is_enough(tmp_path: Path, release: Release) -> None:
    export = export_routing(release.path, tmp_path / "out", format="routerdc")
    assert sorted(p.name for p in Path(export).iterdir()) == [
        "README.md",
        "export.json",
        "routerdc_test.json",
        "routerdc_train.json",
    ]


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"format": "routerdcc"}, UnknownNameError, 'No routing format "routerdcc". Did you mean "routerdc"?'),
        ({"format": "routerdc", "split": "tset"}, UnknownNameError, 'No split "tset". Did you mean "test"?'),
        ({"format": "routerdc", "candidates": ["tinny"]}, UnknownNameError, 'No candidate "tinny". Did you mean "tiny"?'),
        ({"format": "routerdc", "candidates": ["tiny", "tiny"]}, InputError, "candidate tiny is named twice"),
        ({"format": "routerdc", "score": "judge_score"}, UnknownNameError, 'No option of routerdc "score"'),
        ({"format": "fusionfactory", "score": "price"}, UnknownNameError, 'No score "price"'),
        ({"format": "routerdc", "threshold": 0.5}, InputError, "routerdc holds performance as it is, got threshold 0.5"),
        ({"format": "embedllm", "threshold": 0}, InputError, "threshold is 0, expected a performance above 0 and up to 1"),
        ({"format": "embedllm", "threshold": float("nan")}, InputError, "threshold is nan"),
        ({"format": "embedllm"}, InputError, "embedllm holds right and wrong only, and 1 of 3 performances of split train lie"),
        ({"format": "routellm", "candidates": ["tiny"]}, InputError, "routellm is of two candidates, got 1"),
        ({"format": "routellm", "candidates": ["tiny", "big_think"]}, InputError, "Remedy: give a threshold, such as 0.5"),
        ({"format": "routellm-battles", "candidates": ["tiny"]}, InputError, "of two candidates or more, got 1"),
    ],
    ids=lambda value: None,
)
def test_arguments(tmp_path: Path, release: Release, arguments: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error) as raised:
        export_routing(release, tmp_path / "out", **arguments)
    assert message in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_three_candidates_are_no_pair(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="routellm is of two candidates, got 40"):
        export_routing("sample", tmp_path / "out", format="routellm")


def test_what_is_there_is_not_overwritten(tmp_path: Path, release: Release) -> None:
    export_routing(release, tmp_path / "out", format="routerdc")
    with pytest.raises(InputError, match="is there already"):
        export_routing(release, tmp_path / "out", format="llmrouterbench")
    export_routing(release, tmp_path / "out", format="llmrouterbench", overwrite=True)
    assert not (tmp_path / "out" / "routerdc_train.json").exists()
    with pytest.raises(InputError, match="expected a new or empty directory"):
        export_routing(release, release.path, format="routerdc", overwrite=True)


@pytest.mark.parametrize("name", sorted(ROUTING_FORMATS))
def test_queries_without_texts(tmp_path: Path, name: str) -> None:
    log = "source_id,llm,performance,metric\n1,a,1,em\n1,b,0,em\n2,a,1,em\n"
    release = make(tmp_path, log)
    with pytest.raises(
        InputError, match=r"names queries by their texts, and 2 of 2 of split train have none, such as [0-9a-f]{24}"
    ):
        export_routing(release, tmp_path / "out", format=name)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "llm"),
    [("routerbench", "prompt"), ("routerbench", "a|total_cost"), ("routellm", "task"), ("routellm", "a_response")],
)
def test_candidates_called_as_a_column(tmp_path: Path, name: str, llm: str) -> None:
    release = make(tmp_path, f"prompt,llm,performance,metric\nx?,b,1,em\nx?,{llm},1,em\n")
    with pytest.raises(InputError, match="clashes with a column name of this format"):
        export_routing(release, tmp_path / "out", format=name)


def test_texts_that_an_array_cannot_hold(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(json.dumps({"prompt": "x\0", "llm": "a", "performance": 1, "metric": "em"}) + "\n")
    release = build("table", [tmp_path / "log.jsonl"], tmp_path / "zero", workers=1)
    with pytest.raises(InputError, match="prompt of split train: a text ends in a zero character"):
        export_routing(release, tmp_path / "out", format="routereval")
    log = "prompt,llm,performance,metric\n" + "x" * 4_000_000 + ",a,1,em\n" + "".join(f"{n}?,a,1,em\n" for n in range(200))
    with pytest.raises(InputError, match="201 texts with the room of the longest, 4,000,000 characters, need 3,067 MiB"):
        export_routing(make(tmp_path, log), tmp_path / "out", format="routereval")
    assert not (tmp_path / "out").exists()


def test_nobody_answered(tmp_path: Path) -> None:
    from llmfusionbench.builders.records import LOG as COLUMNS
    from llmfusionbench.builders.records import Records

    class Queries:
        def read(self, paths: Any) -> Any:
            import pyarrow as pa

            yield Records(
                pa.Table.from_pylist([{"task": "t", "prompt": "x?", "metric": "em", "split": "train"}], schema=COLUMNS)
            )

    release = build(Queries(), [], tmp_path / "release", workers=1)
    with pytest.raises(InputError, match="no answers to queries of train"):
        export_routing(release, tmp_path / "out", format="routerdc")


def test_provenance_in_one_word(tmp_path: Path) -> None:
    log = "prompt,llm,performance,metric,provenance\nx?,a,1,em,collected\nx?,b,1,em,simulated\ny?,a,1,em,imported\n"
    export = export_routing(make(tmp_path, log), tmp_path / "out", format="routerdc")
    assert {r["provenance"] for r in records(export, "routerdc_train.json")} == {"simulated"}
    assert export.about["simulated"] is True
    lines = export_routing(tmp_path / "release", tmp_path / "lines", format="llmrouter")
    assert sorted(r["provenance"] for r in records(lines, "routing_train.jsonl")) == ["collected", "imported", "simulated"]
