import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.sources.llmrouter import LLMRouter
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, real_logs, write, write_json, write_lines

SECRET = "sk-own-secret-0123456789"


def query(text: str = "What is one and one?", **changes: Any) -> dict[str, Any]:
    record = {
        "task_name": "gsm8k",
        "query": text,
        "ground_truth": "2",
        "metric": "GSM8K",
        "choices": None,
        "task_id": None,
        "api_key_used": SECRET,
    }
    return {k: v for k, v in (record | changes).items() if v is not ...}


def routing(llm: str = "tiny-1b", **changes: Any) -> dict[str, Any]:
    record = query() | {
        "model_name": llm,
        "response": "Two.",
        "token_num": 30,
        "input_tokens": 20,
        "output_tokens": 10,
        "response_time": 0.5,
        "performance": 1.0,
        "embedding_id": 3,
        "user_id": "u",
    }
    return {k: v for k, v in (record | changes).items() if v is not ...}


def scores(text: str = "What is one and one?", **of: Any) -> dict[str, Any]:
    return {"question": text, "scores": of or {"tiny-1b": 1.0, "big-70b": 0.25}, "cluster_id": 4}


LLMS = {
    "tiny-1b": {"size": "1B", "feature": "Tiny.", "input_price": 0.1, "output_price": 0.2, "model": "lab/tiny", "service": "S"},
    "big-70b": {"size": "70b", "feature": "Big, at 9 dollars.", "input_price": 0.9, "output_price": 0.9, "model": "lab/big"},
    "unasked": {"feature": "Nobody asked it.", "input_price": 1, "output_price": 1, "model": "lab/no"},
}


def told(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if v is not None}


def test_an_answer_in_our_columns(tmp_path: Path) -> None:
    found = read(LLMRouter(split="partial_test"), write_lines(tmp_path / "routing.jsonl.gz", [routing()]))
    assert told(found.rows[0]) == {
        "file": "routing.jsonl.gz",
        "row": 0,
        "task": "gsm8k",
        "split": "partial_test",
        "prompt": "What is one and one?",
        "ground_truth": "2",
        "metric": "GSM8K",
        "llm": "tiny-1b",
        "mode": "direct",
        "response": "Two.",
        "input_tokens": 20,
        "output_tokens": 10,
        "performance": 1.0,
        "latency_s": 0.5,
    }
    assert found.normal_table["metric"].to_pylist() == ["gsm8k"]
    assert found.rejected == []


def test_older_names_of_fields(tmp_path: Path) -> None:
    older = routing(ground_truth=..., gt="2", input_tokens=..., output_tokens=..., prompt_tokens=7, completion_tokens=8)
    row = read(LLMRouter(), write_lines(tmp_path / "r.jsonl", [older])).rows[0]
    assert (row["ground_truth"], row["input_tokens"], row["output_tokens"]) == ("2", 7, 8)


def test_scores_meet_queries_by_text(tmp_path: Path) -> None:
    paths = [
        write_json(tmp_path / "dcrouter_test.json.gz", [scores("Second?", tiny=0.5), scores("First?")]),
        write_lines(tmp_path / "query_test.jsonl", [query("First?", task_id=11), query("Second?", task_name="arc_c")]),
        write_json(tmp_path / "llms.json", LLMS),
    ]
    found = read(LLMRouter(), *paths)
    answers = [r for r in found.rows if r["llm"]]
    assert [(r["prompt"], r["task"], r["llm"], r["performance"], r["response"], r["split"]) for r in answers] == [
        ("Second?", "arc_c", "tiny", 0.5, None, "test"),
        ("First?", "gsm8k", "tiny-1b", 1.0, None, "test"),
        ("First?", "gsm8k", "big-70b", 0.25, None, "test"),
    ]
    assert answers[1]["source_id"] == "11"
    assert set(found.normal_table["status"].to_pylist()) == {"ok"}
    assert len(found.normal_table["query_id"].unique()) == 2
    assert sorted(found.llms) == ["big-70b", "tiny-1b"]
    assert found.llms["tiny-1b"] == {
        "llm": "tiny-1b", "description": "Tiny.", "endpoint": "lab/tiny", "input_price": 0.1, "output_price": 0.2,
        "parameters_b": 1.0,
    }  # fmt: skip


def test_a_text_asked_twice_stands_for_its_first_query(tmp_path: Path) -> None:
    queries = [query("A?"), query("B?"), query("A?", task_name="mmlu", ground_truth="C"), query("A? ")]
    path = write_lines(tmp_path / "q.jsonl", queries)
    found = read(LLMRouter(), path, write_json(tmp_path / "s.json", [scores("A?")]))
    assert [(r.row, r.reason) for r in found.rejected] == [
        (2, "the same text is asked in q.jsonl record 0, and scores name a query by its text"),
        (3, "the same text is asked in q.jsonl record 0, and scores name a query by its text"),
    ]
    assert {r["task"] for r in found.rows if r["llm"]} == {"gsm8k"}
    alone = read(LLMRouter(), path)
    assert alone.rejected == []
    assert len(alone.rows) == 4


def test_scores_without_a_query(tmp_path: Path) -> None:
    path = write_json(tmp_path / "s.json", [scores("A?"), scores("B?")])
    alone = read(LLMRouter(), path)
    assert [(r["task"], r["metric"], r["prompt"]) for r in alone.rows[::2]] == [
        ("unknown", "unknown", "A?"),
        ("unknown", "unknown", "B?"),
    ]
    found = read(LLMRouter(), path, write_lines(tmp_path / "q.jsonl", [query("A?")]))
    assert found.reasons == [("s.json", 1, "no query record has this question, expected its text as it is there")]


def test_scores_that_state_their_task(tmp_path: Path) -> None:
    stated = [
        scores("A?", a=1.0) | {"task_name": "arc_c", "provenance": "simulated"},
        scores("A?", a=0.5) | {"task_name": "gsm"},
        scores("B?", a=None) | {"task_name": "gsm8k"},
    ]
    path = write_json(tmp_path / "s.json", stated)
    found = read(LLMRouter(), path, write_lines(tmp_path / "q.jsonl", [query("A?")]))
    rows = found.normal_table.filter(found.normal_table["llm"].is_valid())
    facts = rows.select(["task", "ground_truth", "performance", "status", "provenance"]).to_pylist()
    assert [tuple(r.values()) for r in facts] == [
        ("arc_challenge", None, 1.0, "ok", "simulated"),
        ("gsm8k", "2", 0.5, "ok", "imported"),
        ("gsm8k", None, None, "missing", "imported"),
    ]
    assert found.rejected == []


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ("['one', 'two']", ["one", "two"]),
        ('["one", "it\'s"]', ["one", "it's"]),
        ("{'text': ['one', 'two'], 'labels': ['A', 'B']}", ["one", "two"]),
        ("{'label': ['C', 'A', 'B'], 'text': ['three', 'one', 'two']}", ["one", "two", "three"]),
        ("{'text': ['ten', 'nine'], 'label': ['10', '9']}", ["nine", "ten"]),
        ({"text": ["one"], "label": ["A"]}, ["one"]),
        ("{'text': ['one', 'two']}", ["one", "two"]),
        ("[1, 2.5]", ["1", "2.5"]),
        (None, None),
        ("", None),
        ("None", None),
        ("[]", []),
    ],
)
def test_choices(tmp_path: Path, choices: Any, expected: list[str] | None) -> None:
    found = read(LLMRouter(), write_lines(tmp_path / "q.jsonl", [query(choices=choices)]))
    assert found.column("choices") == [expected]


@pytest.mark.parametrize(
    "choices",
    ["__import__('os').getcwd()", "{'text': ['a'], 'label': ['A', 'B']}", "[[1]]", "{'a': 1}", "words", "[" * 5000, 7,
     "['" + "a" * 1_000_001 + "']"],
)  # fmt: skip
def test_choices_that_are_none(tmp_path: Path, choices: Any) -> None:
    found = read(LLMRouter(), write_lines(tmp_path / "q.jsonl", [query(choices=choices), query("B?")]))
    assert found.column("prompt") == ["B?"]
    assert "choices is" in found.rejected[0].reason
    assert len(found.rejected[0].reason) < 200


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        ("4", "4"),
        ("['assert f(1) == 2', 'assert f(2) == 3']", '["assert f(1) == 2", "assert f(2) == 3"]'),
        (["a", "b"], '["a", "b"]'),
        ("[0, 1]", "[0, 1]"),
        ("[1, 2)", "[1, 2)"),
        (7, "7"),
        (None, None),
    ],
)
def test_ground_truths(tmp_path: Path, truth: Any, expected: str | None) -> None:
    found = read(LLMRouter(), write_lines(tmp_path / "q.jsonl", [query(ground_truth=truth)]))
    assert found.column("ground_truth") == [expected]


def test_tests_are_no_choices(tmp_path: Path) -> None:
    tests = "['assert f(1) == 2']"
    found = read(LLMRouter(), write_lines(tmp_path / "q.jsonl", [query(ground_truth=tests, choices=tests, metric="code_eval")]))
    assert found.column("choices") == [None]


def test_answers_that_are_not_there(tmp_path: Path) -> None:
    records = [
        routing(response=""),
        routing(response=None, performance=None),
        routing(response=None),
        routing("tiny-1b_think", performance=float("nan")),
    ]
    found = read(LLMRouter(), write_lines(tmp_path / "r.jsonl", records))
    assert found.normal_table.select(["llm", "mode", "status", "performance"]).to_pylist() == [
        {"llm": "tiny-1b", "mode": "direct", "status": "empty", "performance": 1.0},
        {"llm": "tiny-1b", "mode": "direct", "status": "missing", "performance": None},
        {"llm": "tiny-1b", "mode": "direct", "status": "ok", "performance": 1.0},
        {"llm": "tiny-1b", "mode": "think", "status": "ok", "performance": None},
    ]


def test_a_bad_record_costs_no_other(tmp_path: Path) -> None:
    good = json.dumps(routing()).encode()
    lines = [
        good,
        good[:-9],
        b"",
        good.replace(b"Two.", b"Tw\xff"),
        json.dumps(routing(performance="high")).encode(),
        json.dumps(routing(input_tokens=1.5)).encode(),
        json.dumps(routing(performance=float("inf"))).encode(),
        json.dumps(routing(api_key_used={"key": SECRET}, response={"text": SECRET})).encode(),
        good.replace(b"tiny", b"other"),
    ]
    found = read(LLMRouter(), write(tmp_path / "r.jsonl", b"\n".join(lines)))
    assert found.column("row") == [0, 7]
    assert [row for _, row, _ in found.reasons] == [1, 2, 3, 4, 5, 6]
    wanted = [
        "the line is not JSON",
        "the line is not UTF-8 at byte",
        'performance is "high"',
        "expected a whole number",
        "performance is",
        "response is an object",
    ]
    for reason, words in zip((r for _, _, r in found.reasons), wanted, strict=True):
        assert words in reason


def test_bad_scores_cost_no_other(tmp_path: Path) -> None:
    records = [scores(a=0.5, b="x", c=None, d=2.0), {"question": "B?", "scores": []}, {"scores": {"a": 1}}, scores("C?", a=1)]
    found = read(LLMRouter(), write_json(tmp_path / "s.json", records))
    kept = found.normal_table.select(["prompt", "llm", "performance"]).to_pylist()
    assert [(r["prompt"][:4], r["llm"], r["performance"]) for r in kept] == [
        ("What", "a", 0.5),
        ("What", "c", None),
        ("C?", "a", 1.0),
    ]
    assert sorted((row, reason.split(",")[0]) for _, row, reason in found.reasons) == [
        (0, "performance is 2.0"),
        (0, 'score of b is "x"'),
        (1, "scores is not an object with LLMs in it"),
        (2, "question is missing"),
    ]


def test_bad_prices(tmp_path: Path) -> None:
    llms = {"a": {"input_price": -1}, "b": {"input_price": "free"}, "c": {"size": "8x7B", "model": 3}, "d": LLMS["tiny-1b"]}
    found = read(LLMRouter(llms=write_json(tmp_path / "llms.json", llms)), write_lines(tmp_path / "q.jsonl", [query()]))
    assert list(found.llms) == ["d"]
    assert [r.record["llm"] for r in found.rejected] == ["a", "b", "c"]
    assert found.rejected[0].reason == "LLM a: input_price is -1.0, expected 0 or more"


def test_keys_are_never_carried_over(tmp_path: Path) -> None:
    records = [routing(), routing(performance="bad"), query("B?"), routing("x", query=None)]
    paths = [write_lines(tmp_path / "r.jsonl", records), write_json(tmp_path / "s.json", [scores()])]
    release = build(LLMRouter(), paths, tmp_path / "out", workers=1)
    assert release.manifest["rejected"] == 2
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    for name in release.tables:
        assert SECRET not in str(release.table(name).to_table().to_pylist())


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("e.pt", b"PK\x03\x04", "embeddings in a pickle, which may run code and is not read. Remedy: exclude this file"),
        ("x.json", b'[{"a": 1}]', "neither queries, answers, scores nor LLMs of LLMRouter"),
        ("x.json", b"[", "not JSON"),
        ("x.jsonl", b"", "the file is empty"),
    ],
)
def test_files_that_are_not_ours(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(LLMRouter(), write(tmp_path / name, data))


def test_the_real_logs() -> None:
    paths = real_logs("llmrouter/dcrouter_train.json.gz", "llmrouter/default_query_train.jsonl.gz")
    found = read(LLMRouter(llms=real_logs("llmrouter/default_llm.json")[0]), *paths, rows=False)
    table = found.normal_table
    assert len(table["query_id"].unique()) == 5_608
    answers = table.filter(table["llm"].is_valid())
    assert answers.num_rows == 50_472 == len(answers.group_by(["query_id", "llm", "mode"]).aggregate([]))
    assert len(answers["llm"].unique()) == len(found.llms) == 9
    assert len(found.rejected) == 8
    assert sorted(r.row for r in found.rejected) == [2548, 2837, 4631, 4670, 5011, 5109, 5531, 5536]
    assert found.llms["gemma-2-9b-it"]["input_price"] == 0.1
    assert set(table["split"].unique().to_pylist()) == {"train"}
    assert "4" in answers.filter(answers["choices"].is_valid())["ground_truth"].unique().to_pylist()
