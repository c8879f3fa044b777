"""Stops of `collect` that leave no call, or come in a pilot, and batches that have ended before calls are made again."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.reading.run_files import JOURNAL, LOCK
from llmfusionbench.cli.main import run
from tests.helpers.batch_server import BatchServer, serving_batches
from tests.helpers.chat_server import completion, serving

PRICES = [{"input_price": 1, "output_price": 1}]


def written(folder: Path, url: str, n: int) -> list[str]:
    """Arguments of a run of `n` prompts, whose files are written."""
    (folder / "p.jsonl").write_text("".join(json.dumps({"prompt": f"Question {i}"}) + "\n" for i in range(n)))
    llm = {"name": "m", "url": url, "model": "test-model", "retries": 0, "prices": PRICES}
    (folder / "llms.yaml").write_text(json.dumps({"llms": [llm]}))
    return ["collect", "--prompts", str(folder / "p.jsonl"), "--llms", str(folder / "llms.yaml"), "--out", str(folder / "run")]


def end_batch(server: BatchServer) -> None:
    """Let the first batch of a server end."""
    server.held.clear()
    for _ in range(3):
        urllib.request.urlopen(f"{server.url}/batches/batch_1").read()


def test_drift_in_the_last_answer_stops_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(lambda body, tries: (200, completion("hi", "other-99"))) as server:
        status = run([*written(tmp_path, server.url, 1), "--halt-on-drift"])
    printed = capsys.readouterr().err
    assert status == 1
    assert "Warning: m: 'other-99' answers, though 'test-model' was requested" in printed
    assert "stopped (m: 'other-99' answered in place of 'test-model')" in printed


def test_drift_in_a_pilot_stops_the_run(tmp_path: Path) -> None:
    with serving(lambda body, tries: (200, completion("hi", "other-99"))) as server:
        status = run([*written(tmp_path, server.url, 6), "--halt-on-drift", "--pilot", "1", "--yes"])
        assert status == 1
        assert len(server.requests) == 1


def test_a_retry_asks_nothing_that_a_batch_has_answered(tmp_path: Path) -> None:
    fails = [True]

    def answer(body: dict[str, Any], tries: int) -> Any:
        return (400, {"error": {"message": "no", "code": "x"}}) if fails[0] else "hi"

    folder = str(tmp_path / "run")
    with serving_batches(answer) as server:
        assert run(written(tmp_path, server.url, 1)) == 0
        fails[0] = False
        server.held.add("in_progress")
        assert run(["collect", "--retry", "error", "--batch", "--no-wait", folder]) == 1
        end_batch(server)
        before = server.count("POST", "/v1/chat/completions")
        assert run(["collect", "--retry", "error", folder]) == 0
        assert server.count("POST", "/v1/chat/completions") == before


def test_a_pilot_chooses_no_calls_of_batches(tmp_path: Path) -> None:
    with serving_batches(lambda body, tries: "hi") as server:
        args = written(tmp_path, server.url, 3)
        server.held.add("in_progress")
        assert run([*args, "--batch", "--no-wait"]) == 1
        more = "".join(json.dumps({"prompt": f"More {i}", "task": "p"}) + "\n" for i in range(3))
        (tmp_path / "p.jsonl").write_text(more)
        run([*args, "--pilot", "2"])
        assert server.count("POST", "/v1/chat/completions") == 2


def test_a_process_without_the_lock_of_a_new_run_removes_no_file_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, other = tmp_path / "run", RunJournal(tmp_path / "run")
    enter = RunJournal.__enter__

    def second(journal: RunJournal) -> RunJournal:
        enter(other)  # another process takes the lock between the folder and the lock of this one
        return enter(journal)

    monkeypatch.setattr(RunJournal, "__enter__", second)
    with serving(lambda body, tries: "hi") as server:
        assert run(written(tmp_path, server.url, 1)) == 1
    names = sorted(one.name for one in folder.iterdir())
    other.__exit__(None, None, None)
    assert {JOURNAL, LOCK} <= {*names}
