"""The loaders of all tasks on a local Hub: the real `load_dataset`, in a process of its own."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.tasks import CATALOG
from tests.helpers.hub import LocalHub, run_client
from tests.helpers.task_rows import hub_files

TRAIN, TEST = 520, 60
COUNTS = {"math": (90, 12), "human_eval": (164, 0), "gpqa": (448, 0), "mbpp": (374, 60)}
"""Rows in the splits of the made-up repositories; of `math` in each subject."""
CODE = """
import json
from pathlib import Path, PosixPath
from llmfusionbench.builders.tasks.chosen import chosen
from llmfusionbench.errors import LLMFusionBenchError
left_out = []
try:
    for query in chosen({names!r}, modes=("direct", "think"), rejected=left_out.append, **{options!r}):
        text = query.prompts["direct"][0]["content"]
        print(json.dumps([query.task, query.split, query.query_id, query.source_id, query.ground_truth, text]))
except LLMFusionBenchError as error:
    print(json.dumps([type(error).__name__, str(error)]))
print(json.dumps([f"{{one.file}} row {{one.row}}: {{one.reason}}" for one in left_out]))
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        for name, task in CATALOG.items():
            running.put(task.dataset or "", hub_files(name, *COUNTS.get(name, (TRAIN, TEST))))
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def client(hub: LocalHub, home: Path, names: list[str], **options: Any) -> tuple[list[list[Any]], list[str]]:
    """(what is printed for each query or error, the reasons of rows that are left out)."""
    result = run_client(CODE.format(names=names, options=options), hub.env(home), home)
    assert result.returncode == 0, result.stderr
    *lines, left_out = map(json.loads, result.stdout.splitlines())
    return lines, left_out


@pytest.fixture(scope="module")
def everything(hub: LocalHub, home: Path) -> tuple[list[list[Any]], list[str]]:
    return client(hub, home, list(CATALOG))


def test_every_task_is_read_and_split(everything: tuple[list[list[Any]], list[str]]) -> None:
    lines, left_out = everything
    found = Counter((task, split) for task, split, *_ in lines)
    train = {"math": 7 * 72, "human_eval": 114, "gpqa": 404, "mbpp": 374}
    partial = {"gpqa": 44}
    assert found == {(name, "train"): train.get(name, 500) for name in CATALOG} | {
        (name, "partial_test"): partial.get(name, 50) for name in CATALOG
    }
    assert left_out == []


def test_no_query_is_in_two_splits(everything: tuple[list[list[Any]], list[str]]) -> None:
    ids = [line[2] for line in everything[0]]
    assert len(ids) == len(set(ids)) > 7000


def test_official_test_rows_are_not_trained_on(everything: tuple[list[list[Any]], list[str]]) -> None:
    for task, split, _, _, _, text in everything[0]:
        if CATALOG[task].test_split is not None:
            found = re.search(rf"\b{CATALOG[task].test_split}\b", text)
            assert (found is not None) == (split != "train"), text


def test_the_whole_test_split_holds_the_part(hub: LocalHub, home: Path, everything: tuple[list[list[Any]], list[str]]) -> None:
    names = ["gsm8k", "human_eval", "math"]
    lines, _ = client(hub, home, names, split="test")
    assert Counter(task for task, *_ in lines) == {"gsm8k": 60, "human_eval": 50, "math": 84}
    assert {split for _, split, *_ in lines} == {"test"}
    part = {line[2] for line in everything[0] if line[0] in names and line[1] == "partial_test"}
    assert part <= {line[2] for line in lines}


def test_a_limit_takes_the_first_and_spreads_over_subjects(hub: LocalHub, home: Path) -> None:
    few, _ = client(hub, home, ["math"], limit=7)
    more, _ = client(hub, home, ["math"], limit=10)
    assert Counter(split for _, split, *_ in few) == {"train": 7, "partial_test": 7}
    assert {line[2] for line in few} <= {line[2] for line in more}
    assert len({line[5].split(" on ")[1].split(",")[0] for line in few if line[1] == "train"}) == 7


def test_a_task_of_ones_own_on_the_hub(hub: LocalHub, home: Path) -> None:
    lines = 'dataset: allenai/ai2_arc, config: ARC-Challenge, test_split: test, metric: cem, ground_truth: "choices.text[0]"'
    (home / "tasks.yaml").write_text(f"tasks:\n  rocks: {{{lines}, prompt: 'Rock: {{question}}', id: id, train: 5}}\n")
    found, left_out = client(hub, home, ["rocks"], own=home / "tasks.yaml")
    assert left_out == []
    assert Counter(split for _, split, *_ in found) == {"train": 5, "partial_test": 50}
    assert all(text.startswith("Rock: Which rock is the ") for *_, text in found)
    assert all(source_id.startswith("atest" if split == "partial_test" else "atrain") for _, split, _, source_id, *_ in found)


def test_a_wrong_field_of_ones_own_task_is_named_with_its_place(hub: LocalHub, home: Path) -> None:
    path = home / "wrong.yaml"
    lines = "dataset: allenai/ai2_arc, config: ARC-Challenge, metric: judge"
    path.write_text(f"tasks:\n  rocks: {{{lines}, prompt: '{{qestion}} {{choices.text}}'}}\n")
    ((kind, words),), _ = client(hub, home, ["rocks"], own=path)
    assert (kind, words) == (
        "InputError",
        f'{path}: tasks.rocks.prompt names the field "qestion" (did you mean "question"?), which '
        "allenai/ai2_arc/ARC-Challenge/train does not have; its fields are id, question, choices, answerKey. "
        "Remedy: correct the file of tasks",
    )


def test_a_gated_or_absent_data_set_is_one_line(hub: LocalHub, home: Path) -> None:
    dataset = CATALOG["boolq"].dataset or ""
    held = hub.repos.pop(dataset)
    try:
        (home / "other").mkdir()
        ((kind, words),), _ = client(hub, home / "other", ["boolq"])
    finally:
        hub.repos[dataset] = held
    assert kind == "NoRepositoryError"
    assert words == (
        f"google/boolq at main: no such dataset at {hub.url}, or it is private. Remedy: check the name, or set HF_TOKEN, "
        "or give the rows as a file with --task-file"
    )


def test_a_data_set_without_a_field_is_named(hub: LocalHub, home: Path) -> None:
    task = CATALOG["gsm8k"]
    held = hub.repos.pop(task.dataset or "")
    hub.put(task.dataset or "", {"main/train.jsonl": b'{"question": "q", "reply": "a"}\n', "README.md": _CARD})
    try:
        (home / "third").mkdir()
        ((kind, words),), _ = client(hub, home / "third", ["gsm8k"])
    finally:
        hub.repos[task.dataset or ""] = held
    assert (kind, words) == (
        "InputError",
        'openai/gsm8k/main/train: no field "answer", expected those of task gsm8k; its fields are question, reply. '
        "Remedy: give a file with the task's fields, or describe the task in a file of tasks",
    )


_CARD = b"---\nconfigs:\n- config_name: main\n  data_files:\n  - split: train\n    path: main/train.jsonl\n---\n"
