"""Files of predictions: every form gives the same choices, and every fault is listed at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

import llmfusionbench as lfb
from llmfusionbench.evaluation import PredictionsRouter
from tests.helpers.small_tables import random_table

TRAIN, TEST = random_table(20, prefix="train"), random_table(6, seed=1)
CHOICES = ["a", "b", "c", "d", "a", "b"]


def chosen(path: Path, **options: object) -> list[str | None]:
    report = lfb.evaluate(path, (TRAIN, TEST), baselines=(), **options)
    return [entry["choices"][path.stem] for entry in report.data["explorer"]]


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_choices_by_name_in_any_order(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"query_id": TEST.query_ids, "candidate": CHOICES, "task": "ignored"})
    frame = pd.concat([frame, pd.DataFrame({"query_id": ["elsewhere"], "candidate": ["x"], "task": ["y"]})])
    assert chosen(write(frame.sample(frac=1, random_state=0), tmp_path / f"mine{suffix}")) == CHOICES


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_scores(tmp_path: Path, suffix: str) -> None:
    scores = pd.get_dummies(pd.Series(CHOICES)).astype(float)
    frame = pd.concat([pd.DataFrame({"query_id": TEST.query_ids}), scores[["d", "b", "a", "c"]]], axis=1)
    path = write(frame, tmp_path / f"mine{suffix}")
    assert chosen(path) == CHOICES
    report = lfb.evaluate(str(path), (TRAIN, TEST), baselines=())
    assert "ndcg_at_3" in report.data["routers"][0]["metrics"]


def test_lines_end_where_json_lines_end(tmp_path: Path) -> None:
    """A mark of byte order, carriage returns, and line ends of Unicode within a text, which JSON need not escape."""
    path = tmp_path / "marked.jsonl"
    lines = [
        json.dumps({"query_id": q, "candidate": c, "prompt": "a\u2028b\x85c"}, ensure_ascii=False)
        for q, c in zip(TEST.query_ids, CHOICES, strict=True)
    ]
    path.write_bytes(("\ufeff" + "\r\n".join(lines)).encode())
    assert chosen(path) == CHOICES


def test_a_file_whose_name_is_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    try:
        write(pd.DataFrame({"query_id": TEST.query_ids, "candidate": CHOICES}), path)
    except OSError:
        pytest.skip("this file system takes no such name")
    report = lfb.evaluate(str(path), (TRAIN, TEST), baselines=())
    assert report.data["routers"][0]["name"] == r"caf\udce9"
    assert len(report.write(tmp_path / "report")) == 3


def test_a_line_nested_without_end_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text("[" * 100_000 + "\n")
    with pytest.raises(lfb.LLMFusionBenchError, match=r"line 1: not JSON \(nested too deep\)"):
        PredictionsRouter(path)


def test_nested_scores(tmp_path: Path) -> None:
    path = tmp_path / "nested.jsonl"
    lines = [
        {"query_id": q, "scores": {c: float(c == choice) for c in "abcd"}}
        for q, choice in zip(TEST.query_ids, CHOICES, strict=True)
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    assert chosen(path) == CHOICES


def test_all_faults_at_once(tmp_path: Path) -> None:
    rows = [("q0", "a"), ("q1", "nobody"), ("q2", "b"), ("q2", "b"), ("q3", None), ("q4", "d")]
    path = write(pd.DataFrame(rows, columns=["query_id", "candidate"]), tmp_path / "bad.csv")
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        chosen(path)
    assert str(caught.value).splitlines() == [
        "router bad: found 4 faults in its choices:",
        "  query q5: not in bad.csv",
        "  query q2: 2 rows in bad.csv, expected one",
        '  query q1: unknown candidate "nobody"',
        "  query q3: no choice",
        "Remedy: fix them, or use --allow-partial, which counts missing choices",
    ]
    assert chosen(path, allow_partial=True) == ["a", None, None, None, "d", None]
    report = lfb.evaluate(path, (TRAIN, TEST), baselines=(), allow_partial=True)
    figures = report.data["routers"][0]["metrics"]
    assert figures["answered"]["value"] == pytest.approx(2 / 6)
    assert figures["performance"]["n"] == 2
    assert "bad: 4 of 6 choices are missing or faulty" in report.data["warnings"][0]


def test_faulty_scores(tmp_path: Path) -> None:
    frame = pd.DataFrame({"query_id": TEST.query_ids, "a": [1.0, None, 2, 3, 4, 5], "z": 1.0})
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        chosen(write(frame, tmp_path / "bad.csv"))
    assert 'scores: unknown candidate "z"' in str(caught.value)
    assert "query q1: score is NaN, expected a finite number" in str(caught.value)


@pytest.mark.parametrize("written", ["nan", "NaN", "null", "NA"])
def test_every_nan_of_a_csv_is_a_fault_of_its_query(tmp_path: Path, written: str) -> None:
    frame = pd.DataFrame({"query_id": TEST.query_ids, "a": [1.0, None, 2, 3, 4, 5], "b": [1.0, 2, 3, None, 4, 5]})
    frame.to_csv(tmp_path / "bad.csv", index=False, na_rep=written)
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        chosen(tmp_path / "bad.csv")
    assert "found 2 faults" in str(caught.value)
    assert "query q1: score is NaN" in str(caught.value)
    assert "query q3: score is NaN" in str(caught.value)


def test_a_choice_that_is_no_name_is_an_unknown_candidate(tmp_path: Path) -> None:
    lines = [{"query_id": q, "candidate": ["a", "b"] if q == "q2" else "a"} for q in TEST.query_ids]
    (tmp_path / "lists.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(lfb.LLMFusionBenchError, match=r"found 1 fault .*\n  query q2: unknown candidate"):
        chosen(tmp_path / "lists.jsonl")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.txt", "", "suffix '.txt', expected one of"),
        ("x.csv", "", "cannot be read as csv"),
        ("x.csv", "id,candidate\n1,a\n", "expected query_id and candidate"),
        ("x.csv", "query_id,a\n1,often\n", "columns a do not hold numbers"),
        ("x.csv", "query_id\n1\n", "expected query_id and candidate"),
        ("x.csv", "Query ID,candidate\n1,a\n", "Remedy: rename or drop columns"),
        ("x.csv", "query_id;candidate\n1;a\n", "Remedy: separate the columns by commas"),
        ("x.csv", "query_id\ta\tb\n1\t0.1\t0.2\n", "Remedy: separate the columns by commas"),
        ("x.csv", "query_id, candidate\n1, a\n", "Remedy: leave no spaces around the names of columns"),
        ("x.csv", " query_id,candidate\n1,a\n", "Remedy: leave no spaces around the names of columns"),
        ("x.jsonl", '{"query_id": 1\n', "line 1: not JSON"),
        ("x.jsonl", "[1]\n", "line 1: '[1]', expected an object"),
        ("x.parquet", "no parquet", "cannot be read as parquet"),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        PredictionsRouter(tmp_path / name)
    assert message in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match="cannot be read"):
        lfb.evaluate(str(tmp_path / "none.csv"), (TRAIN, TEST), baselines=())
