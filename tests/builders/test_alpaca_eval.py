"""AlpacaEval: outputs and annotations meet by instruction, and the mean score of an LLM is its win rate."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.sources.alpaca_eval import AlpacaEval
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from tests.helpers.reading import Read, read, real_logs, write, write_json, write_lines


def output(asked: str = "Name a river.", **changes: Any) -> dict[str, Any]:
    record = {"instruction": asked, "dataset": "rivers", "output": "The Elbe.", "generator": "tiny-1b"}
    return {k: v for k, v in (record | changes).items() if v is not ...}


def annotation(asked: str = "Name a river.", preference: Any = 2, **changes: Any) -> dict[str, Any]:
    record = {
        "instruction": asked, "output_1": "A river.", "generator_1": "old", "dataset": "rivers", "output_2": "The Elbe.",
        "generator_2": "tiny-1b", "annotator": "weighted_gpt", "preference": preference, "price_per_example": 0.01,
        "time_per_example": 1.5,
    }  # fmt: skip
    return {k: v for k, v in (record | changes).items() if v is not ...}


def scores(found: Read) -> list[tuple[Any, ...]]:
    names = ("llm", "replicate", "judge_opponent", "judge_score")
    return [tuple(row[n] for n in names) for row in found.rows if row["judge"]]


def test_outputs_and_annotations_meet(tmp_path: Path) -> None:
    paths = [
        write_json(
            tmp_path / "logs/results/tiny-1b/weighted_gpt/annotations.json.gz", [annotation(), annotation("Name a sea.", 1)]
        ),
        write_json(tmp_path / "logs/results/tiny-1b/model_outputs.json", [output(), output("Name a sea.", output="Baltic.")]),
        write_json(tmp_path / "logs/reference_outputs.json", [output(output="A river.", generator="old")]),
    ]
    for order in (paths, paths[::-1]):
        found = read(AlpacaEval(split="test"), *order)
        assert found.rejected == []
        assert {row["cost_usd"] for row in found.rows} == {row["latency_s"] for row in found.rows} == {None}
    release = build("alpaca_eval", [tmp_path / "logs"], tmp_path / "out", workers=1)
    assert lfb.validate(release.path) == []
    answers = {(r["prompt"], r["llm"], r["replicate"]): r["response"] for r in release.table("logs").to_table().to_pylist()}
    assert answers == {
        ("Name a river.", "tiny-1b", 0): "The Elbe.", ("Name a river.", "old", 0): "A river.",
        ("Name a sea.", "old", 0): "A river.", ("Name a sea.", "tiny-1b", 0): "Baltic.",
        ("Name a sea.", "tiny-1b", 1): "The Elbe.",
    }  # fmt: skip


def test_an_annotation_in_our_columns(tmp_path: Path) -> None:
    reply = {"text": "M", "logprobs": {"content": []}}
    row = annotation(preference=1.75, raw_completion=reply, is_switched_outputs=True, date="2024-05-01T10:00:00")
    found = read(AlpacaEval(), write_json(tmp_path / "annotations.json", [row]))
    first, second = ({k: v for k, v in row.items() if v is not None} for row in found.rows)
    common = {
        "file": "annotations.json", "row": 0, "task": "alpaca_eval", "split": "train", "prompt": "Name a river.",
        "metric": "judge", "replicate": 0, "judge": "weighted_gpt", "judge_created_at": "2024-05-01T10:00:00",
        "judge_rubric": "preference 1 (output_1) to 2 (output_2), mapped to preference - 1; 0 is a tie",
    }  # fmt: skip
    assert second == common | {
        "llm": "tiny-1b", "response": "The Elbe.", "judge_opponent": "old", "judge_order": "first", "judge_score": 0.75,
        "judge_distribution": [{"score": 0.0, "probability": 0.25}, {"score": 1.0, "probability": 0.75}],
    }  # fmt: skip
    assert first == common | {
        "llm": "old", "response": "A river.", "judge_opponent": "tiny-1b", "judge_order": "second", "judge_score": 0.25,
        "judge_distribution": [{"score": 0.0, "probability": 0.75}, {"score": 1.0, "probability": 0.25}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("preference", "share"),
    [(1, 0.0), (2, 1.0), (0, 0.5), (1.5, 0.5), (1.25, 0.25), (None, None), (-1, None), ("2.0", 1.0), ("NaN", None)],
)
def test_preferences(tmp_path: Path, preference: Any, share: float | None) -> None:
    found = read(AlpacaEval(), write_json(tmp_path / "annotations.json", [annotation(preference=preference)]))
    other = None if share is None else 1 - share
    assert scores(found) == [("old", 0, "tiny-1b", other), ("tiny-1b", 0, "old", share)]
    failed = "preference is -1 in 1 record, where the annotation failed: taken as null"
    assert found.notes == ([failed] if preference == -1 else [])


def test_nan_is_no_preference(tmp_path: Path) -> None:
    data = json.dumps([annotation(preference=7)]).replace("7", "NaN").encode()
    found = read(AlpacaEval(), write(tmp_path / "annotations.json", data))
    assert [row[3] for row in scores(found)] == [None, None]


@pytest.mark.parametrize("preference", [0.75, 3, -2, 55])
def test_another_scale_is_refused(tmp_path: Path, preference: float) -> None:
    path = write_json(tmp_path / "annotations.json", [annotation(), annotation("B?", preference)])
    with pytest.raises(InputError, match=rf"annotations.json: preference of record 1 is {preference}, expected 1"):
        build("alpaca_eval", [path], tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_reasons_of_annotators(tmp_path: Path) -> None:
    long = "The second one names a river."
    rows = [
        annotation("A?", raw_completion="M"),
        annotation("B?", raw_completion=long),
        annotation("C?", raw_completion=json.dumps({"concise_explanation": long, "ordered_models": []})),
        annotation("D?", concise_explanation=long, raw_completion="{}"),
        annotation("E?", raw_completion={"message": {"content": long}}),
    ]
    found = read(AlpacaEval(), write_json(tmp_path / "annotations.json", rows))
    assert found.column("judge_reason")[::2] == [None, long, long, long, long]


def test_names_from_folders_and_options(tmp_path: Path) -> None:
    bare = {"generator": ..., "dataset": ...}
    unnamed = annotation(generator_1=..., generator_2=..., annotator=...)
    answers = write_json(tmp_path / "big_think/model_outputs.json", [output(**bare)])
    judged = write_json(tmp_path / "big_think/strict/annotations.json", [unnamed])
    found = read(AlpacaEval(), answers, judged)
    assert [(r["llm"], r["mode"], r["judge"], r["judge_opponent"]) for r in found.rows] == [
        ("big", "think", None, None),
        ("big", "think", "strict", "reference"),
    ]
    assert read(AlpacaEval(llm="mine"), answers).column("llm") == ["mine"]
    found = read(AlpacaEval(reference="old", judge="me"), judged)
    assert [(r["llm"], r["judge"], r["judge_opponent"]) for r in found.rows] == [
        ("old", "me", "big_think"), ("big", "me", "old"),
    ]  # fmt: skip
    assert read(AlpacaEval(), write_json(tmp_path / "tiny.model_outputs.json", [output(**bare)])).column("llm") == ["tiny"]


def test_inputs_datasets_and_tasks(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "model_outputs.jsonl", [output(input="In France."), output(dataset=None)])
    found = read(AlpacaEval(task="instructions", by_dataset=True), path)
    assert found.column("task") == ["instructions/rivers", "instructions"]
    assert found.column("prompt") == ["Name a river.\n\nIn France.", "Name a river."]


def test_people_who_annotate_are_not_named(tmp_path: Path) -> None:
    rows = [annotation(preference=2, annotator=17), annotation(preference=1, annotator="4"), annotation("B?", annotator=17)]
    release = build("alpaca_eval", [write_json(tmp_path / "human.json", rows)], tmp_path / "out", workers=1)
    table = release.table("judge_scores").to_table().to_pylist()
    mine = sorted((row["judge"], row["score"]) for row in table if row["llm"] == "tiny-1b")
    assert mine == [("human", 1.0), ("human", 1.0), ("human 2", 0.0)]
    assert release.manifest["rejected"] == 0


def test_several_outputs_are_replicates(tmp_path: Path) -> None:
    rows = [
        output(),
        output(output="The Rhine."),
        output(output=" The Elbe.\n"),
        output(output=None),
        output("B?", output=None),
    ]
    found = read(AlpacaEval(), write_json(tmp_path / "model_outputs.json", rows))
    assert found.column("replicate") == [0, 1, 0, 0, 0]
    assert found.normal_table["status"].to_pylist() == ["ok", "ok", "ok", "missing", "missing"]
    assert found.column("response") == ["The Elbe.", "The Rhine.", None, None, None]


def test_a_bad_record_costs_no_other(tmp_path: Path) -> None:
    rows = [
        output(), output(output=["a"]), output(instruction=...), {"instruction": "A?"}, annotation(generator_1="tiny-1b"),
        annotation(preference={"a": 1}), annotation(preference=True), 7,
    ]  # fmt: skip
    found = read(AlpacaEval(), write_json(tmp_path / "model_outputs.json", rows))
    assert found.column("row") == [0]
    assert [reason for _, _, reason in found.reasons] == [
        "output is a list, expected a text",
        "instruction is missing, expected a text",
        "the record has neither output nor preference, expected an output or an annotation",
        'generator_1 and generator_2 are both "tiny-1b", expected two LLMs',
        "preference is an object, expected a number",
        "preference is True, expected a number",
        "the record is 7, expected a JSON object",
    ]


def means(release: Release, llm: str) -> float:
    rows = release.table("judge_scores").to_table().to_pylist()
    given = [row["score"] for row in rows if row["llm"] == llm and row["score"] is not None]
    return sum(given) / len(given)


def test_real_outputs_and_annotations(tmp_path: Path) -> None:
    paths = real_logs("formats/alpaca_eval/*.json.gz")
    raw = {path.name.split(".")[1]: json.loads(gzip.decompress(path.read_bytes())) for path in paths}
    release = build("alpaca_eval", paths, tmp_path / "out", workers=1)
    assert lfb.validate(release.path) == []
    assert release.manifest["records"] == {"taken": 1610, "folded": 0, "rejected": 0}
    given = [1.5 if row["preference"] == 0 else row["preference"] for row in raw["annotations"]]
    assert means(release, "alpaca-7b") == pytest.approx(sum(given) / len(given) - 1) == pytest.approx(0.264596, abs=1e-6)
    assert means(release, "text_davinci_003") == pytest.approx(1 - means(release, "alpaca-7b"))
    logs = release.table("logs").to_table().to_pylist()
    answers = {(row["prompt"], row["llm"]): row["response"] for row in logs}
    assert len(answers) == len(logs) == 1610
    assert all(answers[row["instruction"], "alpaca-7b"] == row["output"] for row in raw["model_outputs"])
    assert all(answers[row["instruction"], "text_davinci_003"] == row["output_1"] for row in raw["annotations"])
