"""Where calls are that batches have not brought back: what is counted, and what the user reads."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.batch_manner import Manner
from llmfusionbench.builders.collecting.batch_places import Places, places_of
from llmfusionbench.builders.collecting.batch_run import look_at_batches, run_batches
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.records import sent_record
from tests.helpers.batch_runs import at_once, batched, calls_of, endpoint_at, today
from tests.helpers.batch_server import serving_batches

FILES = [Path(f"m-{n}.input.jsonl") for n in range(1, 8)]


@pytest.mark.parametrize(
    ("places", "reasons"),
    [
        (Places(), []),
        (Places(at_provider=1), ["1 of them is in a batch of the provider"]),
        (Places(at_provider=1200), ["1,200 of them are in batches of the provider"]),
        (Places(unsent=1), ["1 of them is in a batch that is not known to be submitted"]),
        (Places(lost=1), ["1 of them is in a batch that the journal has lost; --batch asks it again"]),
        (Places(lost=2), ["2 of them are in batches that the journal has lost; --batch asks them again"]),
        (Places(in_files=1, files=FILES[:1]), ["1 of them waits for vllm run-batch in 1 file: m-1.input.jsonl"]),
        (
            Places(in_files=9, files=FILES),
            [f"9 of them wait for vllm run-batch in 7 files: {', '.join(map(str, FILES[:5]))} and 2 more"],
        ),
    ],
)
def test_reasons(places: Places, reasons: list[str]) -> None:
    assert places.reasons() == reasons


def test_each_call_is_in_one_place(tmp_path: Path) -> None:
    calls = calls_of(10)
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"in_progress"}
        endpoint, manner = endpoint_at(server.url), Manner(wait=False, faults=0)
        batched(tmp_path, [endpoint], calls[:4], manner=manner)
        batched(tmp_path, [endpoint], calls[:6], manner=manner, offline={"m"})
        server.faults["create"] = [(503, {"error": {"message": "busy"}}, {})]
        batched(tmp_path, [endpoint], calls[:9], manner=manner)
    with RunJournal(tmp_path) as journal:
        journal.add(sent_record(calls[9], number=1, worst_usd=0.1, batch="m-9"))
        places = places_of(journal, {call.key for call in calls})
        assert (places.at_provider, places.in_files, places.unsent, places.lost) == (4, 2, 3, 1)
        assert (places.files, places.llms) == ((tmp_path / "batches" / "m-2.input.jsonl",), ("m",))
        assert places_of(journal, {calls[0].key}) == Places(at_provider=1)
        assert places_of(journal, ()) == Places()


def test_requests_in_files_are_not_in_flight(tmp_path: Path) -> None:
    endpoints, board = [endpoint_at("http://localhost:8000")], Board()
    with RunJournal(tmp_path) as journal:
        budget = Budget(None, endpoints, today=today().date())
        asyncio.run(run_batches(calls_of(3), endpoints, journal, budget, board, offline={"m"}, say=lambda _: None, today=today))
        assert (board.tallies["m"].expected, board.tallies["m"].in_flight) == (3, 0)


def test_a_look_before_calls_are_made_online_leaves_no_call_expected(tmp_path: Path) -> None:
    """Those that are left are expected once, by the run that goes on."""
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"in_progress"}
        endpoints, board = [endpoint_at(server.url)], Board()
        batched(tmp_path, endpoints, calls_of(3), manner=Manner(wait=False))
        with RunJournal(tmp_path) as journal:
            asyncio.run(look_at_batches(endpoints, journal, board, say=lambda _: None, pause=at_once, today=today))
        assert (board.tallies["m"].expected, board.tallies["m"].in_flight) == (0, 0)
