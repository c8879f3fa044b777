"""Labelled answers for KTO, and ground truths as answers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters import corpus_schema, export_kto, export_sft
from llmfusionbench.baselines.exporters.corpora.ground_truths import is_tests, label_answer, truth_fault
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate
from tests.helpers.made_up_release import answer, made_up_release, records, whole


@pytest.mark.parametrize(("by", "good", "bad", "n"), [("performance", 0.5, 0.0, 2), ("judge", 0.8, 0.4, 3)])
def test_labels_and_how_many(tmp_path: Path, by: Any, good: float, bad: float, n: int) -> None:
    columns = ["query_id", "llm", "mode", "performance", "judge_score", "response", "reasoning"]
    rows = lfb.open_release("sample").table("logs", "train").to_table(columns=columns).to_pylist()
    rows = [row | {"response": whole(row)} for row in rows]
    logs = {(r["query_id"], Candidate(r["llm"], r["mode"]).name): r for r in rows}
    corpus = export_kto("sample", tmp_path / "out", by=by, good=good, bad=bad, answers_per_label=n)
    found = records(corpus)
    each: Counter[tuple[str, bool]] = Counter()
    for record in found:
        row = logs[record["query_id"], record["candidate"]]
        score = row["performance" if by == "performance" else "judge_score"]
        assert record["completion"] == row["response"]
        assert record["label"] is (score >= good and row["performance"] != 0)
        assert record["label"] or score <= bad
        each[record["query_id"], record["label"]] += 1
    assert max(each.values()) == n
    goods = sum(r["label"] for r in found)
    assert corpus.about["labels"] == {
        "good": goods,
        "bad": len(found) - goods,
        "good_to_bad": round(goods / (len(found) - goods), 6),
        "warning": None,
    }
    assert min(goods, len(found) - goods) > 100


def test_as_many_good_as_bad(tmp_path: Path) -> None:
    rows = [answer(n, llm, performance=float(llm != "d" or n % 2)) for n in range(20) for llm in "abcd"]
    release = made_up_release(tmp_path, rows)
    corpus = export_kto(release, tmp_path / "out", balance=True, answers_per_label=3)
    assert corpus.about["labels"] == {"good": 10, "bad": 10, "good_to_bad": 1.0, "warning": None}
    assert corpus.dropped["records"] == {"balance": 50}
    assert len({r["query_id"] for r in records(corpus) if r["label"]}) == 10, "the first answer of a query goes last"


def test_as_many_good_as_bad_and_no_task_too_large(tmp_path: Path) -> None:
    tasks = {"big": (6, 14), "small": (5, 1), "tiny": (4, 2)}
    rows = [
        answer(start + i, "a", task=task, performance=float(i < good))
        for start, (task, (good, bad)) in zip((0, 100, 200), tasks.items(), strict=True)
        for i in range(good + bad)
    ]
    corpus = export_kto(made_up_release(tmp_path, rows), tmp_path / "out", balance=True, max_share=0.4)
    labels = corpus.about["labels"]
    assert labels["good"] == labels["bad"] > 0
    assert max(corpus.tasks.values()) <= 0.4 * corpus.records
    assert sum(corpus.dropped["records"].values()) == len(rows) - corpus.records


def test_labels_that_cannot_be(tmp_path: Path) -> None:
    release = made_up_release(tmp_path, [answer(0, "a"), answer(0, "b", performance=0.4)])
    with pytest.raises(InputError, match=r"good 0.2, bad 0.5: expected 0 <= bad < good <= 1"):
        export_kto(release, tmp_path / "out", good=0.2, bad=0.5)
    with pytest.raises(InputError, match=r"1 beyond the rarer label|Dropped records: 1 beyond the rarer label"):
        export_kto(release, tmp_path / "out", balance=True)
    corpus = export_kto(release, tmp_path / "out")
    labels = corpus.about["labels"]
    assert (labels["good"], labels["bad"], labels["good_to_bad"]) == (1, 0, None)
    assert corpus.dropped["answers"] == {"between": 1}


@pytest.mark.parametrize(("performance", "missing", "remedy"), [(1, "bad", "a higher --bad"), (0, "good", "a lower --good")])
def test_one_label_alone_is_warned_of(tmp_path: Path, performance: int, missing: str, remedy: str) -> None:
    release = made_up_release(tmp_path, [answer(n, "a", performance=performance) for n in range(2)])
    corpus = export_kto(release, tmp_path / "out")
    warning = f"no answer is {missing}, and KTO learns by telling good from bad. Remedy: {remedy}, or more LLMs and tasks"
    assert corpus.about["labels"]["warning"] == warning
    assert f"> **Warning**: {warning}." in (tmp_path / "out" / "README.md").read_text("utf-8")
    validate(json.loads((tmp_path / "out" / "corpus.json").read_text("utf-8")), corpus_schema())


@pytest.mark.parametrize(
    ("truth", "metric", "choices", "expected"),
    [
        ("C", "em_mc", ["x", "y", "z"], "(C)"),
        ("(c)", "em_mc", ["x", "y", "z"], "(C)"),
        ("y", "em_mc", ["x", "y", "z"], "(B)"),
        ("none of them", "em_mc", ["x", "y"], None),
        ("none of them", "em_mc", None, "none of them"),
        ('["none of them", "y"]', "em_mc", ["x", "y"], "(B)"),
        ("-1", "em_mc", ["x", "y"], None),
        ("1", "em_mc", ["x", "y"], None),
        ("[1]", "em_mc", ["x", "y"], None),
        ("1", "em_mc", None, None),
        ("1", "em_mc", ["1", "3"], "(A)"),
        ("1", "gsm8k", None, "1"),
        ("several", "gsm8k", None, None),
        ("several", "judge", None, "several"),
        ('["January", "Jan"]', "cem", None, "January"),
        ("[0, 1]", "math", None, "[0, 1]"),
        ("She has 2.\n#### 2", "gsm8k", None, "She has 2.\n#### 2"),
        ("def f(x):\n    return x", "code_eval", None, "[BEGIN]\n def f(x):\n    return x \n[DONE]"),
        ('["assert f(1) == 1"]', "code_eval", None, None),
        ("def check(candidate):\n    assert candidate(1) == 1", "code_eval", None, None),
        ("  ", "em", None, None),
        ("[]", "cem", None, None),
        (None, "em", None, None),
    ],
)
def test_ground_truths_as_answers(truth: str | None, metric: str, choices: list[str] | None, expected: str | None) -> None:
    assert label_answer(truth, metric, choices) == expected
    assert (truth_fault(truth, metric, choices) is None) == (expected is not None)


@pytest.mark.parametrize(
    ("text", "tests"), [("[1, 2", False), ("assert x ==", True), ("x = [1]", False), ("(" * 5000, False), ("a\0", False)]
)
def test_programs_that_are_tests(text: str, tests: bool) -> None:
    assert is_tests(text) is tests


def test_truths_that_give_no_score_are_no_labels(tmp_path: Path) -> None:
    """An unlabelled query, an index that may count from 0 or from 1, and a text that is no option; each is counted."""
    asked = {"metric": "em_mc", "choices": ["a river", "a lake"], "performance": None}
    truths = ["-1", "1", "a hill", "A", "a lake"]
    rows = [answer(n, "a", **asked, ground_truth=truth, task=f"t{n}") for n, truth in enumerate(truths)]
    release = made_up_release(tmp_path, rows)
    corpus = export_sft(release, tmp_path / "out", setting="baseline")
    assert sorted(record["output"] for record in records(corpus)) == ["(A)", "(B)"]
    assert corpus.dropped["queries"] == {"unscorable_truth": 3}
    validate(json.loads((tmp_path / "out" / "corpus.json").read_text("utf-8")), corpus_schema())
    with pytest.raises(InputError, match=r"3 queries whose ground truth gives no score.*build with --option truth="):
        export_sft(release, tmp_path / "none", setting="baseline", tasks=["t0", "t1", "t2"])


def test_the_options_of_a_prompt() -> None:
    prompt = "How many?\nA. 1\nB. 3\nC. a hill\nAnswer:"
    assert label_answer("1", "em_mc", None, prompt) == "(A)"
    assert label_answer("a hill", "em_mc", None, prompt) == "(C)"
    assert truth_fault("7", "em_mc", None, prompt) == "unscorable_truth"
