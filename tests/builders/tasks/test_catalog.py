"""The catalog: what it says of each task, and that answers in the form that its prompts state are scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmfusionbench.builders.known.licences import TASK_LICENCES
from llmfusionbench.builders.known.tasks import DOMAINS
from llmfusionbench.builders.simulation.tasks import TASKS
from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.builders.tasks.chosen import chosen
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.sandbox import run_tests
from llmfusionbench.scoring import METRICS, score
from llmfusionbench.types import query_id
from tests.helpers.task_rows import answers, rows


def queries(task: str, folder: Path, count: int = 3) -> list[Query]:
    file = folder / f"{task}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows(task, count)))
    return list(chosen([task], files={task: file}, modes=("direct", "think", "high")))


def test_the_catalog_has_the_tasks_of_the_reference_release() -> None:
    assert CATALOG.keys() == DOMAINS.keys() == TASK_LICENCES.keys()
    assert [record.name for record in CATALOG.values()] == list(CATALOG)
    assert {record.domain for record in CATALOG.values()} == set(DOMAINS.values())


@pytest.mark.parametrize("name", CATALOG)
def test_a_task_states_where_it_comes_from(name: str) -> None:
    task = CATALOG[name]
    assert task.metric in METRICS
    assert task.metric == TASKS[name].metric.lower()
    assert task.license == TASK_LICENCES[name].licence
    assert task.dataset is not None
    assert "20" in task.citation


def test_the_counts_of_train_queries() -> None:
    others = {"math": 72, "gpqa": 404, "mbpp": 374, "human_eval": 114}
    assert {name: task.train for name, task in CATALOG.items()} == {**dict.fromkeys(CATALOG, 500), **others}
    assert [name for name, task in CATALOG.items() if task.train_per_group] == ["math"]
    assert [name for name, task in CATALOG.items() if task.test_split is None] == ["human_eval", "gpqa"]
    assert {task.partial_test for task in CATALOG.values()} == {50}


@pytest.mark.parametrize("name", CATALOG)
def test_both_prompts_belong_to_one_query(name: str, tmp_path: Path) -> None:
    for query in queries(name, tmp_path):
        direct, think, high = (query.prompts[mode][0]["content"] for mode in ("direct", "think", "high"))
        assert think == f"{direct}\nLet's think step by step."
        assert high == direct
        assert query.query_id == query_id(name, direct) == query_id(name, think)


@pytest.mark.parametrize("name", CATALOG)
@pytest.mark.parametrize("mode", ["direct", "think"])
def test_an_answer_in_the_stated_form_is_scored(name: str, mode: str, tmp_path: Path) -> None:
    by_text = {CATALOG[name].draft(row).messages[0]["content"]: row for row in rows(name, 3)}
    for query in queries(name, tmp_path):
        prompt = query.prompts[mode][0]["content"]
        given = answers(name, by_text[query.prompts["direct"][0]["content"]], query.ground_truth or "")
        context = {"prompt": prompt, "choices": query.choices, "runner": run_tests if name in ("mbpp", "human_eval") else None}
        right, wrong = (score(query.metric, text, query.ground_truth, **context) for text in (given.right, given.wrong))
        assert right.value == 1, right.reason
        assert wrong.value == 0, wrong.reason


@pytest.mark.parametrize("name", ["gpqa", "mmlu", "arc_challenge", "commonsense_qa", "hellaswag", "openbook_qa"])
def test_options_stand_under_letters_and_the_truth_is_one(name: str, tmp_path: Path) -> None:
    for query in queries(name, tmp_path, 8):
        prompt = query.prompts["direct"][0]["content"]
        assert query.choices is not None
        assert all(f"\n({letter}) {text}\n" in prompt for letter, text in zip("ABCDE", query.choices, strict=False))
        assert query.ground_truth in "ABCDE"[: len(query.choices)]


def test_the_right_option_of_gpqa_is_not_always_the_first(tmp_path: Path) -> None:
    found = queries("gpqa", tmp_path, 60)
    assert {query.ground_truth for query in found} == set("ABCD")
    for query in found:
        assert query.choices is not None
        assert query.choices["ABCD".index(query.ground_truth or "")].endswith("/2")


def test_marks_of_wikihow_are_not_in_prompts(tmp_path: Path) -> None:
    (query,) = queries("hellaswag", tmp_path, 1)
    assert "[" not in query.prompts["direct"][0]["content"]
