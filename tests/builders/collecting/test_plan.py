"""The calls of a run: all of them, each once, in an order in which LLMs alternate, with seeds by replicate."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.calls import call_key
from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.run import Request, extend
from llmfusionbench.builders.reading.run_files import QUERIES
from llmfusionbench.errors import InputError
from tests.helpers.run_folder import llm, made_run, planned, sums


def test_every_llm_is_asked_every_query_in_every_mode_as_often_as_wanted(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(3, ("direct", "think")), [llm("a"), llm("b")], ("direct", "think"), replicates=2)
    calls = planned(run)
    slots = {call.slot for call in calls}
    queries = {query.query_id for query in sums(3)}
    wanted = {(q, n, m, r) for q in queries for n in ("a", "b") for m in ("direct", "think") for r in ("0", "1")}
    assert slots == wanted
    assert len(calls) == len(wanted) == len({call.key for call in calls})
    assert Plan(run, tuple(run.endpoints())).counts() == {"a": 12, "b": 12}


def test_llms_alternate(tmp_path: Path) -> None:
    calls = planned(made_run(tmp_path / "run", sums(2), [llm("a"), llm("b"), llm("c")]))
    assert [call.llm for call in calls] == ["a", "b", "c"] * 2


def test_the_streams_of_each_llm_are_the_same_calls(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(3), [llm("a"), llm("b")], replicates=2)
    plan = Plan(run, tuple(run.endpoints()))
    by_llm = {name: list(calls) for name, calls in plan.by_llm().items()}
    assert sorted(call.key for calls in by_llm.values() for call in calls) == sorted(call.key for call in plan.calls())
    assert all(call.llm == name for name, calls in by_llm.items() for call in calls)


def test_calls_are_made_as_they_are_needed(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(2), [llm("a")], replicates=900_000)
    assert [call.replicate for call in islice(Plan(run, tuple(run.endpoints())).calls(), 3)] == [0, 1, 2]


def test_a_seed_differs_by_replicate_and_is_left_out_without_one(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(1), [llm("a", seed=40), llm("b")], replicates=3)
    seeds = {name: [c.payload.get("seed") for c in planned(run) if c.llm == name] for name in ("a", "b")}
    assert seeds == {"a": [40, 41, 42], "b": [None, None, None]}


def test_the_key_is_that_of_the_payload_the_address_and_the_replicate(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(1), [llm("a", url="http://127.0.0.1:9")], replicates=2)
    first, second = planned(run)
    assert first.payload == second.payload
    assert [first.key, second.key] == [call_key("http://127.0.0.1:9/v1", first.payload, n) for n in (0, 1)]


def test_images_and_settings_pass_through(tmp_path: Path) -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}},
    ]
    form = {"response_format": {"type": "json_object"}}
    (query,) = sums(1, prompts={"direct": [{"role": "user", "content": parts}]}, settings=form)
    (call,) = planned(made_run(tmp_path / "run", [query], [llm("a")]))
    assert call.payload["messages"] == [{"role": "user", "content": parts}]
    assert call.payload["response_format"] == form["response_format"]
    assert call.slot[0] == query.query_id


def test_a_mode_of_its_own_is_asked_only_where_an_llm_has_it(tmp_path: Path) -> None:
    high = llm("b", modes={"high": {"reasoning_effort": "high"}})
    request = Request(modes=["direct", "high"], endpoints=[llm("a"), high])
    run, _ = extend(tmp_path, request, sums(1, ("direct", "high")), into=tmp_path)
    asked = {(call.llm, call.slot[2], call.payload.get("reasoning_effort")) for call in planned(run)}
    assert asked == {("a", "direct", None), ("b", "direct", None), ("b", "high", "high")}


def test_a_damaged_run_without_a_prompt(tmp_path: Path) -> None:
    run = made_run(tmp_path, sums(1, ("direct", "think")), [llm("a")], ("direct", "think"))
    line = json.loads((tmp_path / QUERIES).read_text())
    del line["prompts"]["think"]
    (tmp_path / QUERIES).write_text(json.dumps(line) + "\n")
    with pytest.raises(InputError, match=r"has no prompt in think mode. Remedy: restore queries\.jsonl"):
        planned(run)
