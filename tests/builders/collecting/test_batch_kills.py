"""Runs of batches that are killed: in every step, no batch is submitted twice, and no answer is lost or paid twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.batch_manner import Manner
from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.records import attempt_record
from tests.helpers.batch_runs import PAID, batched, calls_of, endpoint_at, engine_run, records, states
from tests.helpers.batch_server import DROP, BatchServer, serving_batches
from tests.helpers.importable import importable


def started(folder: Path, server: BatchServer, count: int, most: int, longest: int, seed: int = 0) -> subprocess.Popen[str]:
    arguments = [str(folder), server.url, str(count), str(most), str(longest), str(seed)]
    command = [sys.executable, "-m", "tests.helpers.batch_kills", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=importable())


def check_run(folder: Path, server: BatchServer, count: int, batches: int) -> None:
    """Every call was answered and charged once, in as many batches as there would be without a kill."""
    answers = Counter(a["slot"][0] for a in records(folder, "attempt") if a["status"] == "ok")
    assert answers == {f"q{i}": 1 for i in range(count)}
    assert set(server.made.values()) == {1}
    assert len(server.made) == count
    assert len(server.batches) == batches
    assert sum(a["cost_usd"] for a in records(folder, "attempt")) == pytest.approx(count * PAID)


@pytest.mark.parametrize("seed", range(2))
def test_many_kills(tmp_path: Path, seed: int) -> None:
    """Before and after records, and when files get their names."""
    with serving_batches(lambda body, _: "yes") as server:
        process = started(tmp_path, server, count=24, most=9, longest=12, seed=seed)
        said, _ = process.communicate()
        killed, status = map(int, said.split())
        assert status == 0
        assert killed >= 12
        check_run(tmp_path, server, 24, 3)


def test_kills_between_requests_and_their_replies(tmp_path: Path) -> None:
    """The provider has done what it was asked for, and the run does not know."""
    with serving_batches(lambda body, _: "yes") as server:

        def kill() -> None:
            os.kill(int((tmp_path / "run.lock").read_text()), signal.SIGKILL)

        server.faults |= {
            "upload": [kill, None, kill], "create": [kill, None, kill], "list": [kill, kill],
            "retrieve": [kill, None, kill, None, None, kill], "content": [kill, None, kill],
        }  # fmt: skip
        process = started(tmp_path, server, count=9, most=3, longest=0)
        said, _ = process.communicate()
        assert said.split() == ["11", "0"]
        assert not any(server.faults.values())
        check_run(tmp_path, server, 9, 3)


def test_a_lost_record_of_a_submission(tmp_path: Path) -> None:
    """A journal whose end was lost with the machine: the provider's list still has the batch."""
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"in_progress"}
        batched(tmp_path, [endpoint_at(server.url)], calls_of(4), manner=Manner(wait=False))
        journal = tmp_path / "journal.jsonl"
        lines = journal.read_text().splitlines(keepends=True)
        kept = [line for line in lines if '"submitted"' not in line and '"in_progress"' not in line]
        assert len(kept) < len(lines)
        journal.write_text("".join(kept))
        server.held = set()
        batched(tmp_path, [endpoint_at(server.url)], calls_of(4))
        check_run(tmp_path, server, 4, 1)
        assert server.count("GET", "/v1/batches") == 1


def test_a_batch_that_was_given_up_in_part_is_not_submitted(tmp_path: Path) -> None:
    """A kill in the middle of giving a batch up: some of its calls are free, and may have been made since."""
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["upload"] = [DROP]
        endpoint = endpoint_at(server.url)
        batched(tmp_path, [endpoint], calls_of(4), manner=Manner(wait=False, faults=0))
        with RunJournal(tmp_path) as journal:
            call = calls_of(1)[0]
            error = Attempt("error", error="the batch was not submitted", passing=True)
            journal.add(attempt_record(call, error, number=1, final=False, cost_usd=0.0, at="", batch="m-1"))
        assert engine_run(tmp_path, endpoint, calls_of(1)).answered == 1
        result = batched(tmp_path, [endpoint], calls_of(4))
        assert (result.answered, result.reused, result.not_started) == (3, 1, 0)
    assert server.charged == 4
    assert states(tmp_path, "m-1") == ["written", "cancelled"]


def test_a_journal_that_lost_the_record_of_a_batch(tmp_path: Path) -> None:
    """Its requests may have been charged: their worst case counts, and they are asked again."""
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"in_progress"}
        endpoint = endpoint_at(server.url)
        batched(tmp_path, [endpoint], calls_of(2), manner=Manner(wait=False))
        journal = tmp_path / "journal.jsonl"
        lines = journal.read_text().splitlines(keepends=True)
        journal.write_text("".join(line for line in lines if '"kind":"batch"' not in line))
        server.held = set()
        result = batched(tmp_path, [endpoint], calls_of(2))
    assert (result.answered, result.in_batches) == (2, 0)
    lost = [a["cost_usd"] for a in records(tmp_path, "attempt") if a["status"] == "error"]
    assert len(lost) == 2
    assert all(cost > PAID for cost in lost)


def test_a_kill_while_a_batch_waits_for_room(tmp_path: Path) -> None:
    """A batch that the provider refused for now is created once more, and the refused one is not taken for it."""
    with serving_batches(lambda body, _: "yes", most_enqueued=1) as server:
        server.most_enqueued = 0
        endpoint = endpoint_at(server.url)
        batched(tmp_path, [endpoint], calls_of(1), manner=Manner(wait=False))
        batched(tmp_path, [endpoint], calls_of(1), manner=Manner(wait=False))
        assert states(tmp_path, "m-1") == ["written", "uploaded", "submitted", "failed", "submitted", "failed"]
        server.most_enqueued = 9
        result = batched(tmp_path, [endpoint], calls_of(1))
    assert (result.answered, server.charged, len(server.batches)) == (1, 1, 3)
