"""LightEval's details, in the layout of structs and in the older one of columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.sources.lighteval import LightEval
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.reading import Read, read, real_logs, write_json

TIME = "2026-02-03T04-05-06.789012"
LATER = "2026-02-04T04-05-06.789012"


def row(i: int, *texts: str, metric: Any = None, doc: Any = None, said: Any = None) -> dict[str, Any]:
    query = {"query": f"{i}+1?", "choices": [str(i + 1)], "gold_index": 0, "id": str(i), "task_name": "lighteval|sums|0"}
    model = {
        "input": f"Question: {i}+1?",
        "text": list(texts),
        "input_tokens": [1, 2, 3],
        "output_tokens": [[4] * (n + 1) for n in range(len(texts))],
    }
    return {"doc": query | (doc or {}), "model_response": model | (said or {}), "metric": metric or {"extractive_match": 1.0}}


def option_row(logs: list[float], gold: Any, **metric: float) -> dict[str, Any]:
    doc = {"choices": [" red", " bright blue"], "gold_index": gold, "task_name": "lighteval|mmlu:colours|5"}
    return row(0, metric=metric, doc=doc, said={"logprobs": logs, "output_tokens": [[1], [2]]})


def old_row(i: int, prediction: Any, **more: Any) -> dict[str, Any]:
    row = {
        "example": f"{i}+1?",
        "full_prompt": f"Question: {i}+1?",
        "predictions": prediction,
        "gold": [str(i + 1)],
        "choices": [str(i + 1)],
        "gold_index": [0],
        "input_tokens": [[1, 2]],
        "cont_tokens": [[3, 4, 5]],
        "metrics": {"em": 1.0},
    }
    return row | more


def details(folder: Path, rows: list[dict[str, Any]], name: str = "lighteval|sums|0", time: str = TIME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"details_{name}_{time}.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def read_one(tmp_path: Path, *rows: dict[str, Any], **options: Any) -> Read:
    return read(LightEval(**options), details(tmp_path / "details" / "lab" / "tiny" / TIME, list(rows)))


def test_generated_texts(tmp_path: Path) -> None:
    found = read_one(tmp_path, row(0, "It is 1."), row(1, "No.", metric={"extractive_match": 0.0}))
    assert [(r["task"], r["source_id"], r["llm"], r["prompt"], r["response"], r["performance"]) for r in found.rows] == [
        ("sums", "0", "lab/tiny", "Question: 0+1?", "It is 1.", 1.0),
        ("sums", "1", "lab/tiny", "Question: 1+1?", "No.", 0.0),
    ]
    made = found.rows[0]
    assert (made["ground_truth"], made["metric"], made["input_tokens"], made["output_tokens"]) == (
        "1",
        "extractive_match",
        3,
        1,
    )
    assert made["choices"] is None
    assert found.rejected == []
    assert found.notes == []


def test_several_texts_are_replicates(tmp_path: Path) -> None:
    found = read_one(tmp_path, row(0, "a", "b"))
    assert [(r["replicate"], r["response"], r["output_tokens"], r["performance"]) for r in found.rows] == [
        (0, "a", 1, 1.0),
        (1, "b", 2, None),
    ]


def test_options_that_are_scored(tmp_path: Path) -> None:
    found = read_one(tmp_path, option_row([-2.0, -3.0], [1], acc=0.0, acc_norm=1.0), option_row([-2.0, -3.0], [0], acc=1.0))
    assert [(r["task"], r["response"], r["ground_truth"], r["metric"], r["performance"]) for r in found.rows] == [
        ("mmlu:colours", "red", "B", "em_mc", 0.0),
        ("mmlu:colours", "red", "A", "em_mc", 1.0),
    ]
    assert found.rows[0]["choices"] == ["red", "bright blue"]
    assert found.notes == ["performance is the metric acc; acc_norm is left out. --option metric=NAME chooses another one"]


def test_the_response_is_the_option_that_the_metric_means(tmp_path: Path) -> None:
    found = read_one(tmp_path, option_row([-2.0, -3.0], 1, acc=0.0, acc_norm=1.0), metric="acc_norm")
    assert [(r["response"], r["performance"]) for r in found.rows] == [("bright blue", 1.0)]


def test_messages_and_reasoning(tmp_path: Path) -> None:
    said = {"input": [{"role": "user", "content": "1+1?"}], "reasonings": ["One and one."]}
    found = read_one(tmp_path, row(0, "2", said=said))
    assert (found.rows[0]["messages"], found.rows[0]["reasoning"]) == (said["input"], "One and one.")


def test_a_path_to_the_question(tmp_path: Path) -> None:
    assert read_one(tmp_path, row(0, "2"), prompt="doc.query").column("prompt") == ["0+1?"]


def test_the_older_layout_of_columns(tmp_path: Path) -> None:
    path = details(tmp_path / "details_lab__tiny" / TIME, [old_row(0, ["It is 1."])], "harness|gsm8k|5")
    found = read(LightEval(), path)
    made = found.rows[0]
    assert (made["task"], made["llm"], made["prompt"], made["response"]) == ("gsm8k", "lab/tiny", "Question: 0+1?", "It is 1.")
    assert (made["ground_truth"], made["performance"], made["input_tokens"], made["output_tokens"]) == ("1", 1.0, 2, 3)


@pytest.mark.parametrize("predictions", [[-3.0, -1.0], [[-3.0, 0.0], [-1.0, 1.0]]])
def test_the_older_layout_of_scored_options(tmp_path: Path, predictions: Any) -> None:
    made = old_row(0, predictions, choices=[" red", " blue"], gold_index=[1], metrics={"acc": 1.0})
    found = read(LightEval(), details(tmp_path / "lab__tiny", [made], "harness|arc:challenge|25"))
    assert [(r["task"], r["response"], r["ground_truth"], r["metric"]) for r in found.rows] == [
        ("arc:challenge", "blue", "B", "em_mc")
    ]


def test_columns_that_were_written_as_texts(tmp_path: Path) -> None:
    texts = {name: str(value) for name, value in row(0, "It is 1.").items()}
    found = read_one(tmp_path, texts)
    assert [(r["response"], r["ground_truth"], r["performance"]) for r in found.rows] == [("It is 1.", "1", 1.0)]


def test_the_results_name_the_llm_and_the_split(tmp_path: Path) -> None:
    about = {
        "config_general": {
            "model_name": "lab/tiny",
            "model_config": {"generation_parameters": {"temperature": 0.5, "seed": 7}},
        },
        "results": {"lighteval|sums|0": {"extractive_match": 1.0}},
        "config_tasks": {"lighteval|sums": {"evaluation_splits": ["validation"]}},
    }
    results = write_json(tmp_path / f"results_{TIME}.json", about)
    found = read(LightEval(), details(tmp_path, [row(0, "1")]), results)
    made = found.rows[0]
    assert (made["llm"], made["split"], made["sampling"]["temperature"]) == ("lab/tiny", "partial_test", 0.5)
    with pytest.raises(InputError, match="results alone"):
        read(LightEval(), results)


def test_an_llm_that_no_file_states(tmp_path: Path) -> None:
    path = details(tmp_path / "logs", [row(0, "1")])
    with pytest.raises(InputError, match=r"--option llm=NAME"):
        read(LightEval(), path)
    assert read(LightEval(llm="{parent}"), path).column("llm") == ["logs"]


def test_the_latest_run_counts(tmp_path: Path) -> None:
    old = details(tmp_path / "details" / "lab" / "tiny" / TIME, [row(0, "old")])
    new = details(tmp_path / "details" / "lab" / "tiny" / LATER, [row(0, "new")], time=LATER)
    found = read(LightEval(), new, old)
    assert found.column("response") == ["new"]
    assert found.notes == ["another run of lab/tiny on sums counts, which is later"]


def test_a_metric_that_no_file_has(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="extractive_match"):
        read_one(tmp_path, row(0, "1"), metric="exact")


def test_a_row_without_a_prompt_is_rejected(tmp_path: Path) -> None:
    empty = row(1, "2", doc={"query": None}, said={"input": None})
    found = read_one(tmp_path, row(0, "1"), empty)
    assert len(found.rows) == 1
    assert "--option prompt=doc.query" in found.reasons[0][2]


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(InputError, match="no row of LightEval"):
        read(LightEval(), path)


def test_the_shape_given() -> None:
    paths = real_logs("formats/shapes/lighteval_shape/*.parquet")
    raw = [record for path in paths for record in pq.read_table(path).to_pylist()]
    found = read(LightEval(llm="tiny"), *paths)
    assert [(r["source_id"], r["response"], r["performance"]) for r in found.rows] == [
        (record["doc"]["id"], record["model_response"]["text"][0], record["metric"]["extractive_match"]) for record in raw
    ]
    assert found.rejected == []


def test_the_folder_is_the_llm_where_nothing_else_names_one(tmp_path: Path) -> None:
    path = details(tmp_path / "tiny-hf", [row(0, "1")])
    found = read(LightEval(), path)
    assert found.column("llm") == ["tiny-hf"]
    assert found.notes[0] == "no LLM is named, so the name of the folder is taken, tiny-hf. If it is wrong: --option llm=NAME"
    other = details(tmp_path / "tiny-hf", [row(0, "2")], time=LATER)
    with pytest.raises(InputError, match=r"which may be another\. Remedy: .*--option llm=NAME"):
        read(LightEval(), path, other)
    assert read(LightEval(llm="lab/tiny"), path, other).column("response") == ["2"]


def test_rows_with_the_same_prompt_are_replicates(tmp_path: Path) -> None:
    found = read_one(tmp_path, row(0, "1"), row(0, "1"), row(0, "2", metric={"extractive_match": 0.0}))
    assert [(r["replicate"], r["response"]) for r in found.rows] == [(None, "1"), (1, "1"), (2, "2")]


def test_several_answers_without_reasoning_whose_lists_hold_only_null(tmp_path: Path) -> None:
    rows = [row(i, "1", "2", "3", metric={"avg@n:n=3": 0.5}, said={"reasonings": [None] * 3}) for i in range(2)]
    found = read_one(tmp_path, *rows)
    assert found.column("response") == ["1", "2", "3"] * 2
    assert found.column("metric")[0] == "avg_n_n_3"


@pytest.mark.parametrize(
    ("mean", "count", "warning"),
    [
        (0.5, 2, None),
        (0.5, -1, None),
        (0.25, 2, "the mean of extractive_match in the file is 0.5, and its results state 0.25"),
        (0.5, 800, "the file has 2 of the 800 samples that its results state"),
    ],
)
def test_results_that_state_another_count_or_mean(tmp_path: Path, mean: float, count: int, warning: str | None) -> None:
    about = {
        "config_general": {"model_name": "lab/tiny"},
        "config_tasks": {"lighteval|sums": {"effective_num_docs": count, "evaluation_splits": ["test"]}},
        "results": {"lighteval|sums|0": {"extractive_match": mean}, "all": {"extractive_match": 0.75}},
    }
    rows = [row(0, "1"), row(1, "3", metric={"extractive_match": 0.0})]
    found = read(LightEval(task="named"), details(tmp_path, rows), write_json(tmp_path / f"results_{TIME}.json", about))
    assert found.column("split") == ["test", "test"]
    assert found.notes == ([warning] if warning else [])
