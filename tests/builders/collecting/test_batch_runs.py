"""Whole runs of batches, with the official client and a server on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.batch_lane import Manner
from tests.helpers.batch_runs import PAID, batched, calls_of, endpoint_at, records, states
from tests.helpers.batch_server import serving_batches


def test_a_whole_run(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: f"about {body['messages'][0]['content']}") as server:
        server.shuffle = True
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(5), manner=Manner(most_requests=2))
    assert (result.answered, result.failed, result.not_started, result.in_batches) == (5, 0, 0, 0)
    assert result.stopped is None
    assert result.closed == {}
    attempts = records(tmp_path, "attempt")
    assert {a["slot"][0]: a["response"] for a in attempts} == {f"q{i}": f"about What is {i}?" for i in range(5)}
    assert all(a["cost_usd"] == pytest.approx(PAID) for a in attempts)
    assert all(a["final"] and a["status"] == "ok" and a["batch"] and a["served_model"] == "test-model" for a in attempts)
    assert len(server.batches) == 3
    assert server.charged == 5
    whole = ["written", "uploaded", "submitted", "in_progress", "completed", "taken"]
    assert [states(tmp_path, f"m-{n}") for n in (1, 2, 3)] == [whole] * 3
