"""The best answers to a query: against a plain reading of the rules, row by row, and on small logs where each rule bites."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.templates import CRITERIA, POOLS, select_answers
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release, open_release

HEAD = "prompt,split,task,llm,response,performance,cost_usd,judge,judge_score,metric,ground_truth"


def logs(folder: Path, *lines: str) -> Release:
    (folder / "log.csv").write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return build("table", [folder / "log.csv"], folder / "release", workers=1)


def chosen(release: Release, **options: Any) -> list[tuple[str, str]]:
    rows = select_answers(release, **options).answers.to_pylist()
    return [(row["llm"], row["mode"]) for row in rows]


def by_the_book(release: Release, criterion: str, pool: str, top: int) -> dict[str, list[tuple[str, str]]]:
    """Query -> its best answers, as the rules say it in words."""
    scale = {row["llm"]: row["scale"] for row in release.table("llms").to_table().to_pylist()}
    given = defaultdict(list)
    for row in release.table("judge_scores", "train").to_table().to_pylist():
        if row["score"] is not None:
            given[row["query_id"], row["llm"], row["mode"]].append(row["score"])
    judged = {key: sum(scores) / len(scores) for key, scores in given.items()}
    queries = defaultdict(list)
    for row in release.table("responses", "train").to_table().to_pylist():
        row["judge"] = judged.get((row["query_id"], row["llm"], row["mode"]))
        row["cost"] = float("inf") if row["cost_usd"] is None else row["cost_usd"]
        fits = row["status"] == "ok" and (row["response"] or "").strip() and (pool == "all" or scale[row["llm"]] == "small")
        good = (row["judge"] or 0) >= 0.5 if criterion == "judge" else (row["performance"] or 0) > 0
        if fits and good:
            queries[row["query_id"]].append(row)
    best = {}
    for query, rows in queries.items():
        key = "judge" if criterion == "judge" else "performance"
        rows.sort(key=lambda r: (-r[key], r["cost"], r["llm"], r["mode"]))
        if criterion == "hybrid":
            rows = [r for r in rows[:5] if r["judge"] is not None]
            rows.sort(key=lambda r: (-r["judge"], -r["performance"], r["cost"], r["llm"], r["mode"]))
        if rows:
            best[query] = [(r["llm"], r["mode"]) for r in rows[:top]]
    return best


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("top", [1, 3])
def test_the_sample_by_the_book(criterion: str, pool: str, top: int) -> None:
    release = open_release("sample")
    selection = select_answers(release, criterion=criterion, pool=pool, top=top)
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in selection.answers.to_pylist():
        assert row["rank"] == len(found[row["query_id"]])
        found[row["query_id"]].append((row["llm"], row["mode"]))
    assert found == by_the_book(release, criterion, pool, top)
    assert list(found) == sorted(found)
    assert selection.queries == 392
    assert len(found) + sum(selection.skipped.values()) == 392


def test_ties_go_to_the_cheaper_then_to_the_name(tmp_path: Path) -> None:
    release = logs(
        tmp_path,
        "1+1?,train,t,dear,2,1,0.9,,,em,2",
        "1+1?,train,t,cheap,2,1,0.1,,,em,2",
        "1+1?,train,t,b_unknown,2,1,,,,em,2",
        "1+1?,train,t,a_unknown_think,2,1,,,,em,2",
        "1+1?,train,t,a_unknown,2,1,,,,em,2",
        "1+1?,train,t,half,2,0.5,0,,,em,2",
    )
    assert chosen(release, top=9) == [
        ("cheap", "direct"), ("dear", "direct"), ("a_unknown", "direct"), ("a_unknown", "think"), ("b_unknown", "direct"),
        ("half", "direct"),
    ]  # fmt: skip


def test_missing_scores_never_win_and_errors_are_no_answers(tmp_path: Path) -> None:
    release = logs(
        tmp_path,
        "1+1?,train,t,unscored,2,,0.1,,,em,2",
        "1+1?,train,t,silent,,1,0.1,,,em,2",
        "1+1?,train,t,blank,   ,1,0.1,j,1,em,2",
        "1+1?,train,t,wrong,3,0,0.1,j,1,em,2",
        "1+1?,train,t,right,2,0.25,0.9,j,0.2,em,2",
    )
    assert chosen(release) == [("right", "direct")]
    assert chosen(release, criterion="judge") == [("wrong", "direct")]
    assert chosen(release, criterion="hybrid") == [("right", "direct")]


def test_several_judges_count_by_their_mean(tmp_path: Path) -> None:
    release = logs(
        tmp_path,
        "1+1?,train,t,a,2,1,0.1,strict,0.2,em,2",
        "1+1?,train,t,a,2,1,0.1,mild,1,em,2",
        "1+1?,train,t,b,2,1,0.1,strict,0.7,em,2",
        "1+1?,train,t,c,2,1,0.1,strict,0.3,em,2",
        "1+1?,train,t,c,2,1,0.1,mild,,em,2",
    )
    assert chosen(release, criterion="judge") == [("b", "direct"), ("a", "direct")]
    assert chosen(release, criterion="judge", min_judge_score=0.25) == [("b", "direct"), ("a", "direct"), ("c", "direct")]


def test_hybrid_asks_the_judge_about_the_best_five_only(tmp_path: Path) -> None:
    release = logs(
        tmp_path,
        *(f"1+1?,train,t,m{i},2,1,0.{i},j,0.{i},em,2" for i in range(1, 6)),
        "1+1?,train,t,sixth,2,1,0.9,j,1,em,2",
        "1+1?,train,t,half,2,0.5,0,j,1,em,2",
    )
    assert chosen(release, criterion="hybrid") == [("m5", "direct"), ("m4", "direct"), ("m3", "direct")]


def test_every_query_without_a_template_is_counted_once_and_for_its_own_reason(tmp_path: Path) -> None:
    release = logs(
        tmp_path,
        "q1,train,t,s-7b,2,1,0.1,j,0.9,em,2",
        "q2,train,t,l-70b,2,1,0.1,j,0.9,em,2",
        "q3,train,t,s-7b,,1,0.1,,,em,2",
        "q4,train,t,s-7b,2,,0.1,,,em,2",
        "q5,train,t,s-7b,2,0,0.1,j,0.1,em,2",
        "q6,train,t,s-7b,2,1,0.1,,,em,2",
        "q7,test,t,s-7b,2,1,0.1,j,1,em,2",
    )
    small = select_answers(release, pool="small")
    assert small.skipped == {
        "no answers of a small LLM": 1,
        "no answer with a text": 1,
        "no answer with a performance": 1,
        "no answer with a performance above 0": 1,
    }
    assert (small.queries, len(small.answers)) == (6, 2)
    judge = select_answers(release, criterion="judge")
    assert judge.skipped == {
        "no answer with a text": 1,
        "no answer with a judge score": 2,
        "no answer with a judge score of at least 0.5": 1,
    }
    hybrid = select_answers(release, criterion="hybrid")
    assert hybrid.skipped["none of the best 5 answers has a judge score"] == 1
    assert len(hybrid.answers) + sum(hybrid.skipped.values()) == 6


def test_a_query_whose_prompt_is_unknown_is_counted(tmp_path: Path) -> None:
    head = "source_id,split,task,llm,response,performance,metric,ground_truth"
    (tmp_path / "log.csv").write_text(f"{head}\nx1,train,t,a,2,1,em,2\n", encoding="utf-8")
    release = build("table", [tmp_path / "log.csv"], tmp_path / "release", workers=1)
    assert select_answers(release).skipped == {"the release does not hold their prompt": 1}


@pytest.mark.parametrize(
    ("line", "options", "message"),
    [
        ("q,test,t,a,2,1,,j,1,em,2", {}, "no queries in the split train"),
        ("q,train,t,a,2,1,,,,em,2", {"criterion": "judge"}, "has a judge score, which the criterion judge needs"),
        ("q,train,t,a,2,1,,,,em,2", {"criterion": "hybrid"}, "has a judge score, which the criterion hybrid needs"),
        ("q,train,t,a,2,,,j,1,em,2", {}, "has a performance. Remedy: llmfusionbench rescore"),
        ("q,train,t,a,2,1,,,,em,2", {"pool": "small"}, "LLM of known scale"),
        ("q,train,t,a-70b,2,1,,,,em,2", {"pool": "small"}, "is by a small LLM"),
        ("q,train,t,a,,1,,,,em,2", {}, "has its text"),
        ("q,train,t,a,2,1,,,,em,2", {"top": 0}, "top: 0, expected at least 1"),
        ("q,train,t,a,2,1,,,,em,2", {"criterion": "hybrid", "top": 6}, "top: 6, expected 1 to 5"),
        ("q,train,t,a,2,1,,,,em,2", {"min_judge_score": 1.5}, "min_judge_score: 1.5, expected 0 to 1"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, line: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match="Remedy") as caught:
        select_answers(logs(tmp_path, line), **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(("option", "value"), [("criterion", "perfomance"), ("pool", "big")])
def test_unknown_names(option: str, value: str) -> None:
    with pytest.raises(UnknownNameError, match=f'No {option} "{value}"'):
        select_answers(lfb.open_release("sample"), **{option: value})
