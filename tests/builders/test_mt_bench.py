"""MT-Bench: questions, answers and judgements meet by question and turn."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.sources.mt_bench import MTBench
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.types import query_id
from tests.helpers.reading import read, real_logs, write, write_json, write_lines

TURNS = ["Add 2 and 2.", "Double it."]


def question(number: int = 7, **changes: Any) -> dict[str, Any]:
    return {"question_id": number, "category": "math", "turns": TURNS, "reference": ["4", "8"]} | changes


def answer(number: int = 7, *choices: list[Any], **changes: Any) -> dict[str, Any]:
    listed = [{"index": i, "turns": turns} for i, turns in enumerate(choices or (["Four.", "Eight."],))]
    return {"question_id": number, "answer_id": "x", "model_id": "tiny", "choices": listed, "tstamp": 1.7e9} | changes


def single(number: int = 7, turn: int = 1, score: Any = 10, **changes: Any) -> dict[str, Any]:
    prompt = "single-v1" if turn == 1 else "single-v1-multi-turn"
    record = {"question_id": number, "model": "tiny", "judge": ["big", prompt], "user_prompt": "?", "judgment": "Good."}
    return record | {"score": score, "turn": turn, "tstamp": 1.7e9} | changes


def pair(number: int = 7, turn: int = 1, **changes: Any) -> dict[str, Any]:
    record = {
        "question_id": number, "model_1": "tiny", "model_2": "other_think", "g1_winner": "model_1", "g2_winner": "tie",
        "judge": ["big", "pair-v2"], "g1_judgment": "[[A]]", "g2_judgment": "[[C]]", "turn": turn, "tstamp": 1.7e9,
    }  # fmt: skip
    return {k: v for k, v in (record | changes).items() if v is not ...}


def written(folder: Path) -> list[Path]:
    return [
        write_lines(folder / "model_judgment/big_single.jsonl", [single(), single(turn=2, score=5.5)]),
        write_lines(folder / "model_judgment/big_pair.jsonl", [pair(), pair(turn=2)]),
        write_lines(folder / "model_answer/tiny.jsonl", [answer()]),
        write_lines(folder / "question.jsonl", [question()]),
    ]


def test_queries_of_two_turns(tmp_path: Path) -> None:
    found = read(MTBench(split="test"), write_lines(tmp_path / "question.jsonl", [question()]))
    first, second = ({k: v for k, v in row.items() if v is not None} for row in found.rows)
    common = {"file": "question.jsonl", "row": 0, "task": "mt_bench", "split": "test", "metric": "judge", "domain": "math"}
    assert first == common | {"source_id": "7", "prompt": TURNS[0], "ground_truth": "4"}
    messages = [{"role": "user", "content": text} for text in TURNS]
    assert second == common | {"source_id": "7-turn-2", "messages": messages, "ground_truth": "8"}
    assert found.normal_table["query_id"].to_pylist() == [
        query_id("mt_bench", TURNS[0]), query_id("mt_bench", "", messages),
    ]  # fmt: skip


def test_all_files_meet_in_any_order(tmp_path: Path) -> None:
    paths = written(tmp_path / "logs")
    for number, inputs in enumerate((paths, paths[::-1], [tmp_path / "logs"])):
        release = build("mt_bench", inputs, tmp_path / str(number), workers=1)
        assert lfb.validate(release.path) == []
        assert (release.manifest["rejected"], release.table("queries").count_rows()) == (0, 2)
        rows = release.table("judge_scores").to_table().to_pylist()
        assert {row["judge"] for row in rows} == {"big"}
        assert sorted((r["rubric"], r["score"]) for r in rows if not r["opponent"]) == [
            ("single-v1-multi-turn: 1 to 10, mapped to (score - 1) / 9", 0.5),
            ("single-v1: 1 to 10, mapped to (score - 1) / 9", 1.0),
        ]
        ids = {row["source_id"]: row["query_id"] for row in release.table("queries").to_table().to_pylist()}
        names = ("llm", "mode", "opponent", "order", "score", "reason")
        assert sorted(tuple(r[n] for n in names) for r in rows if r["opponent"] and r["query_id"] == ids["7-turn-2"]) == [
            ("other", "think", "tiny", "first", 0.5, "[[C]]"), ("other", "think", "tiny", "second", 0.0, "[[A]]"),
            ("tiny", "direct", "other_think", "first", 1.0, "[[A]]"), ("tiny", "direct", "other_think", "second", 0.5, "[[C]]"),
        ]  # fmt: skip
        answers = release.table("responses").to_table().to_pylist()
        assert {r["response"] for r in answers if r["llm"] == "tiny"} == {"Four.", "Eight."}


def test_judgements_alone(tmp_path: Path) -> None:
    paths = written(tmp_path)[:2]
    found = read(MTBench(judge="me"), *paths)
    assert set(found.column("source_id")) == {"7", "7-turn-2"}
    assert set(found.column("judge")) == {"me"}
    assert found.column("prompt") == [None] * 10
    assert found.notes == found.rejected == []


def test_an_answer_in_our_columns(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "tiny-1b_think.jsonl", [answer(model_id="router")])
    row = {k: v for k, v in read(MTBench(), path).rows[1].items() if v is not None}
    assert row == {
        "file": "tiny-1b_think.jsonl", "row": 0, "task": "mt_bench", "split": "train", "metric": "judge",
        "source_id": "7-turn-2", "llm": "tiny-1b", "mode": "think", "replicate": 0, "requested_model": "router",
        "created_at": "1700000000", "response": "Eight.",
    }  # fmt: skip
    assert read(MTBench(names="model_id"), path).column("llm") == ["router"] * 2
    with pytest.raises(UnknownNameError, match="names"):
        list(MTBench(names="files").read([path]))


def test_judgements_of_answers_without_text_come_in(tmp_path: Path) -> None:
    rows = [answer(1, ["$ERROR$", ""]), answer(2, [None, "z"]), answer(3, ["a", "b"], ["", "c"])]
    judged = [single(n, turn) for n in (1, 2, 3) for turn in (1, 2)]
    inputs = [
        write_lines(tmp_path / "tiny.jsonl", rows),
        write_lines(tmp_path / "big_single.jsonl", judged),
        write_lines(tmp_path / "big_pair.jsonl", [pair(n, turn) for n in (1, 2, 3) for turn in (1, 2)]),
    ]
    release = build("mt_bench", inputs, tmp_path / "out", workers=1)
    assert lfb.validate(release.path) == []
    assert release.manifest["records"] == {"taken": 15, "folded": 0, "rejected": 0}
    assert release.manifest["rejected"] == 0
    assert release.table("judge_scores").count_rows() == 6 + 6 * 2 * 2
    states = [r["status"] for r in release.table("responses").to_table().to_pylist() if r["llm"] == "tiny"]
    assert sorted(states) == ["empty", "empty", "error", "missing", "ok", "ok", "ok", "ok"]


def test_choices_and_failures(tmp_path: Path) -> None:
    long = {"content": "Four.", "token_len": 3}
    rows = [
        answer(1, ["a", "b"], ["c", "$ERROR$"]),
        answer(2, [long, "ERROR"]),
        answer(2, ["again", None]),
        answer(3, ["", "z"]),
        answer(4, model_id="other"),
        answer(5, choices=[]),
        answer(6, [3]),
        answer(None),  # type: ignore[arg-type]
    ]
    found = read(MTBench(), write_lines(tmp_path / "tiny.jsonl", rows))
    table = found.normal_table
    made = zip(*(table[c].to_pylist() for c in ("source_id", "replicate", "status", "response")), strict=True)
    assert list(made) == [
        ("1", 0, "ok", "a"), ("1-turn-2", 0, "ok", "b"), ("1", 1, "ok", "c"), ("1-turn-2", 1, "error", None),
        ("2", 0, "ok", "Four."), ("2-turn-2", 0, "error", None), ("2", 1, "ok", "again"), ("2-turn-2", 1, "missing", None),
        ("3", 0, "empty", ""), ("3-turn-2", 0, "ok", "z"),
    ]  # fmt: skip
    assert table["output_tokens"].to_pylist()[4] == 3
    assert table["error"].to_pylist()[3] == "the call failed: FastChat wrote $ERROR$"
    assert [reason for _, _, reason in found.reasons] == [
        'model_id is "other", expected "tiny" as before in this file. Remedy: set --option names=model_id',
        "choices is a list, expected a list of answers",
        "turns is a list, expected a list of texts",
        "question_id is missing, expected the id of the question",
    ]


def test_scores_that_are_none_or_outside(tmp_path: Path) -> None:
    rows = [single(i, score=score) for i, score in enumerate((-1, None, "8", 1, 0, 11, [3], 2, 3))]
    found = read(MTBench(), write_lines(tmp_path / "big_single.jsonl", rows))
    assert found.column("judge_score") == [None, None, 7 / 9, 0.0, 1 / 9, 2 / 9]
    assert found.notes == ["score is -1 in 1 record, where the judge gave none: taken as null"]
    assert [reason for _, _, reason in found.reasons] == [
        "score is '0', expected a number from 1 to 10", "score is '11', expected a number from 1 to 10",
        "score is a list, expected a number from 1 to 10",
    ]  # fmt: skip
    path = write_lines(tmp_path / "other_single.jsonl", [single(i, score=80 + i) for i in range(3)])
    with pytest.raises(InputError, match="score has 3 values from 80 to 82, of which 3 are outside 1 to 10, the scale of MT-B"):
        build("mt_bench", [path], tmp_path / "out", workers=1)


def test_the_scale_needs_no_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="have no judge_score on a scale of their own"):
        build("mt_bench", written(tmp_path / "logs"), tmp_path / "out", scale={"judge_score": (1, 10)}, workers=1)


def test_references_of_another_file(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    asked = [question(1, reference=["", "own"]), question(2, category="coding", reference=None)]
    paths = [
        write_lines(folder / "question.jsonl", asked),
        write_lines(
            folder / "reference_answer/big.jsonl", [answer(1, ["one", "two"]), answer(2, ["three", "four"]), answer(3, [])]
        ),
    ]
    found = read(MTBench(), *paths)
    assert found.column("ground_truth") == ["one", "own", "three", "four"]
    assert found.column("domain") == ["math", "math", "code", "code"]
    assert found.column("llm") == [None] * 4
    assert len(found.rejected) == 1


def test_several_benchmarks_in_one_directory(tmp_path: Path) -> None:
    for name, text in (("mt_bench", "Add."), ("other_bench", "Sing.")):
        write_lines(tmp_path / name / "question.jsonl", [question(turns=[text])])
        write_lines(tmp_path / name / "model_answer/tiny.jsonl", [answer(7, [f"{text} Done."])])
    found = read(MTBench(), *sorted(tmp_path.rglob("*.jsonl")))
    assert {(row["task"], row["prompt"], row["response"]) for row in found.rows if row["llm"]} == {
        ("mt_bench", "Add.", "Add. Done."), ("other_bench", "Sing.", "Sing. Done."),
    }  # fmt: skip
    apart = read(MTBench(), tmp_path / "mt_bench/question.jsonl", tmp_path / "other_bench/model_answer/tiny.jsonl")
    assert {(row["task"], row["prompt"]) for row in apart.rows} == {("mt_bench", "Add.")}
    unasked = read(MTBench(), *sorted(tmp_path.rglob("tiny.jsonl")))
    assert {row["task"] for row in unasked.rows} == {"mt_bench", "other_bench"}


def test_a_second_prompt_of_a_judge(tmp_path: Path) -> None:
    rows = [single(), single(score=4, judge=["big", "single-math-v1"]), single(8, judge="big"), single(9, judge=...)]
    rows[-1].pop("judge")
    found = read(MTBench(), write_lines(tmp_path / "big_single.jsonl", rows))
    assert found.column("judge") == ["big", "big/single-math-v1", "big", "unknown"]


def test_other_pairs(tmp_path: Path) -> None:
    gone = {"g1_winner": ..., "g2_winner": ...}
    rows = [
        pair(1, g2_winner="error"), pair(2, winner="model_2", **gone), pair(3, model_2="tiny"), pair(4, turn=0),
        pair(5, g1_winner="nobody"), pair(6, turn=1.5),
    ]  # fmt: skip
    found = read(MTBench(), write_lines(tmp_path / "big_pair.jsonl", rows))
    assert [(r["source_id"], r["llm"], r["judge_order"], r["judge_score"]) for r in found.rows] == [
        ("1", "tiny", "first", 1.0), ("1", "other", "second", 0.0),
        ("1", "tiny", "second", None), ("1", "other", "first", None),
        ("2", "tiny", "first", 0.0), ("2", "other", "second", 1.0),
    ]  # fmt: skip
    assert [row for _, row, _ in found.reasons] == [2, 3, 4, 5]


def test_other_questions_and_files(tmp_path: Path) -> None:
    hub = write_json(tmp_path / "prompts.json", [{"prompt_id": 1, "prompt": TURNS, "category": "writing", "reference": []}])
    found = read(MTBench(), hub, write_lines(tmp_path / "judge_prompts.jsonl", [{"name": "v1", "prompt_template": "{answer}"}]))
    assert found.column("source_id") == ["1", "1-turn-2"]
    assert found.notes == ["prompts of judges are not read"]
    bad = [question(turns=["a", " "]), question(2, turns="a"), question(3), question(3, turns=["b"]), question(4, reference=7)]
    found = read(MTBench(), write_lines(tmp_path / "question.jsonl", bad))
    assert found.column("source_id") == ["3", "3-turn-2"]
    assert [row for _, row, _ in found.reasons] == [0, 1, 3, 4]
    with pytest.raises(InputError, match=r"notes.jsonl: no question, answer or judgement of MT-Bench in it"):
        list(MTBench().read([write(tmp_path / "notes.jsonl", b'{"a": 1}\n')]))
    missing = read(MTBench(), hub, write_lines(tmp_path / "tiny.jsonl", [answer(9)]))
    assert missing.notes == ["no file holds the questions of 2 answers or judgements: the ids stand for what was asked"]


def means(release: Release) -> dict[tuple[str, int], float]:
    turns = {
        q["query_id"]: 2 if q["source_id"].endswith("-turn-2") else 1 for q in release.table("queries").to_table().to_pylist()
    }
    given: dict[tuple[str, int], list[float]] = defaultdict(list)
    for row in release.table("judge_scores").to_table().to_pylist():
        if row["score"] is not None:
            given[row["llm"], turns[row["query_id"]]].append(row["score"])
    return {key: sum(scores) / len(scores) for key, scores in given.items()}


def test_real_files(tmp_path: Path) -> None:
    paths = real_logs("formats/mt_bench/*.jsonl.gz")
    raw = {p.name.split(".")[0]: [json.loads(line) for line in gzip.decompress(p.read_bytes()).splitlines()] for p in paths}
    release = build("mt_bench", paths, tmp_path / "out", workers=1)
    assert lfb.validate(release.path) == []
    assert release.manifest["records"] == {"taken": 480, "folded": 0, "rejected": 0}
    counts = {name: release.table(name).count_rows() for name in ("queries", "responses", "judge_scores")}
    assert counts == {"queries": 160, "responses": 320, "judge_scores": 320}
    given: dict[tuple[str, int], list[float]] = defaultdict(list)
    for row in raw["gpt-4_single"]:
        if row["score"] != -1:
            given[row["model"], row["turn"]].append(row["score"])
    assert means(release) == pytest.approx({key: (sum(s) / len(s) - 1) / 9 for key, s in given.items()})
    queries = {q["query_id"]: q for q in release.table("queries").to_table().to_pylist()}
    said = {
        (queries[r["query_id"]]["source_id"].partition("-")[0], queries[r["query_id"]]["source_id"].endswith("-turn-2")): r
        for r in release.table("responses").to_table().to_pylist()
        if r["llm"] == "martian"
    }
    for record in raw["martian"]:
        for i, text in enumerate(record["choices"][0]["turns"]):
            assert said[str(record["question_id"]), bool(i)]["response"] == text
    truths = sum(bool(text) for record in raw["question"] for text in record.get("reference", []))
    assert sum(q["ground_truth"] is not None for q in queries.values()) == truths == 70
