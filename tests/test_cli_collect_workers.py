"""`collect` by several workers: the same answers, limits and cap as by one process, and nothing is lost or asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders.collecting.journal_state import JournalState
from llmfusionbench.builders.reading.run_files import JOURNAL, WORKERS
from llmfusionbench.cli.main import run
from tests.helpers.chat_server import ChatServer, completion, serving
from tests.helpers.collecting_desk import collect, release, reply, rows, write_llms, write_prompts
from tests.helpers.descendants import descendants
from tests.helpers.importable import importable
from tests.helpers.run_calls import repeats
from tests.helpers.waiting import wait_for

PROMPTS = 60
MANY = 3000
"""More calls than can be made until workers see that they are to stop: they look every 0.2 s, between calls."""
COLUMNS = ("query_id", "llm", "mode", "replicate", "response", "status", "input_tokens", "output_tokens", "cost_usd")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with prompts, in which commands run."""
    write_prompts(tmp_path, PROMPTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state_of(folder: Path) -> JournalState:
    state = JournalState()
    state.read(folder / JOURNAL)
    return state


class Gate:
    """Lets the first requests of a server pass, and holds all others until it is opened."""

    def __init__(self, passing: int) -> None:
        self.places = threading.Semaphore(passing)
        self.open = threading.Event()
        self.holds = 0
        """Requests that it has held; several workers have one each, at least."""

    def __call__(self, body: dict[str, Any], tries: int) -> Any:
        if not self.places.acquire(blocking=False):
            self.holds += 1
            self.open.wait()
        return reply(body, tries)


@contextmanager
def collecting(server: ChatServer, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, by two workers."""
    command = [sys.executable, "-m", "llmfusionbench", "collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml"]
    command += ["--out", "run", "--workers", "2", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=importable(), text=True, stdout=pipe, stderr=pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def test_workers_collect_what_one_process_does(desk: Path) -> None:
    found = {}
    for workers in ("1", "3"):
        with serving(reply) as server:
            write_llms(desk, server.url, "good", "bad", concurrency=4)
            assert collect("--workers", workers, "--replicates", "2", "--out", f"run{workers}") == 0
            assert {*server.tries.values()} == {4}  # 2 LLMs, 2 replicates
        assert not (desk / f"run{workers}" / WORKERS).exists()
        assert repeats(desk / f"run{workers}" / JOURNAL) == state_of(desk / f"run{workers}").damaged == 0
        assert run(["build", "collected", f"run{workers}", "--out", workers, "--workers", "1"]) == 0
        found[workers] = rows(lfb.open_release(workers), *COLUMNS)
    assert found["1"] == found["3"]
    assert len(found["1"]) == PROMPTS * 4


def test_workers_share_the_calls_that_may_be_made_at_a_time(desk: Path) -> None:
    with serving(reply, together=2) as server:  # the first two, one of each worker, wait for each other
        write_llms(desk, server.url, "good", concurrency=3)
        assert collect("--workers", "2") == 0
        assert 2 <= server.most <= 3


def test_an_llm_with_one_call_at_a_time_is_asked_by_one(desk: Path) -> None:
    with serving(reply) as server:
        write_llms(desk, server.url, "good", concurrency=1)
        assert collect("--workers", "4") == 0
        assert (server.most, len(server.requests)) == (1, PROMPTS)


def test_workers_share_the_cap_and_use_all_of_it(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answered = {}
    for workers in ("1", "3"):
        with serving(reply) as server:
            write_llms(desk, server.url, "good", max_tokens=10, prices=[{"input_price": 1000, "output_price": 1000}])
            assert collect("--workers", workers, "--out", f"run{workers}", "--max-cost", "0.6") == 1
        assert "good: its next call does not fit into --max-cost" in capsys.readouterr().err
        state = state_of(desk / f"run{workers}")
        assert sum(state.spent.values()) <= 0.6
        answered[workers] = len(state.answered)
    assert 0 < answered["1"] < PROMPTS
    assert abs(answered["1"] - answered["3"]) <= 1  # the worst case of a call depends on its prompt


def test_failed_calls_are_asked_again_by_workers(desk: Path) -> None:
    def stumbling(body: dict[str, Any], tries: int) -> Any:
        text = reply(body, tries)
        return (400, b"{}") if tries == 1 and int(text) % 4 else text

    with serving(stumbling) as server:
        write_llms(desk, server.url, "good")
        assert collect() == 0
        assert len(state_of(desk / "run").failed) == PROMPTS / 2
        assert run(["collect", "run", "--retry", "error", "--workers", "2"]) == 0
        assert sum(server.tries.values()) == PROMPTS * 1.5
    state = state_of(desk / "run")
    assert (len(state.answered), len(state.failed)) == (PROMPTS, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_lets_the_calls_in_flight_of_all_workers_end(desk: Path, number: int) -> None:
    write_prompts(desk, MANY)
    gate = Gate(passing=10)
    with serving(gate) as server:
        write_llms(desk, server.url, "good", concurrency=4)
        with collecting(server) as process:
            wait_for(lambda: gate.holds >= 2 or process.poll() is not None)
            process.send_signal(number)
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            assert any(line.startswith("Stopping: the calls in flight will be recorded.") for line in lines)
            gate.open.set()
            _, err = process.communicate()
        asked = len(server.requests)
    state = state_of(desk / "run")
    assert process.returncode == 1
    assert "(interrupted)" in err
    assert not state.open_attempts()
    assert asked == len(state.answered) < MANY
    assert not (desk / "run" / WORKERS).exists()


def test_a_second_interrupt_cuts_the_calls_off(desk: Path) -> None:
    gate = Gate(passing=10)
    with serving(gate) as server:
        write_llms(desk, server.url, "good", concurrency=4)
        with collecting(server) as process:
            wait_for(lambda: gate.holds >= 2 or process.poll() is not None)
            assert process.stderr is not None
            for word in ("Stopping:", "Stopped at once:"):
                process.send_signal(signal.SIGINT)
                assert any(line.startswith(word) for line in iter(process.stderr.readline, ""))
            process.communicate()  # it ends although no answer comes
        assert process.returncode == 1
        gate.open.set()
    assert len(state_of(desk / "run").answered) == 10


@pytest.mark.parametrize("whole", [True, False])
def test_a_killed_run_goes_on_where_it_was(desk: Path, whole: bool) -> None:
    """The command is killed, and its workers end with it; or one of them is killed, which ends the command."""
    gate = Gate(passing=20)
    with serving(gate) as server:
        write_llms(desk, server.url, "good", concurrency=4)
        with collecting(server) as process:
            wait_for(lambda: gate.holds >= 2 or process.poll() is not None)
            workers = [pid for pid in descendants(process.pid) if _is_worker(pid)]
            assert len(workers) == 2
            os.kill(process.pid if whole else workers[0], signal.SIGKILL)
            _, err = process.communicate()
            wait_for(lambda: not any(_is_worker(pid) for pid in workers))
        assert process.returncode == (-9 if whole else 1)
        assert whole or "a worker process was killed" in err
        gate.open.set()
        assert run(["collect", "run", "--workers", "3"]) == 0
        assert sum(server.tries.values()) <= PROMPTS + 4  # what was in flight, at most
        assert len(server.tries) == PROMPTS
    state = state_of(desk / "run")
    assert (len(state.answered), state.damaged, repeats(desk / "run" / JOURNAL)) == (PROMPTS, 0, 0)
    assert not (desk / "run" / WORKERS).exists()
    assert len(rows(release(), "query_id")) == PROMPTS


def _is_worker(pid: int) -> bool:
    """Whether a process runs and is one of a pool; its helper for locks is none."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"spawn_main" in words


def test_another_model_stops_all_workers_if_that_is_asked_for(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(lambda body, tries: (200, completion(reply(body, tries), "other"))) as server:
        write_llms(desk, server.url, "good")
        assert collect("--workers", "2", "--halt-on-drift") == 1
        assert len(server.requests) < PROMPTS
    assert "'other' answered in place of 'good-model'" in capsys.readouterr().err


def test_a_key_that_is_missing_is_named(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(reply) as server:
        write_llms(desk, server.url, "good", key_variable="NO_SUCH_KEY")
        assert collect("--workers", "2") == 1
        assert not server.requests
    assert "NO_SUCH_KEY" in capsys.readouterr().err


def test_batches_are_made_by_one_process(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(reply) as server:
        write_llms(desk, server.url, "good")
        for more in (("--workers", "2"), ("--engine", "ray")):
            assert collect("--batch", *more) == 2
            assert "Batches are made by one process: drop --engine and --workers." in capsys.readouterr().err
        assert not (desk / "run").exists()


def test_an_engine_that_is_not_known(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(reply) as server:
        write_llms(desk, server.url, "good")
        assert collect("--engine", "spark") == 1
    assert 'No engine "spark". Known: local, ray.' in capsys.readouterr().err
    assert not (desk / "run").exists()


def test_a_secret_in_a_setting_stays_with_one_process(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(reply) as server:
        write_llms(desk, f"{server.url}/v1?code=hunter2-hunter2", "good")
        assert collect("--workers", "2") == 1
        assert not server.requests
        printed = capsys.readouterr().err
        assert "a URL or a setting of good holds a secret" in printed
        assert "hunter2-hunter2" not in printed + json.dumps([path.read_text() for path in (desk / "run").glob("*.js*")])
        assert collect() == 0
