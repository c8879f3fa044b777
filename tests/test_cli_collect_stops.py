"""`collect` in a process of its own that is killed or interrupted; the run goes on, and can be built meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.cli.main import run
from tests.helpers.chat_server import serving
from tests.helpers.collecting_desk import release, reply, rows, write_llms, write_prompts
from tests.helpers.waiting import wait_for

ROOT = Path(__file__).parents[1]
BEGIN = ("--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ten prompts, in which commands run."""
    write_prompts(tmp_path, 10)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(desk: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "llmfusionbench", "collect", *arguments]
    return subprocess.Popen(command, cwd=desk, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def holding(gate: threading.Event, free: int) -> Callable[[dict[str, Any], int], Any]:
    """Answers the first `free` requests, and lets the others wait for the gate."""
    count = iter(range(10**6))

    def answer(body: dict[str, Any], tries: int) -> Any:
        if next(count) >= free:
            gate.wait()
        return reply(body, tries)

    return answer


def test_a_run_that_is_killed_goes_on_and_can_be_built_meanwhile(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate = threading.Event()
    with serving(holding(gate, 6)) as server:
        write_llms(desk, server.url, "good", concurrency=2)
        process = start(desk, *BEGIN)
        try:
            wait_for(lambda: len(server.requests) == 8)
            wait_for(lambda: (desk / "run" / JOURNAL).read_bytes().count(b'"kind":"attempt"') == 6)
            assert len(rows(release("early"), "performance")) == 6
            assert run(["collect", *BEGIN]) == 1
            assert f"{process.pid}" in capsys.readouterr().err
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            gate.set()
        assert run(["collect", "run"]) == 0
        assert "Note: at most 2 attempts were in flight when an earlier run ended" in capsys.readouterr().err
        assert len(server.requests) == 8 + 4
        assert run(["collect", "run"]) == 0
        assert "in flight" not in capsys.readouterr().err  # all have their answers now
    assert rows(release(), "performance") == [(1.0,)] * 10


def test_ctrl_c_finishes_what_is_in_flight(desk: Path) -> None:
    gate = threading.Event()
    with serving(holding(gate, 4)) as server:
        write_llms(desk, server.url, "good", concurrency=2)
        process = start(desk, *BEGIN)
        assert process.stderr is not None
        try:
            wait_for(lambda: len(server.requests) == 6)
            process.send_signal(signal.SIGINT)
            said = b""
            while b"Stopping" not in said:
                said += process.stderr.readline()
        finally:
            gate.set()
            rest = process.stderr.read()
            process.wait()
        assert process.returncode == 1
        assert b"4 calls have no outcome (interrupted)" in rest
        assert len(rows(release(), "performance")) == 6
        assert run(["collect", "run"]) == 0
        assert len(server.requests) == 10


def test_a_server_that_is_down_ends_the_run_early(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_prompts(desk, 200)
    up = threading.Event()
    with serving(lambda body, tries: reply(body, tries) if up.is_set() else (500, b"oops")) as server:
        write_llms(desk, server.url, "good", retries=0)
        assert run(["collect", *BEGIN]) == 1
        err = capsys.readouterr().err
        assert err.count("good: 20 calls in a row failed, the last one with: status 500. It gets no more calls") == 1
        assert "180 calls have no outcome" in err
        assert (asked := len(server.requests)) < 40
        up.set()
        assert run(["collect", "run"]) == 0
        assert len(server.requests) == asked + 180
        assert run(["collect", "--retry", "error", "run"]) == 0
        assert len(server.requests) == asked + 200
    assert rows(release(), "performance") == [(1.0,)] * 200
