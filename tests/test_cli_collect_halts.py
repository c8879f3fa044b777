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
    assert "stopped (m: 'other-99' answered in place of 'test-model')" in printed


def test_drift_in_the_last_results_of_batches_stops_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving_batches(lambda body, tries: "hi") as server:
        server.rename = "other-99"
        assert run([*written(tmp_path, server.url, 1), "--halt-on-drift", "--batch"]) == 1
    assert "stopped (m: 'other-99' answered in place of the model that was requested)" in capsys.readouterr().err


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


def test_a_run_that_another_process_has_changed_meanwhile_keeps_its_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(lambda body, tries: "hi") as server:
        args = written(tmp_path, server.url, 1)
        assert run(args) == 0
        enter = RunJournal.__enter__

        def late(journal: RunJournal) -> RunJournal:
            monkeypatch.setattr(RunJournal, "__enter__", enter)
            assert run([*args, "--max-cost", "0.5"]) == 0  # another process, between the settings and the lock of this one
            return enter(journal)

        monkeypatch.setattr(RunJournal, "__enter__", late)
        assert run([*args, "--replicates", "3"]) == 1
        assert len(server.requests) == 1
    assert "another process has changed the run. Remedy: start the same command again" in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["max_cost"] == 0.5


@pytest.mark.parametrize("how", [[], ["--dry-run"]])
@pytest.mark.parametrize(("cap", "words"), [("-5", "-5"), ("1", "prices")])
def test_a_cap_is_refused_alike_by_a_forecast(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], how: list[str], cap: str, words: str
) -> None:
    args = written(tmp_path, "http://127.0.0.1:9/v1", 1)
    text = (tmp_path / "llms.yaml").read_text()
    (tmp_path / "llms.yaml").write_text(
        text if cap == "-5" else json.dumps({"llms": [json.loads(text)["llms"][0] | {"prices": []}]})
    )
    assert run([*args, *how, "--max-cost", cap]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert words in line


def test_two_files_of_one_task_are_refused_in_any_spelling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = written(tmp_path, "http://127.0.0.1:9/v1", 1)
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"question": "1+1?", "answer": "#### 2"}) + "\n")
    files = ["--task-file", f"gsm8k={tmp_path / 'a.jsonl'}", "--task-file", f"GSM8K={tmp_path / 'b.jsonl'}"]
    assert run([*args, "--tasks", "gsm8k", *files, "--dry-run"]) == 2
    assert "--task-file names two files for gsm8k" in capsys.readouterr().err
