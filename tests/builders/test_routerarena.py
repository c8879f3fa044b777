"""RouterArena: cached results, predictions, the dataset, settings and prices."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders import build
from llmfusionbench.builders.reading.routerarena import options_in, question_in, task_of, truth_of
from llmfusionbench.builders.sources.routerarena import RouterArena
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, real_logs, write_json, write_lines

CHOICE = (
    "Please read the following questions.\n\nContext: {context}\n\nQuestion: {question}\n\nOptions: \n{options}\n\n\n"
    "Provide the correct letter choice in \\boxed{{X}}."
)
PROMPT = CHOICE.format(context="None", question="Which is a metal?", options="A. wood\nB. iron\nC. glass,\nblown")


def cached(index: str = "Metals_easy_1", **more: Any) -> dict[str, Any]:
    judged = {"extracted_answer": "B", "ground_truth": "1", "score": 1.0, "metric": "mcq_accuracy", "inference_cost": 0.002}
    return {
        "global_index": index,
        "question": PROMPT,
        "llm_selected": "lab/tiny",
        "generated_answer": "\\boxed{B}",
        "token_usage": {"input_tokens": 30, "output_tokens": 4, "total_tokens": 34},
        "success": True,
        "provider": "lab",
        "error": None,
        "evaluation_result": judged | more.pop("judged", {}),
        **more,
    }


def predicted(index: str = "Metals_easy_1", name: str = "lab/tiny", **more: Any) -> dict[str, Any]:
    answered = {"generated_answer": "\\boxed{B}", "success": True, "token_usage": {"input_tokens": 30, "output_tokens": 4}}
    return {
        "global index": index,
        "prompt": PROMPT,
        "prediction": name,
        "generated_result": answered | {"finish_reason": "stop", "error": None},
        "cost": 0.002,
        "accuracy": 1.0,
        "for_optimality": False,
        **more,
    }


def test_every_field_has_its_place(tmp_path: Path) -> None:
    prices = {"lab/tiny": {"input_token_price_per_million": 0.1, "output_token_price_per_million": 0.4}, "other": {}}
    prices["other"] = {"input_token_price_per_million": 9, "output_token_price_per_million": 9}
    files = [write_lines(tmp_path / "lab_tiny.jsonl", [cached(latency=2.5)]), write_json(tmp_path / "cost.json", prices)]
    found = read(RouterArena(), *files)
    assert (found.rejected, found.notes) == ([], [])
    expected = {
        "task": "Metals_easy",
        "source_id": "Metals_easy_1",
        "prompt": PROMPT,
        "ground_truth": "B",
        "choices": ["wood", "iron", "glass,\nblown"],
        "metric": "em_mc",
        "llm": "lab/tiny",
        "requested_model": "lab/tiny",
        "response": "\\boxed{B}",
        "performance": 1.0,
        "cost_usd": 0.002,
        "input_tokens": 30,
        "output_tokens": 4,
        "latency_s": 2.5,
        "endpoint": "lab",
        "split": "train",
        "replicate": 0,
    }
    assert {name: found.rows[0][name] for name in expected} == expected
    assert found.llms == {"lab/tiny": {"llm": "lab/tiny", "input_price": 0.1, "output_price": 0.4}}


def test_a_failed_call_is_an_error(tmp_path: Path) -> None:
    rows = [
        cached(success=False, error="rate limit", generated_answer="", judged={"score": 0.0}),
        cached("Metals_easy_2", success=False, generated_answer="", evaluation_result=None),
    ]
    normal = read(RouterArena(), write_lines(tmp_path / "a.jsonl", rows)).normal_table.to_pylist()
    assert [(row["status"], row["error"], row["performance"]) for row in normal] == [
        ("error", "rate limit", None),
        ("error", "the log states no reason", None),
    ]


@pytest.mark.parametrize("names", [("a", "b", "c", "d"), ("d", "c", "b", "a")])
def test_predictions_know_the_metric_and_truth_of_other_files(tmp_path: Path, names: tuple[str, ...]) -> None:
    settings = {"eval_params": {"dataset": "Cities", "eval_metrics": ["exact_match"], "prompt": "{Question}"}}
    dataset = [{"global index": "Cities_7", "prompt_formatted": "Capital of Norway?", "Answer": "Oslo", "Domain": "geography"}]
    predictions = [predicted(), predicted("Cities_7", prompt=None, name="lab/big"), predicted("Metals_easy_2", "lab/big")]
    predictions[2] |= {"generated_result": None, "accuracy": None, "cost": None}
    files = {
        names[0]: write_lines(tmp_path / "lab_tiny.jsonl", [cached()]),
        names[1]: write_json(tmp_path / "my-router.json", predictions),
        names[2]: write_json(tmp_path / "Cities.json", settings),
        names[3]: write_json(tmp_path / "router_data.json", dataset),
    }
    found = read(RouterArena(), *(files[name] for name in sorted(files)))
    assert [(row["source_id"], row["llm"], row["metric"], row["ground_truth"]) for row in found.rows] == [
        ("Metals_easy_1", "lab/tiny", "em_mc", "B"),
        ("Cities_7", "lab/big", "exact_match", "Oslo"),
        ("Metals_easy_2", None, "em_mc", None),
    ]
    assert (found.rows[1]["prompt"], found.rows[1]["domain"]) == ("Capital of Norway?", "geography")
    assert found.notes == [
        "1 answers are those of an earlier record with the same score and are not repeated",
        "1 predictions are choices without an answer: only their queries are read",
    ]


def test_other_answers_are_replicates(tmp_path: Path) -> None:
    rows = [cached(), cached(generated_answer="B."), cached(generated_answer="C", judged={"score": 0.0}), cached()]
    found = read(RouterArena(), write_lines(tmp_path / "a.jsonl", rows))
    assert [(row["response"], row["replicate"]) for row in found.rows] == [("\\boxed{B}", 0), ("B.", 1), ("C", 2)]


def test_the_question_without_its_template(tmp_path: Path) -> None:
    found = read(RouterArena(prompt="question"), write_lines(tmp_path / "a.jsonl", [cached()]))
    assert (found.rows[0]["prompt"], len(found.rows[0]["choices"])) == ("Which is a metal?", 3)
    told = CHOICE.format(context="A shelf.", question="What is it?\n\nReally?", options="A. x\nB. y")
    assert question_in(told) == "A shelf.\n\nWhat is it?\n\nReally?"
    assert question_in("Write a program.\nQuestion: none") == "Write a program.\nQuestion: none"


@pytest.mark.parametrize(
    ("value", "metric", "expected"),
    [("0", "em_mc", "A"), ("3.0", "em_mc", "D"), ("c", "em_mc", "C"), ("25", "em_mc", "Z"), (2, "em_mc", "C"),
     ("2", "math", "2"), ("See dataset for testcases", "code_accuracy", None), ("26", "em_mc", "26"), (None, "em_mc", None)],
)  # fmt: skip
def test_truths(value: Any, metric: str, expected: str | None) -> None:
    assert truth_of(value, metric) == expected


def test_tasks() -> None:
    assert [task_of(name) for name in ("AIME_112", "MMLUPro_computer science_4", "plain", "_3")] == [
        "AIME",
        "MMLUPro_computer science",
        "plain",
        "_3",
    ]


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n")).map(str.strip).filter(bool), min_size=2, max_size=26
    )
)
def test_options_come_back(texts: list[str]) -> None:
    block = "\n".join(f"{chr(65 + i)}. {text}" for i, text in enumerate(texts))
    assert options_in(CHOICE.format(context="None", question="Which?", options=block)) == texts


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    config = write_json(tmp_path / "your-router.json", {"pipeline_params": {"router_name": "mine", "models": ["a"]}})
    with pytest.raises(InputError, match="neither cached results nor predictions"):
        read(RouterArena(), config)
    found = read(
        RouterArena(), config, write_json(tmp_path / "x.json", {"a": 1}), write_lines(tmp_path / "a.jsonl", [cached()])
    )
    assert found.notes == [
        "it is the configuration of a router, which holds no answers",
        "it is none of RouterArena's files and is not read",
    ]


def test_bad_records_are_rejected_with_their_reason(tmp_path: Path) -> None:
    rows = [cached(), cached(llm_selected=None), cached(judged={"score": "x"}), cached(token_usage=[1]), cached(global_index=4)]
    found = read(RouterArena(), write_lines(tmp_path / "a.jsonl", rows))
    assert [row for _, row, _ in found.reasons] == [1, 2, 3, 4]
    assert [reason.split(",")[0] for _, _, reason in found.reasons] == [
        "llm_selected is missing",
        'score is "x"',
        "token_usage is not an object",
        "global_index is 4",
    ]


def test_the_real_results_come_in_whole(tmp_path: Path) -> None:
    paths = real_logs("formats/routerarena/*")
    log = next(path for path in paths if path.name.endswith(".jsonl.gz"))
    raw = [json.loads(line) for line in gzip.decompress(log.read_bytes()).splitlines()]
    found = read(RouterArena(), *paths)
    assert (len(found.rows), found.rejected) == (len(raw), []) == (400, [])
    scores: dict[str, list[list[float]]] = defaultdict(lambda: [[], []])
    for row, said in zip(found.rows, raw, strict=True):
        judged = said["evaluation_result"]
        scores[said["global_index"].rpartition("_")[0]][0].append(judged["score"])
        scores[row["task"]][1].append(row["performance"])
        assert (row["llm"], row["cost_usd"]) == (said["llm_selected"], judged["inference_cost"])
        if row["metric"] == "em_mc":
            number = judged["ground_truth"]
            assert row["ground_truth"] == (chr(65 + int(number)) if number.isdecimal() else number)
            assert ord(row["ground_truth"]) - 65 < len(row["choices"])
    assert len(scores) == 27
    assert all(sum(stated) == sum(ours) and len(stated) == len(ours) for stated, ours in scores.values())
    assert found.llms["gemini-2.0-flash-001"]["input_price"] == 0.1
    release = build("routerarena", [log.parent], tmp_path / "out", workers=1, strict=True)
    assert release.routing().performance.mean() == pytest.approx(sum(r["evaluation_result"]["score"] for r in raw) / 400)
