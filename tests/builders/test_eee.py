"""Every Eval Ever: aggregates and samples in the layouts of its schemas 0.2 and 0.3."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.reading.eee_runs import Spread, run_of
from llmfusionbench.builders.sources.eee import EEE
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.reading import read, write_json, write_lines

NAME = "0c7d0c1e-5b1f-4f0e-8a55-0f6f3f1d2a11"


def sample(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "schema_version": "0.3.0",
        "evaluation_id": "sums/lab_tiny/1750000000",
        "model_id": "lab/tiny",
        "evaluation_name": "sums",
        "evaluation_result_id": "sums/accuracy",
        "sample_id": f"sum-{number}",
        "interaction_type": "single_turn",
        "input": {"raw": f"Add {number} and 1.", "formatted": f"Q: Add {number} and 1.\nA:", "reference": [str(number + 1)]},
        "output": {"raw": [f"It is {number + 1}."], "reasoning_trace": ["One more."]},
        "answer_attribution": [],
        "evaluation": {"score": 1.0, "is_correct": True},
        "token_usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13, "reasoning_tokens": 2},
        "performance": {"latency_ms": 1500.0},
        **more,
    }


def result(**config: Any) -> dict[str, Any]:
    return {
        "evaluation_result_id": "sums/accuracy",
        "evaluation_name": "sums",
        "source_data": {"dataset_name": "sums", "source_type": "hf_dataset", "hf_repo": "lab/sums", "hf_split": "val"},
        "metric_config": {"metric_id": "Accuracy", "lower_is_better": False, "min_score": 0, "max_score": 1} | config,
        "score_details": {"score": 1.0},
        "generation_config": {"generation_args": {"temperature": 0.5, "max_tokens": 64, "reasoning": True}},
    }


def aggregate(*results: dict[str, Any], rows: int | None = None) -> dict[str, Any]:
    return {
        "schema_version": "0.3.0",
        "evaluation_id": "sums/lab_tiny/1750000000",
        "evaluation_timestamp": "1750000000",
        "retrieved_timestamp": "1750000009",
        "source_metadata": {"source_type": "evaluation_run"},
        "model_info": {"name": "tiny", "id": "lab/tiny", "developer": "lab", "inference_platform": "Some Cloud"},
        "evaluation_results": list(results) or [result()],
        "detailed_evaluation_results": {"format": "jsonl", "file_path": f"data/x/{NAME}_samples.jsonl", "total_rows": rows},
    }


def both(folder: Path, samples: list[dict[str, Any]], *results: dict[str, Any], rows: int | None = None) -> list[Path]:
    """The files of a run, the samples first."""
    return [
        write_lines(folder / f"{NAME}_samples.jsonl", samples),
        write_json(folder / f"{NAME}.json", aggregate(*results, rows=rows)),
    ]


def test_every_field_has_its_place(tmp_path: Path) -> None:
    found = read(EEE(), *both(tmp_path, [sample()]))
    assert found.rejected == []
    assert found.notes == []
    expected = {
        "task": "sums",
        "split": "partial_test",
        "source_id": "sum-1",
        "prompt": "Add 1 and 1.",
        "ground_truth": "2",
        "metric": "accuracy",
        "llm": "lab/tiny",
        "mode": "direct",
        "replicate": 0,
        "response": "It is 2.",
        "reasoning": "One more.",
        "performance": 1.0,
        "input_tokens": 9,
        "output_tokens": 4,
        "reasoning_tokens": 2,
        "latency_s": 1.5,
        "endpoint": "Some Cloud",
        "created_at": "1750000000",
    }
    assert {name: found.rows[0][name] for name in expected} == expected
    assert found.rows[0]["sampling"] | {"temperature": 0.5, "max_tokens": 64} == found.rows[0]["sampling"]


def test_samples_alone_are_read_with_a_warning(tmp_path: Path) -> None:
    found = read(EEE(prompt="formatted", split="test"), write_lines(tmp_path / "run_samples.jsonl", [sample()]))
    assert found.rows[0]["prompt"] == "Q: Add 1 and 1.\nA:"
    assert (found.rows[0]["task"], found.rows[0]["metric"], found.rows[0]["split"]) == ("sums", "unknown", "test")
    assert "without an aggregate: 1" in found.notes[0]


def test_aggregates_alone_are_refused(tmp_path: Path) -> None:
    path = write_json(tmp_path / f"{NAME}.json", aggregate())
    with pytest.raises(InputError, match=r"aggregates alone.*Remedy: add the files \*_samples.jsonl"):
        read(EEE(), path)


def test_other_files_are_noted(tmp_path: Path) -> None:
    schema = write_json(tmp_path / "eval.schema.json", {"type": "object", "properties": {}})
    found = read(EEE(), schema, *both(tmp_path, [sample()]))
    assert (len(found.rows), found.notes) == (1, ["it holds neither aggregates nor samples and is not read"])
    with pytest.raises(InputError, match="no sample of Every Eval Ever in it"):
        read(EEE(), schema)


def test_an_aggregate_without_its_samples_is_noted(tmp_path: Path) -> None:
    other = aggregate() | {"evaluation_id": "other/run/1"}
    other["detailed_evaluation_results"] = None
    path = write_json(tmp_path / "aggregate.json", other)
    found = read(EEE(), path, *both(tmp_path, [sample()]))
    assert len(found.rows) == 1
    assert found.notes == ["aggregates without samples among the files: 1. Their means are not read"]


@pytest.mark.parametrize(
    ("config", "score", "expected"),
    [
        ({"max_score": 10}, 7.5, 0.75),
        ({"min_score": 1, "max_score": 5}, 2, 0.25),
        ({"lower_is_better": True}, 0.25, 0.75),
        ({"lower_is_better": True, "max_score": "Infinity"}, 3.0, None),
        ({"min_score": None, "max_score": None}, 0.5, 0.5),
        ({"min_score": None, "max_score": None, "score_type": "binary"}, 1, 1.0),
        ({"min_score": None, "max_score": None, "score_type": "levels", "level_names": ["bad", "fair", "good"]}, 1, 0.5),
        ({"has_unknown_level": True}, -1, None),
    ],
)
def test_scores_are_brought_to_0_to_1(tmp_path: Path, config: dict[str, Any], score: float, expected: float | None) -> None:
    found = read(EEE(), *both(tmp_path, [sample(evaluation={"score": score, "is_correct": False})], result(**config)))
    assert found.rows[0]["performance"] == expected


def test_samples_of_a_percentage_are_shares(tmp_path: Path) -> None:
    stated = result(max_score=100) | {"score_details": {"score": 50.0}}
    scores = [sample(n, evaluation={"score": float(n == 1), "is_correct": n == 1}) for n in (1, 2)]
    found = read(EEE(), *both(tmp_path, scores, stated))
    assert [row["performance"] for row in found.rows] == [1.0, 0.0]
    assert found.notes == []


def test_low_scores_on_a_long_scale_stay_low() -> None:
    run = run_of(aggregate(result(max_score=10) | {"score_details": {"score": 0.5}}), Path("a.json"), "a.json")
    spread = Spread()
    for score in (0.0, 1.0):
        spread.add(score)
    assert spread.scale(run.results["sums/accuracy"]) == (0.0, 10.0)


def test_several_metrics_of_an_answer_give_one_record(tmp_path: Path) -> None:
    second = result(metric_id="f1") | {"evaluation_result_id": "sums/f1"}
    rows = [sample(), sample(evaluation_result_id="sums/f1", evaluation={"score": 0.5, "is_correct": False})]
    found = read(EEE(), *both(tmp_path, rows, result(), second))
    assert [(row["metric"], row["performance"]) for row in found.rows] == [("accuracy", 1.0)]
    assert "further scores of the same answers, which are not read: 1. The scores are by " in found.notes[0]
    chosen = read(EEE(metric="F1"), *both(tmp_path, rows, result(), second))
    assert [(row["metric"], row["performance"], row["replicate"]) for row in chosen.rows] == [("f1", 0.5, 0)]
    with pytest.raises(UnknownNameError, match="Known: sums/accuracy, sums/f1"):
        read(EEE(metric="bleu"), *both(tmp_path, rows, result(), second))


def test_parts_of_a_dataset_by_one_metric_are_tasks(tmp_path: Path) -> None:
    parts = [result() | {"evaluation_name": name, "evaluation_result_id": name} for name in ("sums_easy", "sums_hard")]
    rows = [sample(n, evaluation_name=name, evaluation_result_id=name) for n, name in enumerate(("sums_easy", "sums_hard"))]
    found = read(EEE(), *both(tmp_path, rows, *parts))
    assert found.column("task") == ["sums_easy", "sums_hard"]


def test_repeated_answers_are_replicates(tmp_path: Path) -> None:
    rows = [sample(), sample(), sample(output={"raw": ["Two.", "Three."]}), sample(2)]
    found = read(EEE(), *both(tmp_path, rows))
    assert [(row["response"], row["replicate"]) for row in found.rows] == [
        ("It is 2.", 0),
        ("It is 2.", 1),
        ("Two.", 2),
        ("Three.", 3),
        ("It is 3.", 0),
    ]
    assert found.rows[2]["input_tokens"] is None
    assert "samples with several outputs and one score, which each output gets: 1" in found.notes[0]


def test_a_conversation_is_asked_by_its_user(tmp_path: Path) -> None:
    talk = [
        {"turn_idx": 0, "role": "system", "content": "Be brief."},
        {"turn_idx": 1, "role": "user", "content": "Look it up."},
        {"turn_idx": 2, "role": "assistant", "content": None, "tool_calls": [{"id": "1", "name": "find", "arguments": {}}]},
        {"turn_idx": 3, "role": "tool", "content": "7", "tool_call_id": ["1"]},
        {"turn_idx": 4, "role": "assistant", "content": "Seven.", "reasoning_trace": "The tool says 7."},
    ]
    row = sample(interaction_type="agentic", output=None, messages=talk)
    found = read(EEE(), *both(tmp_path, [row]))
    assert found.rows[0]["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Look it up."}]
    assert (found.rows[0]["response"], found.rows[0]["reasoning"]) == ("Seven.", "The tool says 7.")
    assert "samples that are conversations, of which the last answer is read, and no turn before: 1" in found.notes[0]


def test_a_single_question_as_a_message_is_its_input(tmp_path: Path) -> None:
    talk = [{"turn_idx": 0, "role": "user", "content": "Add 1 and 1."}, {"turn_idx": 1, "role": "assistant", "content": "2"}]
    found = read(EEE(), *both(tmp_path, [sample(interaction_type="multi_turn", output=None, messages=talk)]))
    assert (found.rows[0]["prompt"], found.rows[0]["messages"], found.rows[0]["response"]) == ("Add 1 and 1.", None, "2")


def test_a_failed_call_is_an_error(tmp_path: Path) -> None:
    row = sample(output={"raw": []}, error="timeout", evaluation={"score": 0.0, "is_correct": False}, token_usage=None)
    normal = read(EEE(), *both(tmp_path, [row])).normal_table.to_pylist()[0]
    assert (normal["status"], normal["error"], normal["performance"]) == ("error", "timeout", None)


def test_the_schema_0_2_has_texts_for_lists(tmp_path: Path) -> None:
    row = sample(
        schema_version="0.2.0",
        input={"raw": "Pick one.", "reference": "b", "choices": ["a", "b"]},
        output={"raw": "b", "reasoning_trace": ""},
        performance={"generation_time_ms": 20.0},
        token_usage={"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    )
    found = read(EEE(), *both(tmp_path, [row])).rows[0]
    assert (found["ground_truth"], found["choices"], found["response"]) == ("b", ["a", "b"], "b")
    assert (found["latency_s"], found.get("input_tokens")) == (0.02, None)


def test_references_that_stand_as_choices_are_no_options(tmp_path: Path) -> None:
    row = sample(input={"raw": "Who?", "reference": ["Ada", "Ada L."], "choices": ["Ada", "Ada L."]})
    found = read(EEE(), *both(tmp_path, [row])).rows[0]
    assert (found["ground_truth"], found["choices"]) == ('["Ada", "Ada L."]', None)


def test_cached_tokens_that_the_input_lacks_are_added(tmp_path: Path) -> None:
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 107, "input_tokens_cache_read": 100}
    found = read(EEE(), *both(tmp_path, [sample(token_usage=usage), sample(2, token_usage=usage | {"total_tokens": 7})]))
    assert found.column("input_tokens") == [105, 5]


def test_what_differs_from_the_aggregate_is_noted(tmp_path: Path) -> None:
    assert "samples in it: 1, and" in read(EEE(), *both(tmp_path, [sample()], rows=3)).notes[0]
    lower = result() | {"score_details": {"score": 0.5}}
    assert "the mean of sums/accuracy is 1" in read(EEE(), *both(tmp_path, [sample()], lower)).notes[0]


def test_two_runs_with_one_id_meet_by_their_names(tmp_path: Path) -> None:
    one, two = both(tmp_path / "a", [sample()]), both(tmp_path / "b", [sample(2)], result(metric_id="other"))
    found = read(EEE(), one[0], two[0], two[1], one[1])
    assert [(row["source_id"], row["metric"]) for row in found.rows] == [("sum-1", "accuracy"), ("sum-2", "other")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input": None}, "input and evaluation are missing"),
        ({"model_id": None}, "model_id is missing"),
        ({"output": {"raw": [1]}}, "output.raw is a list, expected a list of texts"),
        ({"evaluation": {"score": "high"}}, 'score is "high", expected a number'),
        ({"token_usage": 3}, "token_usage is 3, expected an object"),
        ({"metadata": {"llmfusionbench.cost_usd": "much"}}, "llmfusionbench.cost_usd is 'much', expected a number"),
    ],
)
def test_a_bad_sample_is_rejected_with_its_reason(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    found = read(EEE(), *both(tmp_path, [sample(2), sample() | deepcopy(change)]))
    assert len(found.rows) == 1
    assert [row for _, row, _ in found.reasons] == [1]
    assert reason in found.reasons[0][2]


def test_a_build_of_a_folder(tmp_path: Path) -> None:
    both(tmp_path / "logs" / "data" / "sums", [sample(n) for n in range(4)])
    (tmp_path / "logs" / "README.md").write_text("Not a log.")
    release = build("eee", [tmp_path / "logs"], tmp_path / "out", workers=1, strict=True)
    table = release.routing()
    assert (len(table), table.candidates, float(table.performance.mean())) == (4, ["lab/tiny"], 1.0)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["records"]["taken"] == 4
