"""Whole runs of batches, with the official client and a server on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from llmfusionbench.builders.collecting.batch_manner import Manner
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.records import sent_record
from tests.helpers.batch_runs import PAID, batched, calls_of, endpoint_at, engine_run, records, states
from tests.helpers.batch_server import DROP, LOST, serving_batches


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


def test_several_llms_and_equal_calls(tmp_path: Path) -> None:
    calls = [*calls_of(3, "a"), *calls_of(2, "b", temperature=1.0)]
    twin = replace(calls[0], slot=("q0", "a", "direct", "twin"))
    with serving_batches(lambda body, _: "yes") as server:
        endpoints = [endpoint_at(server.url, name) for name in ("a", "b")]
        result = batched(tmp_path, endpoints, [*calls, twin])
        assert (result.answered, result.reused) == (5, 1)
        again = batched(tmp_path, endpoints, [*calls, twin])
    assert (again.answered, again.reused, again.not_started) == (0, 6, 0)
    assert server.charged == 5
    assert len(server.batches) == 2
    assert [use["slot"] for use in records(tmp_path, "use")] == [["q0", "a", "direct", "twin"]]


def test_models_of_modes_go_into_batches_of_their_own(tmp_path: Path) -> None:
    calls = [call for pair in zip(calls_of(3), calls_of(3, model="thinker"), strict=True) for call in pair]
    with serving_batches(lambda body, _: body["model"]) as server:
        result = batched(tmp_path, [endpoint_at(server.url)], calls, manner=Manner(most_requests=2))
    assert (result.answered, len(server.batches)) == (6, 4)
    assert sorted(a["response"] for a in records(tmp_path, "attempt")) == ["test-model"] * 3 + ["thinker"] * 3


def test_online_and_batches_share_a_run(tmp_path: Path) -> None:
    """What the batch has is not asked online, and what was answered online is not in a batch."""
    calls = calls_of(6)
    with serving_batches(lambda body, _: "yes") as server:
        endpoint = endpoint_at(server.url)
        online = engine_run(tmp_path, endpoint, calls[:2])
        assert online.answered == 2
        server.held = {"in_progress"}
        batch = batched(tmp_path, [endpoint], calls[:4], manner=Manner(wait=False))
        assert (batch.reused, batch.in_batches, batch.answered) == (2, 2, 0)
        online = engine_run(tmp_path, endpoint, calls)
        assert (online.answered, online.reused, online.in_batches) == (2, 2, 2)
        server.held = set()
        batch = batched(tmp_path, [endpoint], calls)
    assert (batch.answered, batch.reused, batch.in_batches) == (2, 4, 0)
    assert server.charged == 6
    (made,) = server.batches.values()
    assert len(server.files[made["input_file_id"]][1].splitlines()) == 2


def test_a_run_that_does_not_wait_goes_on_later(tmp_path: Path) -> None:
    said: list[str] = []
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"validating"}
        first = batched(tmp_path, [endpoint_at(server.url)], calls_of(3), manner=Manner(wait=False), said=said)
        assert (first.answered, first.in_batches, first.not_started) == (0, 3, 0)
        second = batched(tmp_path, [endpoint_at(server.url)], calls_of(5), manner=Manner(wait=False))
        assert (second.in_batches, len(server.batches)) == (5, 2)
        server.held = set()
        last = batched(tmp_path, [endpoint_at(server.url)], calls_of(5))
    assert (last.answered, last.reused, server.charged) == (5, 0, 5)
    assert said == ["m: batch m-1 is submitted with 3 requests (batch_1)"]


def test_what_was_only_written_is_freed_for_calls_online(tmp_path: Path) -> None:
    """Without `submit`, batches under way are taken, and those that no provider has are given up."""
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["upload"] = [DROP]
        manner = Manner(wait=False, faults=0)
        first = batched(tmp_path, [endpoint_at(server.url)], calls_of(3), manner=manner)
        assert (first.in_batches, len(first.closed)) == (3, 1)
        freed = batched(tmp_path, [endpoint_at(server.url)], (), manner=Manner(wait=False, submit=False))
        assert (freed.in_batches, freed.not_started) == (0, 3)
        assert states(tmp_path, "m-1") == ["written", "cancelled"]
        online = engine_run(tmp_path, endpoint_at(server.url), calls_of(3))
    assert (online.answered, server.charged, len(server.batches)) == (3, 3, 0)


def test_files_have_limits(tmp_path: Path) -> None:
    """No file has more requests or bytes than the provider takes; a request that is longer has one of its own."""
    long = calls_of(1, start=9, text="long {}" + "x" * 900)
    with serving_batches(lambda body, _: "yes") as server:
        manner = Manner(most_requests=4, most_bytes=700)
        result = batched(tmp_path, [endpoint_at(server.url)], [*calls_of(9), *long], manner=manner)
    assert result.answered == 10
    sizes = [len(server.files[b["input_file_id"]][1]) for b in server.batches.values()]
    assert all(size <= 700 for size in sizes[:-1])
    assert sizes[-1] > 900
    assert len(sizes) == len({record["batch"] for record in records(tmp_path, "batch")}) == 4


def test_a_further_answer_on_request(tmp_path: Path) -> None:
    calls = calls_of(2)
    with serving_batches(lambda body, _: "yes") as server:
        batched(tmp_path, [endpoint_at(server.url)], calls)
        result = batched(tmp_path, [endpoint_at(server.url)], calls, again={calls[0].key})
    assert (result.answered, result.reused, server.charged) == (1, 1, 3)
    assert [a["attempt"] for a in records(tmp_path, "attempt") if a["key"] == calls[0].key] == [1, 2]


def test_another_model_answers(tmp_path: Path) -> None:
    said: list[str] = []
    with serving_batches(lambda body, _: "yes") as server:
        endpoint = endpoint_at(server.url, model="big")
        calls = [replace(call, payload={**call.payload, "model": "big"}) for call in calls_of(2)]
        server.rename = "small"
        result = batched(tmp_path, [endpoint], calls, manner=Manner(most_requests=1), said=said, halt_on_drift=True)
    assert result.drift == {"m": ["small"]}
    assert result.stopped == "m: 'small' answered in place of the model that was requested"
    assert "Warning: m: 'small' answers, though 'big' was requested" in said


def test_answers_of_calls_that_were_not_given_are_told_apart(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        batched(tmp_path, [endpoint_at(server.url)], calls_of(3), manner=Manner(wait=False))
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2, start=2))
    assert (result.answered, result.others) == (4, 2)


def test_azure_has_batches_above_its_deployments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_KEY", "az-secret-key")
    with serving_batches(lambda body, _: "yes", root="/openai", address="/chat/completions") as server:
        url = server.url.removesuffix("/v1")
        endpoint = endpoint_at(url, api="azure", api_version="2024-10-21", key_variable="AZURE_KEY")
        server.faults["create"] = [LOST]
        result = batched(tmp_path, [endpoint], calls_of(3))
        assert (result.answered, server.charged, len(server.batches)) == (3, 3, 1)
        assert {path.split("/")[1] for _, path, _ in server.seen} == {"openai"}
        assert all("api-version=2024-10-21" in path for _, path, _ in server.seen)
        assert all(headers["api-key"] == "az-secret-key" for _, _, headers in server.seen)


def test_v1_of_azure_has_batches_beside_its_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the API of a batch without `/v1`, as the dated one does."""
    monkeypatch.setenv("AZURE_KEY", "az-secret-key")
    with serving_batches(lambda body, _: "yes", root="/openai/v1", address="/chat/completions") as server:
        url = server.url.replace("/v1", "/openai/v1")
        endpoint = endpoint_at(url, api="azure", key_variable="AZURE_KEY")
        result = batched(tmp_path, [endpoint], calls_of(3))
        assert (result.answered, server.charged, len(server.batches)) == (3, 3, 1)
        assert {path.partition("?")[0].split("/")[1:3] == ["openai", "v1"] for _, path, _ in server.seen} == {True}
        assert not any("api-version" in path for _, path, _ in server.seen)
        assert all(headers["api-key"] == "az-secret-key" for _, _, headers in server.seen)


def test_the_query_of_an_endpoint_is_sent_with_every_request(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["create"] = [LOST]
        result = batched(tmp_path, [endpoint_at(f"{server.url}?tenant=a%20b")], calls_of(3))
        assert (result.answered, len(server.batches)) == (3, 1)
        assert {parse_qs(path.partition("?")[2])["tenant"][0] for _, path, _ in server.seen} == {"a b"}


@pytest.mark.parametrize("worst", [0.5, None])
def test_what_a_lost_batch_may_have_cost_is_not_0_where_no_price_was_known(tmp_path: Path, worst: float | None) -> None:
    (call,) = calls_of(1)
    with RunJournal(tmp_path) as journal:
        journal.add(sent_record(call, number=1, worst_usd=worst, batch="m-1"))
    with serving_batches(lambda body, _: "yes") as server:
        assert batched(tmp_path, [endpoint_at(server.url)], [call]).answered == 1
    lost, came = records(tmp_path, "attempt")
    assert (lost["error"], lost["cost_usd"]) == ("the journal has lost the batch of this request", worst)
    assert came["status"] == "ok"
