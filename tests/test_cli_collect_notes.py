"""What `collect` prints of a run: tasks that are not asked, attempts that are repeated, and why an LLM gets no more calls."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.cli.main import run
from tests.helpers.chat_server import serving
from tests.helpers.collecting_desk import NUMBER, reply, write_llms, write_prompts

TASK = {"file": "sums.jsonl", "prompt": "{question}", "metric": "em", "ground_truth": "answer"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one prompt and three tasks of a person, in which commands run."""
    write_prompts(tmp_path, 1)
    (tmp_path / "tasks.yaml").write_text(json.dumps({"tasks": dict.fromkeys(("first", "second", "third"), TASK)}))
    lines = [{"question": f"What is {i} + {i}?", "answer": str(2 * i)} for i in range(1, 4)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def summary(printed: str, llm: str) -> dict[str, str]:
    """The row of an LLM in the table at the end, by its header."""
    lines = printed.splitlines()
    header = next(line for line in lines if line.startswith("LLM "))
    row = next(line for line in lines if line.startswith(f"{llm} "))
    return dict(zip(re.split(r" {2,}", header.strip()), re.split(r" {2,}", row.strip()), strict=True))


@pytest.mark.parametrize(
    ("tasks", "note"),
    [
        (
            ["--tasks", "second"],
            "Note: tasks.yaml: tasks first, third are not asked, since --tasks does not name them. Remedy: add --tasks "
            "second,first,third, or drop --tasks to ask all tasks of this file\n",
        ),
        (
            ["--tasks", "first,third"],
            "Note: tasks.yaml: task second is not asked, since --tasks does not name it. Remedy: add --tasks "
            "first,third,second, or drop --tasks to ask all tasks of this file\n",
        ),
        (["--tasks", "third,second,first"], None),
        ([], None),
    ],
)
def test_tasks_of_a_person_that_are_not_asked_are_named(
    desk: Path, capsys: pytest.CaptureFixture[str], tasks: list[str], note: str | None
) -> None:
    with serving(reply) as server:
        write_llms(desk, server.url, "good")
        words = ["collect", *tasks, "--own-tasks", "tasks.yaml", "--llms", "llms.yaml", "--out", "run", "--split", "train"]
        assert run(words) == 0
        printed = capsys.readouterr().err
        assert printed.count("Note:") == (note is not None)
        assert note is None or note in printed
        if note is not None:  # a run that has these tasks asks them, whatever --tasks names
            assert run(["collect", "--own-tasks", "tasks.yaml", "--out", "run", "--split", "train"]) == 0
            assert run(words) == 0
            assert "Note:" not in capsys.readouterr().err


@pytest.mark.parametrize("status", [401, 404])
def test_an_attempt_that_is_refused_is_not_repeated(desk: Path, capsys: pytest.CaptureFixture[str], status: int) -> None:
    with serving(lambda body, tries: (status, b'{"error": {"message": "no"}}')) as server:
        write_llms(desk, server.url, "good")
        assert run(["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run"]) == 1
        assert len(server.requests) == 1
    printed = capsys.readouterr()
    row = summary(printed.out, "good")
    assert (row["answered"], row["failed"], row["not asked"], row["repeated"]) == ("0", "0", "1", "0")
    assert printed.err.count("It gets no more calls") == 1
    assert "run: stopped, 1 call has no outcome (good: status" in printed.err


def test_attempts_after_the_first_one_of_a_call_are_repeated(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_prompts(desk, 3)

    def unsteady(body: dict[str, Any], tries: int) -> Any:
        asked = NUMBER.search(body["messages"][-1]["content"])
        assert asked is not None
        return (500, b"oops") if tries < int(asked[1]) else reply(body, tries)

    with serving(unsteady) as server:
        write_llms(desk, server.url, "good", retries=2)
        assert run(["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run"]) == 0
        assert len(server.requests) == 1 + 2 + 3
    row = summary(capsys.readouterr().out, "good")
    assert (row["answered"], row["repeated"]) == ("3", "3")


def test_a_pilot_makes_as_many_calls_as_its_help_states(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Calls, not queries: replicates of one query are several calls."""
    with serving(reply) as server:
        write_llms(desk, server.url, "good")
        words = ["--llms", "llms.yaml", "--out", "run", "--replicates", "4", "--mode", "direct,think", "--pilot", "2"]
        assert run(["collect", "--prompts", "prompts.jsonl", *words]) == 0
        assert len(server.requests) == 2 * 2
    assert run(["collect", "--help"]) == 0
    assert "First make N calls per LLM, task and mode" in " ".join(capsys.readouterr().out.split())
