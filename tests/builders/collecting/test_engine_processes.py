"""Real processes: Ctrl-C once and twice, SIGTERM, and two processes on one run."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.journal import RunJournal
from tests.helpers.chat_server import ChatServer, serving
from tests.helpers.importable import importable
from tests.helpers.waiting import wait_for

CALLS = 40


class Gate:
    """Lets the first answers of a server pass, and holds all others until it is opened."""

    def __init__(self, passing: int) -> None:
        self.places = threading.Semaphore(passing)
        self.open = threading.Event()

    def __call__(self, body: dict[str, Any], _: int) -> str:
        if not self.places.acquire(blocking=False):
            self.open.wait()
        return f"yes, {body['messages'][0]['content']}"


@contextmanager
def collecting(folder: Path, server: ChatServer) -> Iterator[subprocess.Popen[str]]:
    """A process that makes calls."""
    command = [sys.executable, "-m", "tests.helpers.interrupted_run", str(folder), server.url, str(CALLS)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=importable(), text=True, stdout=pipe, stderr=pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def interrupt(process: subprocess.Popen[str], number: int) -> str:
    """Send a signal; the line with which the process answers."""
    assert process.stderr is not None
    process.send_signal(number)
    return process.stderr.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_lets_those_in_flight_end(tmp_path: Path, number: int) -> None:
    gate = Gate(passing=9)
    with serving(gate) as server, collecting(tmp_path, server) as process:
        wait_for(lambda: server.under_way == 4 or process.poll() is not None)
        assert interrupt(process, number) == (
            "Stopping: 4 calls in flight will be recorded. Press Ctrl-C again to cut them off.\n"
        )
        gate.open.set()
        out, err = process.communicate()
        asked = len(server.requests)
    result = json.loads(out.splitlines()[-1])
    assert (process.returncode, err) == (0, "")
    assert (result["stopped"], result["answered"], result["cut_off"]) == ("interrupted", asked, 0)
    assert asked == 13
    with RunJournal(tmp_path) as journal:
        assert (len(journal.answered), journal.in_flight_lost) == (13, 0)


def test_twice_stops_at_once_and_reports_what_was_cut_off(tmp_path: Path) -> None:
    gate = Gate(passing=9)
    with serving(gate) as server:
        with collecting(tmp_path, server) as process:
            wait_for(lambda: server.under_way == 4 or process.poll() is not None)
            interrupt(process, signal.SIGINT)
            assert interrupt(process, signal.SIGINT) == "Stopped at once: 4 calls in flight were cut off.\n"
            out, _ = process.communicate()
            result = json.loads(out.splitlines()[-1])
            assert (result["stopped"], result["answered"], result["cut_off"]) == ("interrupted", 9, 4)
        gate.open.set()
        with collecting(tmp_path, server) as process:
            out, _ = process.communicate()
        result = json.loads(out.splitlines()[-1])
        assert (result["answered"], result["reused"], result["in_flight_lost"]) == (CALLS - 9, 9, 4)
        assert len(server.requests) == CALLS + 4


def test_two_processes_on_one_run(tmp_path: Path) -> None:
    gate = Gate(passing=0)
    with serving(gate) as server, collecting(tmp_path, server) as first:
        wait_for(lambda: server.under_way > 0 or first.poll() is not None)
        with collecting(tmp_path, server) as second:
            _, err = second.communicate()
        assert second.returncode == 1
        assert re.search(rf"process {first.pid} is writing to this run\. Remedy: wait", err)
        first.kill()
        first.wait()
        gate.open.set()
        with collecting(tmp_path, server) as third:
            out, _ = third.communicate()
        assert json.loads(out.splitlines()[-1])["answered"] == CALLS
