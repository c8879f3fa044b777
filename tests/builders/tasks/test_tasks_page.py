"""The page on tasks: its table is that of the catalog, and its examples work."""

from __future__ import annotations

import json
import re
from pathlib import Path

from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.builders.tasks.chosen import chosen
from llmfusionbench.builders.tasks.own_tasks import tasks_schema
from llmfusionbench.builders.tasks.task import Task

PAGE = (Path(__file__).parents[3] / "docs" / "tasks.md").read_text(encoding="utf-8")


def block(language: str, place: int = 0) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[place]


def line(task: Task) -> str:
    config = "7 subjects" if len(task.configs) == 7 else f"`{task.configs[0]}`" if task.configs[0] else "-"
    test = f"`{task.test_split}`" if task.test_split else "the rest"
    train = f"{task.train} per subject" if task.train_per_group else str(task.train)
    cells = (f"`{task.name}`", f"`{task.dataset}`", config, f"`{task.train_split}`", test, train, f"`{task.metric}`")
    return f"| {' | '.join(cells)} | {task.license or 'unknown'} |"


def test_the_table_is_the_catalog() -> None:
    shown = [text for text in PAGE.splitlines() if re.match(r"\| `\w+` \| `[\w-]+/", text)]
    assert shown == [line(task) for task in CATALOG.values()]


def test_the_row_of_a_file_is_asked(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(block("json"))
    (query,) = chosen(["gsm8k"], files={"gsm8k": tmp_path / "rows.jsonl"}, split="test")
    assert query.split == "test"


def test_the_task_of_ones_own_works(tmp_path: Path) -> None:
    (tmp_path / "tasks.yaml").write_text(block("yaml"))
    row = {"text": "What has keys and opens no door?", "options": ["a piano", "a ring"], "right": 0, "number": 4}
    (tmp_path / "riddles.jsonl").write_text(json.dumps(row))
    (query,) = chosen(["riddles"], own=tmp_path / "tasks.yaml")
    assert (query.ground_truth, query.source_id, query.metric) == ("A", "4", "em_mc")


def test_every_line_of_a_task_is_explained() -> None:
    table = PAGE.partition("| line | meaning |")[2].partition("\n\n")[0]
    named = {name for text in table.splitlines() for name in re.findall(r"`(\w+)`", text.split("|")[1] if "|" in text else "")}
    assert named == tasks_schema()["properties"]["tasks"]["additionalProperties"]["properties"].keys()


def test_the_plain_prompts_are_read(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text(block("json", 1))
    assert [query.task for query in chosen([], prompts=tmp_path / "prompts.jsonl")] == ["rivers", "prompts"]
