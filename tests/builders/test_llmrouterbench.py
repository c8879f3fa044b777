import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.llmrouterbench import LLMRouterBench
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.reading import read, write, write_json, write_lines


def answer(index: int = 0, **changes: Any) -> dict[str, Any]:
    record = {
        "index": index,
        "origin_query": f"Question {index}?",
        "prompt": f"Answer this. Question {index}?",
        "prompt_tokens": 20,
        "completion_tokens": 30,
        "cost": 0.0005,
        "score": 1.0,
        "prediction": "4",
        "ground_truth": "4",
        "raw_output": "It is 4.",
    }
    return {k: v for k, v in (record | changes).items() if v is not ...}


def results(*records: Any, **changes: Any) -> dict[str, Any]:
    return {
        "performance": 0.5,
        "time_taken": 1.5,
        "prompt_tokens": 20,
        "completion_tokens": 30,
        "cost": 0.0005,
        "counts": len(records),
        "model_name": "lab-tiny",
        "dataset_name": "sums",
        "split": "test",
        "demo": False,
        "records": list(records),
    } | changes


def run(folder: Path, stamp: str, value: dict[str, Any], model: str = "lab-tiny") -> Path:
    return write_json(folder / "sums" / "test" / model / f"sums-test-{model}-{stamp}.json", value)


def line(**changes: Any) -> dict[str, Any]:
    record = {
        "query": "Question?",
        "dataset": "sums",
        "index": 3,
        "records": {"tiny": 1.0, "big_think": 0.25},
        "usages": {"tiny": {"prompt_tokens": 5, "completion_tokens": 6, "cost": 0.001}},
    }
    return {k: v for k, v in (record | changes).items() if v is not ...}


def told(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if v is not None}


def test_an_answer_in_our_columns(tmp_path: Path) -> None:
    found = read(LLMRouterBench(), run(tmp_path, "20250101_000000", results(answer())))
    assert [told(row) for row in found.rows] == [
        {
            "file": "sums-test-lab-tiny-20250101_000000.json",
            "row": 0,
            "task": "sums",
            "split": "train",
            "source_id": "0",
            "prompt": "Answer this. Question 0?",
            "ground_truth": "4",
            "metric": "unknown",
            "llm": "lab-tiny",
            "mode": "direct",
            "response": "It is 4.",
            "input_tokens": 20,
            "output_tokens": 30,
            "performance": 1.0,
            "cost_usd": 0.0005,
        }
    ]
    assert found.rejected == []


def test_the_latest_run_counts_and_a_demonstration_never(tmp_path: Path) -> None:
    paths = [
        run(tmp_path, "20250301_120000", results(answer(score=0.5))),
        run(tmp_path, "20250101_120000", results(answer(score=0.25))),
        run(tmp_path, "20250901_120000", results(answer(score=1.0), demo=True)),
        run(tmp_path, "20250301_115959", results(answer(score=0.75))),
        run(tmp_path, "20240101_000000", results(answer(score=0.0), model_name="other"), model="other"),
    ]
    for order in (paths, paths[::-1]):
        found = read(LLMRouterBench(), *order)
        assert sorted(zip(found.column("llm"), found.column("performance"), strict=True)) == [("lab-tiny", 0.5), ("other", 0.0)]


def test_demonstrations_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a demonstration, as are all files given\. Remedy"):
        read(LLMRouterBench(), run(tmp_path, "20250101_120000", results(answer(), demo=True)))


def test_files_without_a_time_are_all_read(tmp_path: Path) -> None:
    paths = [
        write_json(tmp_path / name, results(answer(), model_name=name.removesuffix(".json"))) for name in ("a.json", "b.json")
    ]
    assert read(LLMRouterBench(), *paths).column("llm") == ["a", "b"]


def test_missing_scores_stay_missing(tmp_path: Path) -> None:
    records = [
        answer(0, score=None),
        answer(1, score=None, raw_output=None),
        answer(2, score=0.0, raw_output=None),
        answer(3, score=float("nan")),
        answer(4, score=..., raw_output=""),
    ]
    found = read(LLMRouterBench(), run(tmp_path, "20250101_000000", results(*records)))
    normal = found.normal_table.select(["source_id", "status", "performance"]).to_pylist()
    assert [(r["source_id"], r["status"], r["performance"]) for r in normal] == [
        ("0", "ok", None),
        ("1", "missing", None),
        ("2", "ok", 0.0),
        ("3", "ok", None),
        ("4", "empty", None),
    ]


def test_a_bad_record_costs_no_other(tmp_path: Path) -> None:
    records = [
        answer(0),
        7,
        answer(2, score="high"),
        answer(3, score=1.5),
        answer(4, prompt=None, origin_query=None),
        answer(5, prompt_tokens=1.5),
        answer(6, raw_output={"text": "x"}),
        answer(7, cost=-1),
        answer(8, raw_output=["It is 4."], ground_truth=["4", "four"], prompt=...),
        answer(9, ground_truth={"tests": ["assert f(1)"]}),
    ]
    found = read(LLMRouterBench(), run(tmp_path, "20250101_000000", results(*records)))
    assert found.normal_table["source_id"].to_pylist() == ["0", "8", "9"]
    assert found.normal_table["prompt"].to_pylist()[1] == "Question 8?"
    assert found.normal_table["ground_truth"].to_pylist() == ["4", '["4", "four"]', '{"tests": ["assert f(1)"]}']
    assert found.normal_table["response"].to_pylist()[1] == "It is 4."
    assert sorted((row, reason.split(",")[0]) for _, row, reason in found.reasons) == [
        (1, "the record is 7"),
        (2, 'score is "high"'),
        (3, "performance is 1.5"),
        (4, "origin_query is missing"),
        (5, "prompt_tokens is 1.5"),
        (6, "raw_output is an object"),
        (7, "cost_usd is -1.0"),
    ]


def test_lines_of_the_avengers(tmp_path: Path) -> None:
    found = read(LLMRouterBench(), write_lines(tmp_path / "test.jsonl.gz", [line()]))
    assert [told(row) for row in found.rows] == [
        {
            "file": "test.jsonl.gz", "row": 0, "task": "sums", "split": "test", "source_id": "3", "prompt": "Question?",
            "metric": "unknown", "llm": "tiny", "mode": "direct", "input_tokens": 5, "output_tokens": 6, "performance": 1.0,
            "cost_usd": 0.001,
        },
        {
            "file": "test.jsonl.gz", "row": 0, "task": "sums", "split": "test", "source_id": "3", "prompt": "Question?",
            "metric": "unknown", "llm": "big", "mode": "think", "performance": 0.25,
        },
    ]  # fmt: skip
    one = read(LLMRouterBench(split="partial_test"), write_lines(tmp_path / "train.jsonl", [line()]))
    assert set(one.column("split")) == {"partial_test"}


def test_lines_with_what_is_missing(tmp_path: Path) -> None:
    usage = {"prompt_tokens": None, "completion_tokens": None, "cost": None}
    records = [
        line(records={"a": None, "b": None, "c": float("nan")}, usages={"a": usage, "b": usage | {"cost": 0.5}, "d": usage})
    ]
    found = read(LLMRouterBench(), write_lines(tmp_path / "train.jsonl", records))
    rows = found.normal_table.select(["llm", "status", "performance", "cost_usd"]).to_pylist()
    assert [tuple(r.values()) for r in rows] == [
        ("a", "missing", None, None),
        ("b", "ok", None, 0.5),
        ("c", "missing", None, None),
        ("d", "missing", None, None),
    ]


def test_bad_lines_cost_no_other(tmp_path: Path) -> None:
    records = [
        line(),
        line(query=None),
        line(records=[1]),
        line(usages=7),
        line(records={"a": "x", "b": 1.0}, usages={"b": 3}),
        line(dataset=..., records={}),
        line(query="Another?", usages=...),
    ]
    data = b"".join(json.dumps(r).encode() + b"\n" for r in records) + b"{broken\n"
    found = read(LLMRouterBench(), write(tmp_path / "train.jsonl", data))
    assert found.column("row") == [0, 0, 6, 6]
    assert [(row, reason.split(",")[0]) for _, row, reason in found.reasons] == [
        (1, "query is missing"),
        (2, "records is not an object"),
        (3, "usages is not an object"),
        (4, 'score of a is "x"'),
        (4, "its usage is not an object"),
        (5, "dataset is missing"),
        (7, "the line is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
    ]


def test_provenance(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "train.jsonl", [line(provenance="simulated"), line(query="B?", provenance="a dream")])
    assert read(LLMRouterBench(), path).column("provenance") == ["simulated", "simulated", None, None]
    assert set(read(LLMRouterBench(provenance="collected"), path).column("provenance")) == {"collected"}
    with pytest.raises(UnknownNameError, match='No provenance "dreamt"'):
        read(LLMRouterBench(provenance="dreamt"), path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": 1}, "no query of LLMRouterBench in it"),
        ([], "it has no records"),
        (results(answer(), model_name=None), "model_name is missing"),
        (results(answer(), dataset_name=5), "dataset_name is 5"),
    ],
)
def test_files_of_another_make(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(LLMRouterBench(), write_json(tmp_path / "x.json", value))
