"""OpenCompass' predictions with the scores in its results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.opencompass import OpenCompass
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.reading import read, real_logs, write, write_json, write_lines

TURNS = [{"role": "SYSTEM", "prompt": "Be short."}, {"role": "HUMAN", "prompt": "1+1?"}]


def prediction(i: int, text: Any = "It is 3.", **more: Any) -> dict[str, Any]:
    return {"origin_prompt": f"Question: {i}+1?", "prediction": text, "gold": str(i + 1), **more}


def dataset(root: Path, *texts: Any, details: Any = None, name: str = "sums", llm: str = "tiny-hf") -> Path:
    """Predictions of a dataset, and results with details if these are given; the path of the predictions."""
    if details is not None:
        write_json(root / "results" / llm / f"{name}.json", {"accuracy": 50.0, "details": details})
    return write_json(root / "predictions" / llm / f"{name}.json", {str(i): prediction(i, t) for i, t in enumerate(texts)})


def test_predictions_with_details_by_number(tmp_path: Path) -> None:
    details = {"type": "GEN", "1": {"predictions": "No.", "correct": False}, "0": {"predictions": "1", "correct": True}}
    found = read(OpenCompass(), dataset(tmp_path / "20260203_040506", "It is 1.", "No.", details=details))
    assert [(r["task"], r["source_id"], r["llm"], r["prompt"], r["response"], r["performance"]) for r in found.rows] == [
        ("sums", "0", "tiny-hf", "Question: 0+1?", "It is 1.", 1.0),
        ("sums", "1", "tiny-hf", "Question: 1+1?", "No.", 0.0),
    ]
    assert (found.rows[0]["ground_truth"], found.rows[0]["metric"], found.rows[0]["split"]) == ("1", "correct", "train")
    assert found.rejected == []
    assert found.notes == []


@pytest.mark.parametrize(
    "details",
    [
        [{"pred": "1", "correct": True}, {"pred": "3", "correct": False}],
        {"0": {"correct": "True"}, "1": {"correct": "False"}},
        {"0": {"is_correct": 1}, "1": {"is_correct": 0}},
    ],
)
def test_details_in_other_forms(tmp_path: Path, details: Any) -> None:
    path = dataset(tmp_path, "1", "3", details=details)
    assert read(OpenCompass(), path, tmp_path / "results" / "tiny-hf" / "sums.json").column("performance") == [1.0, 0.0]


def test_a_score_nested_deep_is_none(tmp_path: Path) -> None:
    path = dataset(tmp_path, "1", "3")
    deep = "[" * 480 + "true" + "]" * 480
    details = f'{{"accuracy": 50.0, "details": {{"0": {{"correct": {deep}}}, "1": {{"correct": {deep}}}}}}}'
    found = read(OpenCompass(), path, write(tmp_path / "results" / "tiny-hf" / "sums.json", details.encode()))
    assert found.column("performance") == [None, None]
    assert "no metric of it is a number from 0 to 1" in found.notes[0]


def test_results_without_details(tmp_path: Path) -> None:
    path = dataset(tmp_path, "1")
    write_json(tmp_path / "results" / "tiny-hf" / "sums.json", {"accuracy": 50.0})
    found = read(OpenCompass(), path)
    assert found.column("performance") == [None]
    assert found.notes == [
        "its results have no details, so its answers get no score. Remedy: evaluate with --dump-eval-details"
    ]


def test_parts_of_a_dataset_count_through(tmp_path: Path) -> None:
    folder = tmp_path / "predictions" / "tiny-hf"
    paths = [
        write_json(folder / f"sums_{part}.json", {str(i): prediction(2 * part + i, f"{part}.{i}") for i in range(2)})
        for part in range(2)
    ]
    details = [{"correct": flag} for flag in (True, False, False, True)]
    write_json(tmp_path / "results" / "tiny-hf" / "sums.json", {"accuracy": 50.0, "details": details})
    found = read(OpenCompass(), *reversed(paths))
    assert [(r["task"], r["source_id"], r["response"], r["performance"]) for r in found.rows] == [
        ("sums", "0", "0.0", 1.0),
        ("sums", "1", "0.1", 0.0),
        ("sums", "2", "1.0", 0.0),
        ("sums", "3", "1.1", 1.0),
    ]


def test_a_dataset_whose_name_ends_in_a_number(tmp_path: Path) -> None:
    path = dataset(tmp_path, "1", name="aime_2024")
    assert read(OpenCompass(), path).column("task") == ["aime_2024"]


def test_turns_of_a_prompt(tmp_path: Path) -> None:
    path = write_json(tmp_path / "predictions" / "m" / "s.json", {"0": prediction(0, origin_prompt=TURNS)})
    assert read(OpenCompass(), path).column("messages") == [
        [{"role": "system", "content": "Be short."}, {"role": "user", "content": "1+1?"}]
    ]


def test_several_predictions_are_replicates(tmp_path: Path) -> None:
    found = read(OpenCompass(), dataset(tmp_path, ["a", "b"], details=[{"correct": [True, False]}]))
    assert [(r["replicate"], r["response"], r["performance"]) for r in found.rows] == [(0, "a", 1.0), (1, "b", 0.0)]


def test_options_that_were_scored(tmp_path: Path) -> None:
    row = {
        "label: A": {"testing input": "Grass is red", "PPL": 2.5},
        "label: B": {"testing input": "Grass is green", "PPL": 1.5},
        "prediction": "B",
        "gold": "B",
    }
    path = write_json(tmp_path / "predictions" / "m" / "s.json", {"0": row})
    found = read(OpenCompass(), path)
    assert [(r["prompt"], r["response"], r["ground_truth"]) for r in found.rows] == [("Grass is", "B", "B")]


def test_lines_with_numbers(tmp_path: Path) -> None:
    rows = [{"idx": i, **prediction(i, str(i + 1))} for i in (1, 0)]
    path = write_lines(tmp_path / "predictions" / "m" / "s.jsonl", rows)
    assert [(r["source_id"], r["response"]) for r in read(OpenCompass(), path).rows] == [("1", "2"), ("0", "1")]


def test_the_latest_run_counts(tmp_path: Path) -> None:
    paths = [dataset(tmp_path / time, text) for time, text in (("20260203_040506", "old"), ("20260204_040506", "new"))]
    found = read(OpenCompass(), *paths)
    assert found.column("response") == ["new"]
    assert found.notes[0] == "another run of tiny-hf on sums counts, which is later"


def test_an_llm_that_no_folder_names(tmp_path: Path) -> None:
    path = write_json(tmp_path / "logs" / "sums.json", {"0": prediction(0)})
    with pytest.raises(InputError, match=r"--option llm=NAME"):
        read(OpenCompass(), path)
    assert read(OpenCompass(llm="{parent}"), path).column("llm") == ["logs"]


def test_results_alone(tmp_path: Path) -> None:
    path = write_json(tmp_path / "results" / "m" / "sums.json", {"accuracy": 50.0, "details": []})
    with pytest.raises(InputError, match="results alone"):
        read(OpenCompass(), path)


def test_a_metric_that_no_results_have(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="correct"):
        read(OpenCompass(metric="right"), dataset(tmp_path, "1", details=[{"correct": True}]))


def test_a_record_of_something_else_is_rejected(tmp_path: Path) -> None:
    path = write_json(tmp_path / "predictions" / "m" / "s.json", {"0": prediction(0), "1": {"a": 1}, "2": [1]})
    found = read(OpenCompass(), path)
    assert len(found.rows) == 1
    assert [reason for _, _, reason in found.reasons] == [
        "the record has no prediction",
        "the record is a list, expected a JSON object",
    ]


def test_the_shape_given() -> None:
    paths = real_logs("formats/shapes/opencompass_shape/*.json")
    raw = json.loads(paths[0].read_text())
    found = read(OpenCompass(llm="tiny"), *paths)
    assert [(r["source_id"], r["response"], r["ground_truth"]) for r in found.rows] == [
        (key, record["prediction"], record["gold"]) for key, record in raw.items()
    ]
    assert found.rejected == []


def test_results_that_hold_an_error_alone(tmp_path: Path) -> None:
    path = dataset(tmp_path, "1")
    results = write_json(tmp_path / "results" / "tiny-hf" / "sums.json", {"error": "no score"})
    found = read(OpenCompass(), results, path)
    assert found.column("performance") == [None]
    assert "so its answers get no score" in found.notes[0]


def test_the_folder_is_the_llm_where_nothing_else_names_one(tmp_path: Path) -> None:
    found = read(OpenCompass(), write_json(tmp_path / "tiny-hf" / "sums.json", {"0": prediction(0), "1": prediction(1)}))
    assert found.column("llm") == ["tiny-hf", "tiny-hf"]
    assert found.notes[0] == "no LLM is named, so the name of the folder is taken, tiny-hf. If it is wrong: --option llm=NAME"


def test_records_with_the_same_prompt_are_replicates(tmp_path: Path) -> None:
    same = {str(i): prediction(0, text) for i, text in enumerate(["It is 1.", "It is 1.", "No."])}
    found = read(OpenCompass(), write_json(tmp_path / "predictions" / "m" / "sums.json", same))
    assert found.column("replicate") == [None, 1, 2]


@pytest.mark.parametrize(
    ("details", "warning"),
    [
        ([{"correct": True}, {"correct": False}], None),
        ([{"correct": True}, {"correct": True}], "the mean of correct in the file is 1, and its results state 0.5"),
        ([{"correct": True}, {"correct": None}], None),
        ([{"correct": True}] * 5, "the file has 2 of the 5 samples that its results state"),
    ],
)
def test_results_that_state_another_count_or_mean(tmp_path: Path, details: Any, warning: str | None) -> None:
    found = read(OpenCompass(), dataset(tmp_path, "1", "3", details=details))
    assert found.notes == ([warning] if warning else [])


@pytest.mark.parametrize("first", [{"id": "b1", "custom_id": "q1"}, {"body": {"text": "Hi."}}, {"n": 1}])
def test_lines_of_another_format(tmp_path: Path, first: dict[str, Any]) -> None:
    path = write_lines(tmp_path / "lines.jsonl", [first, {"id": "b2"}])
    with pytest.raises(InputError, match=r"lines\.jsonl: no prediction .*Remedy: .*use another source"):
        read(OpenCompass(), path)


def test_repeats_of_a_dataset_have_the_scores_of_their_own(tmp_path: Path) -> None:
    rows = {str(i): prediction(i % 3, f"answer {i}") for i in range(6)}
    path = write_json(tmp_path / "predictions" / "m" / "sums.json", rows)
    flags = [[True, False], [True, True], [False, False]]
    details = [{"example_abbr": f"sums_{i}", "pred": ["a", "b"], "correct": both} for i, both in enumerate(flags)]
    write_json(tmp_path / "results" / "m" / "sums.json", {"accuracy (2 runs average)": 50.0, "details": details})
    found = read(OpenCompass(), path)
    assert [(r["source_id"], r["replicate"], r["response"], r["performance"]) for r in found.rows] == [
        ("0", 0, "answer 0", 1.0),
        ("1", 0, "answer 1", 1.0),
        ("2", 0, "answer 2", 0.0),
        ("0", 1, "answer 3", 0.0),
        ("1", 1, "answer 4", 1.0),
        ("2", 1, "answer 5", 0.0),
    ]
    assert found.notes == []


def test_repeats_whose_mean_differs_from_the_results(tmp_path: Path) -> None:
    path = dataset(tmp_path, "1", "1")
    details = [{"example_abbr": "sums_0", "correct": [True, True]}]
    write_json(tmp_path / "results" / "tiny-hf" / "sums.json", {"accuracy (2 runs average)": 50.0, "details": details})
    assert read(OpenCompass(), path).notes == ["the mean of correct in the file is 1, and its results state 0.5"]


def test_details_of_a_cascade(tmp_path: Path) -> None:
    details = [
        {"example_abbr": "sums_0", "rule_evaluation": [{"correct": True}], "cascade_correct": [True]},
        {"example_abbr": "sums_1", "rule_evaluation": [{"correct": False}], "cascade_correct": [False]},
    ]
    found = read(OpenCompass(), dataset(tmp_path, "1", "3", details=details))
    assert found.column("performance") == [1.0, 0.0]
    assert found.column("metric") == ["cascade_correct"] * 2
    assert found.notes == []


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("A", 1.0),
        ("B", 0.0),
        ("C", 0.0),
        ("**A**", 1.0),
        ("A: CORRECT", 1.0),
        ("The answer fits.\n\nA", 1.0),
        ("B\nAnother number.", 0.0),
        ("A number is missing.", None),
        ("", None),
    ],
)
def test_the_letter_of_a_judge(tmp_path: Path, reply: str, score: float | None) -> None:
    judged = [{"example_abbr": f"sums_{i}", "origin_prompt": [], "prediction": [r], "gold": ["1"]} for i, r in enumerate("AB")]
    judged.append({"example_abbr": "sums_2", "origin_prompt": [], "prediction": [reply], "gold": ["1"]})
    found = read(OpenCompass(), dataset(tmp_path, "1", "3", "5", details=judged))
    assert found.column("performance") == [1.0, 0.0, score]
    assert found.column("metric") == ["correct"] * 3


def test_letters_of_a_judge_by_number(tmp_path: Path) -> None:
    details = {str(i): {"origin_prompt": [], "prediction": letter, "gold": "1"} for i, letter in enumerate("AB")}
    found = read(OpenCompass(), dataset(tmp_path, "1", "3", details=details))
    assert found.column("performance") == [1.0, 0.0]
    assert found.notes == []


def test_letters_of_a_comparison_are_no_verdicts(tmp_path: Path) -> None:
    path = dataset(tmp_path, "1")
    details = {"0": {"origin_prompt": [], "prediction": "A"}}
    write_json(tmp_path / "results" / "tiny-hf" / "sums.json", {"win_rate": 50.0, "details": details})
    assert read(OpenCompass(), path).column("performance") == [None]


HUMAN = [{"role": "HUMAN", "prompt": "1+1?"}, {"role": "HUMAN", "prompt": "And 1 more?"}]
LED = {
    "conversations": {"origin_prompt": [HUMAN[:1], [HUMAN[0], {"role": "BOT", "prompt": "2"}, HUMAN[1]]], "gold": []},
    "texts": {"origin_prompt": ["1+1?", "And 1 more?"], "gold": ["2", "3"]},
    "dialogue": {
        "origin_prompt": None,
        "prediction": [
            {"round": 1, "user": "1+1?", "assistant": "2"},
            {"round": 2, "user": "And 1 more?", "assistant": "3"},
        ],
    },
}


@pytest.mark.parametrize("form", LED)
def test_a_conversation_has_one_query_per_turn(tmp_path: Path, form: str) -> None:
    row = {"prediction": ["2", "3"], **LED[form]}
    found = read(OpenCompass(), write_json(tmp_path / "predictions" / "m" / "mt.json", {"0": row}))
    assert [(r["source_id"], r["response"], r["replicate"], r["ground_truth"]) for r in found.rows] == [
        ("0", "2", None, None),
        ("0-turn-2", "3", None, None),
    ]
    first, second = (r.get("messages") or [{"role": "user", "content": r["prompt"]}] for r in found.rows)
    assert [turn["content"] for turn in first] == ["1+1?"]
    assert [(turn["role"], turn["content"]) for turn in second] == [("user", "1+1?"), ("user", "And 1 more?")]
    assert found.rejected == []


def test_references_of_turns(tmp_path: Path) -> None:
    row = {"prediction": ["2", "4"], "origin_prompt": ["1+1?", "And 1 more?"], "gold": ["2", "3"]}
    found = read(OpenCompass(), write_json(tmp_path / "predictions" / "m" / "mt.json", {"0": row}))
    assert found.column("ground_truth") == ["2", "3"]


@pytest.mark.parametrize(("score", "scores"), [([True, False], [1.0, 0.0, 1.0]), (True, [None, None, 1.0])])
def test_scores_of_turns(tmp_path: Path, score: Any, scores: list[float | None]) -> None:
    row = {"prediction": ["2", "3"], "origin_prompt": ["1+1?", "And 1 more?"]}
    path = write_json(tmp_path / "predictions" / "m" / "mt.json", {"0": row, "1": prediction(5)})
    write_json(tmp_path / "results" / "m" / "mt.json", {"n": 1, "details": {"0": {"correct": score}, "1": {"correct": True}}})
    found = read(OpenCompass(), path)
    assert found.column("performance") == scores
    whole = "correct is one score of a whole conversation in 1 record: taken as null"
    assert found.notes == ([whole] if None in scores else [])


def test_a_path_to_the_question_of_a_conversation(tmp_path: Path) -> None:
    row = {"prediction": ["2", "3"], "origin_prompt": ["1+1?", "And 1 more?"]}
    path = write_json(tmp_path / "predictions" / "m" / "mt.json", {"0": row, "1": prediction(5)})
    found = read(OpenCompass(prompt="prediction"), path)
    assert [reason for _, _, reason in found.reasons] == [
        "it is a conversation of 2 turns. Remedy: leave out --option prompt=prediction"
    ]


def test_a_call_that_failed_has_no_score(tmp_path: Path) -> None:
    rows = [
        prediction(0, "1", reasoning_content="0 and 1 make 1.", res_length=3, all_input_length=7),
        prediction(1, "", reasoning_content="", inference_error="Rate limited after 3 retries"),
        prediction(2, {"prediction": "3", "reasoning_content": "2 and 1 make 3."}),
    ]
    path = write_json(tmp_path / "predictions" / "m" / "sums.json", {str(i): row for i, row in enumerate(rows)})
    details = [{"correct": [flag]} for flag in (True, False, True)]
    write_json(tmp_path / "results" / "m" / "sums.json", {"accuracy": 66.67, "details": details})
    found = read(OpenCompass(), path)
    assert [(r["response"], r["reasoning"], r["performance"], r["status"], r["error"]) for r in found.rows] == [
        ("1", "0 and 1 make 1.", 1.0, None, None),
        (None, None, None, "error", "Rate limited after 3 retries"),
        ("3", "2 and 1 make 3.", 1.0, None, None),
    ]
    assert [(r["input_tokens"], r["output_tokens"]) for r in found.rows] == [(7, 3), (None, None), (None, None)]
    assert found.notes == []


def test_lengths_of_several_answers(tmp_path: Path) -> None:
    row = prediction(0, ["1", "It is 1."], res_length=[1, 4], all_input_length=7)
    found = read(OpenCompass(), write_json(tmp_path / "predictions" / "m" / "sums.json", {"0": row}))
    assert [(r["input_tokens"], r["output_tokens"]) for r in found.rows] == [(7, 1), (7, 4)]


LIKELY = {"testing input": "Is it 2?", "prompt": "Is it 2?", "choices": ["no", "yes"], "prediction": [0.2, 0.8], "gold": 1}


@pytest.mark.parametrize("label", [{"pred_label": 1}, {}])
def test_probabilities_of_options(tmp_path: Path, label: dict[str, Any]) -> None:
    found = read(OpenCompass(), write_json(tmp_path / "predictions" / "m" / "clp.json", {"0": {**LIKELY, **label}}))
    assert [(r["prompt"], r["response"], r["ground_truth"], r["choices"]) for r in found.rows] == [
        ("Is it 2?", "yes", "yes", ["no", "yes"])
    ]


def test_probabilities_of_options_without_their_names(tmp_path: Path) -> None:
    path = write_json(tmp_path / "predictions" / "m" / "clp.json", {"0": {**LIKELY, "choices": None}})
    assert [reason for _, _, reason in read(OpenCompass(), path).reasons] == [
        "prediction is a list of numbers, and choices does not name as many options. Remedy: add the options as choices"
    ]
