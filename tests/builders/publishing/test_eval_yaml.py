"""eval.yaml: the test splits that Inspect AI can score as we do, in the form that it and the Hub accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.publishing.eval_yaml import eval_yaml
from tests.helpers.tiny_release import write_tiny_release

# The names that the schema of a task in `inspect_ai._eval.task.hf` allows (version 0.3.285).
SOLVERS = {
    "prompt_template", "system_message", "user_message", "chain_of_thought", "use_tools", "generate", "self_critique",
    "multiple_choice",
}  # fmt: skip
SCORERS = {"includes", "match", "pattern", "answer", "exact", "f1", "model_graded_qa", "model_graded_fact", "choice", "math"}
TASK = {"id", "config", "split", "field_spec", "shuffle_choices", "epochs", "epoch_reducer", "solvers", "scorers"}

EM = {"metric": "em", "ground_truth": "two"}
CHOICE = {"metric": "em_mc", "ground_truth": "B", "choices": ["x", "y"]}
NUMBER = {"metric": "gsm8k", "ground_truth": "-12.5"}
F1 = {"metric": "f1_score", "ground_truth": "a red car"}


def release_of(folder: Path, *queries: dict[str, Any]) -> lfb.Release:
    """Queries of the test split, and one for training."""
    rows: list[dict[str, Any]] = [{"prompt": "train me", "split": "train", "metric": "cem", "ground_truth": "x"}]
    rows += [{"prompt": f"question {i}", "split": "test", **query} for i, query in enumerate(queries)]
    source = folder / "log.jsonl"
    lines = [json.dumps({"task": "things", "llm": "a", "response": "x", **row}) + "\n" for row in rows]
    source.write_text("".join(lines), encoding="utf-8")
    return build("table", [source], folder / "release", workers=1)


@pytest.mark.parametrize(
    ("query", "solver", "scorer"),
    [
        (EM, {"name": "generate"}, {"name": "exact"}),
        (CHOICE, {"name": "multiple_choice"}, {"name": "choice"}),
        (NUMBER, {"name": "generate"}, {"name": "match", "args": {"numeric": True}}),
        (F1, {"name": "generate"}, {"name": "f1"}),
    ],
)
def test_a_split_with_one_metric_is_a_task(
    query: dict[str, Any], solver: dict[str, Any], scorer: dict[str, Any], tmp_path: Path
) -> None:
    text = eval_yaml(release_of(tmp_path, query, query), "org/name")
    assert text is not None
    data = yaml.safe_load(text)
    assert (data["name"], data["evaluation_framework"]) == ("name", "inspect-ai")
    (task,) = data["tasks"]
    assert task.keys() <= TASK
    assert (task["config"], task["split"], task["id"]) == ("queries", "test", f"{query['metric']}_test")
    assert task["field_spec"].items() >= {"input": "prompt", "target": "ground_truth"}.items()
    assert ("choices" in task["field_spec"]) == (query is CHOICE)
    assert (task["solvers"], task["scorers"]) == ([solver], [scorer])
    assert solver["name"] in SOLVERS
    assert scorer["name"] in SCORERS


@pytest.mark.parametrize(
    "queries",
    [
        [EM, NUMBER],
        [{"metric": "cem", "ground_truth": "x"}],
        [{"metric": "code_eval", "ground_truth": '["assert f(1) == 1"]'}],
        [{**EM, "ground_truth": '["two", "2"]'}],
        [{**EM, "ground_truth": "yes"}],
        [EM, {**EM, "ground_truth": None}],
        [{**NUMBER, "ground_truth": "12 apples"}],
        [{**CHOICE, "ground_truth": "y"}],
        [{**CHOICE, "ground_truth": "C"}],
        [{**CHOICE, "choices": None}],
        [{**EM, "prompt": None, "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}],
        [],
    ],
)
def test_what_the_format_cannot_express_is_left_out(queries: list[dict[str, Any]], tmp_path: Path) -> None:
    assert eval_yaml(release_of(tmp_path, *queries), "org/name") is None


def test_two_splits_are_two_tasks(tmp_path: Path) -> None:
    text = eval_yaml(release_of(tmp_path, EM, {**EM, "split": "partial_test"}))
    assert text is not None
    assert "&id" not in text
    data = yaml.safe_load(text)
    assert data["name"] == "LLMFusionBench"
    assert [task["id"] for task in data["tasks"]] == ["em_partial_test", "em_test"]


def test_the_sample_mixes_metrics() -> None:
    assert eval_yaml(lfb.open_release("sample"), "org/sample") is None


def test_the_same_release_gives_the_same_text(tmp_path: Path) -> None:
    release = lfb.open_release(write_tiny_release(tmp_path / "release"))
    assert eval_yaml(release, "org/name") == eval_yaml(release, "org/name") is not None
