"""Batches that end in every way: partial, expired, cancelled, with errors, and with results that are odd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.batch_manner import Manner
from tests.helpers.batch_runs import PAID, batched, calls_of, endpoint_at, records, states
from tests.helpers.batch_server import EXPIRE, OMIT, serving_batches
from tests.helpers.chat_server import completion


def asked(body: dict[str, Any]) -> str:
    return str(body["messages"][0]["content"])


def test_what_expired_is_asked_again_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    late = {"What is 1?", "What is 3?"}
    with serving_batches(lambda body, _: EXPIRE if asked(body) in late and len(server.batches) == 1 else "yes") as server:
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(4))
    assert (result.answered, result.failed, result.not_started) == (4, 0, 0)
    assert server.charged == 4
    assert states(tmp_path, "m-1")[-2:] == ["expired", "taken"]
    assert [len(server.files[b["input_file_id"]][1].splitlines()) for b in server.batches.values()] == [4, 2]
    attempts = records(tmp_path, "attempt")
    assert sorted(a["attempt"] for a in attempts) == [1, 1, 1, 1, 2, 2]
    assert [a["cost_usd"] for a in attempts if a["status"] == "error"] == [0, 0]
    assert sum(a["cost_usd"] for a in attempts) == pytest.approx(4 * PAID)


def test_expired_requests_do_not_use_up_the_retries(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: EXPIRE if len(server.batches) < 4 else "yes") as server:
        result = batched(tmp_path, [endpoint_at(server.url, retries=1)], calls_of(1))
    assert (result.answered, len(server.batches)) == (1, 4)


def test_batches_that_expire_without_end_are_not_submitted_without_end(tmp_path: Path) -> None:
    said: list[str] = []
    with serving_batches(lambda body, _: EXPIRE) as server:
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2), said=said)
        assert (result.not_started, result.failed, len(server.batches)) == (2, 0, 4)
        reason = (
            "in 4 rounds of batches no request was made (the last batch is expired). Remedy: start the same command again later"
        )
        assert result.closed["m"].startswith(reason)
        assert sum(reason in line for line in said) == 1
        server.answer = lambda body, _: "yes"
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2))
    assert (result.answered, server.charged) == (2, 2)


def test_batches_that_expire_together_are_one_round(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: EXPIRE if len(server.batches) <= 6 else "yes") as server:
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(6), manner=Manner(most_requests=1))
    assert (result.answered, result.closed) == (6, {})


def test_a_batch_that_its_owner_cancelled(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"in_progress"}
        batched(tmp_path, [endpoint_at(server.url)], calls_of(2), manner=Manner(wait=False))
        server.cancel(server.batches["batch_1"])
        server.held = set()
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2))
    assert (result.answered, server.charged, len(server.batches)) == (2, 2, 2)
    assert states(tmp_path, "m-1")[-2:] == ["cancelled", "taken"]


def test_errors_that_pass_are_asked_again_and_others_are_final(tmp_path: Path) -> None:
    seen: list[str] = []

    def answer(body: dict[str, Any], _: int) -> Any:
        seen.append(asked(body))
        if asked(body) == "What is 0?" and seen.count("What is 0?") == 1:
            return 429, {"error": {"message": "slow down"}}
        if asked(body) == "What is 1?":
            return 400, {"error": {"message": "the prompt is too long"}}
        return (503, {"error": {"message": "overloaded"}}) if asked(body) == "What is 2?" else "yes"

    with serving_batches(answer) as server:
        result = batched(tmp_path, [endpoint_at(server.url, retries=2)], calls_of(4))
        assert (result.answered, result.failed) == (2, 2)
        again = batched(tmp_path, [endpoint_at(server.url, retries=2)], calls_of(4))
    assert (again.reused, again.failed_before, len(server.batches)) == (2, 2, 3)
    by_query: dict[str, list[tuple[str, bool]]] = {}
    for record in records(tmp_path, "attempt"):
        by_query.setdefault(record["slot"][0], []).append((record["status"], record["final"]))
    assert by_query == {
        "q0": [("error", False), ("ok", True)],
        "q1": [("error", True)],
        "q2": [("error", False), ("error", False), ("error", True)],
        "q3": [("ok", True)],
    }


def test_results_that_lack_repeat_or_are_foreign(tmp_path: Path) -> None:
    """A request without a result was perhaps charged: the worst case counts, and it is asked again."""
    foreign = {"custom_id": "someone-else", "response": {"status_code": 200, "body": json.loads(completion("no"))}}
    said: list[str] = []
    with serving_batches(lambda body, n: OMIT if asked(body) == "What is 1?" and n == 0 else "yes") as server:
        calls = calls_of(3)
        repeat = {"custom_id": calls[2].key, "response": {"status_code": 200, "body": json.loads(completion("other"))}}
        wrong = {"custom_id": calls[0].key, "error": {"code": "x", "message": "an answer counts more than an error"}}
        server.foreign = [json.dumps(one).encode() for one in (foreign, repeat, wrong)] + [b"{not JSON", b"\xff"]
        result = batched(tmp_path, [endpoint_at(server.url)], calls, said=said)
    assert (result.answered, server.charged) == (3, 4)
    answers = [a for a in records(tmp_path, "attempt") if a["status"] == "ok"]
    assert [a["response"] for a in answers] == ["yes"] * 3
    (lost,) = [a for a in records(tmp_path, "attempt") if a["status"] == "error"]
    assert (lost["slot"][0], lost["charged"], lost["final"]) == ("q1", True, False)
    assert lost["cost_usd"] > PAID
    first = next(line for line in said if line.startswith("m: batch m-1: of the results"))
    assert "1 repeats an earlier one, 1 has an unknown id, 2 cannot be read, 1 is lacking" in first
    taken = [record["taken"] for record in records(tmp_path, "batch") if record["state"] == "taken"]
    assert taken[0] == {"answered": 2, "again": 1, "lacking": 1, "repeated": 1, "foreign": 1, "damaged": 2}


def test_a_file_of_results_that_is_cut_is_fetched_again(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.cut = 30
        result = batched(tmp_path, [endpoint_at(server.url, retries=0)], calls_of(3))
    assert server.count("GET", r"/v1/files/.*/content") == 3
    assert (result.answered, result.failed) == (2, 1)
    (lost,) = [a for a in records(tmp_path, "attempt") if a["status"] == "error"]
    assert (lost["slot"][0], lost["charged"]) == ("q2", True)


def test_a_last_line_without_its_end_is_whole_if_it_is_json(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.cut = 1
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(3))
        assert (result.answered, server.count("GET", ".*/content")) == (3, 1)


def test_results_that_are_gone_can_be_given_up(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["content"] = [(404, {"error": {"message": "no such file"}}, {})] * 4
        stopped = batched(tmp_path, [endpoint_at(server.url)], calls_of(2))
        assert "no longer has the file" in stopped.closed["m"]
        assert (stopped.in_batches, len(server.batches)) == (2, 1)
        (tmp_path / "batches" / "m-1.output.jsonl").touch()
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2))
    assert (result.answered, len(server.batches)) == (2, 2)


def test_a_model_that_is_refused_stops_its_llm(tmp_path: Path) -> None:
    """Calls that were refused are made by a later run."""
    with serving_batches(lambda body, _: (404, {"error": {"message": "no such model"}})) as server:
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(4), manner=Manner(most_requests=2))
        assert (result.failed, result.not_started) == (0, 4)
        assert result.closed["m"] == "status 404: no such model"
        assert len(server.batches) == 2
        server.answer = lambda body, _: "yes"
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(4))
    assert (result.answered, server.charged) == (4, 4)


def test_a_file_that_is_cut_is_given_up_by_a_run_that_does_not_wait_too(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.cut = 30
        manner = Manner(wait=False)
        found = [batched(tmp_path, [endpoint_at(server.url, retries=0)], calls_of(3), manner=manner) for _ in range(4)]
    assert (sum(one.answered for one in found), sum(one.failed for one in found)) == (2, 1)
    assert (found[-1].in_batches, server.count("GET", r"/v1/files/.*/content")) == (0, 3)


def test_tries_are_counted_by_runs_that_do_not_wait_too(tmp_path: Path) -> None:
    """An error that may pass is final after `retries` further tries, however many commands made them."""
    with serving_batches(lambda body, _: (503, {"error": {"message": "overloaded"}})) as server:
        endpoint = endpoint_at(server.url, retries=1)
        found = [batched(tmp_path, [endpoint], calls_of(2), manner=Manner(wait=False)) for _ in range(12)]
        assert (sum(one.failed for one in found), len(server.batches)) == (2, 2)
    assert found[-1].failed_before == 2


def test_what_expired_leaves_the_tries_as_they_are(tmp_path: Path) -> None:
    late = [EXPIRE, EXPIRE, EXPIRE, (503, {"error": {"message": "overloaded"}}), "yes"]
    with serving_batches(lambda body, _: late[len(server.batches) - 1]) as server:
        result = batched(tmp_path, [endpoint_at(server.url, retries=1)], calls_of(1))
    assert (result.answered, result.failed, len(server.batches)) == (1, 0, 5)


@pytest.mark.parametrize("saved", [True, False], ids=["saved", "given up"])
def test_a_batch_that_the_provider_no_longer_has(tmp_path: Path, saved: bool) -> None:
    """Its results are what the user has put in place; what they lack may have been charged."""
    said: list[str] = []
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"in_progress"}
        calls = calls_of(2)
        batched(tmp_path, [endpoint_at(server.url)], calls, manner=Manner(wait=False))
        del server.batches["batch_1"]
        stopped = batched(tmp_path, [endpoint_at(server.url)], calls, said=said)
        assert (stopped.in_batches, stopped.answered, len(server.batches)) == (2, 0, 0)
        output = tmp_path / "batches" / "m-1.output.jsonl"
        assert "has no batch batch_1, which is m-1 of this run. Remedy: use the URL" in said[0]
        assert f"save its results as {output}" in said[0]
        body = json.loads(completion("by hand", "test-model"))
        line = {"custom_id": calls[0].key, "response": {"status_code": 200, "body": body}}
        output.write_text(json.dumps(line) + "\n" if saved else "")
        server.held = set()
        result = batched(tmp_path, [endpoint_at(server.url)], calls)
    assert (result.answered, server.charged) == (2, 1 if saved else 2)
    lost = [a for a in records(tmp_path, "attempt") if a["status"] == "error"]
    assert len(lost) == (1 if saved else 2)
    assert all(a["charged"] and a["cost_usd"] > PAID for a in lost)
