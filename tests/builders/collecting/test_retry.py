"""Asking again: which answers, with which settings, and never more than is wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.records import attempt_record
from llmfusionbench.builders.collecting.retry import Retry, kinds_of
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.redaction import keep_secret
from tests.helpers.run_folder import answer, llm, made_run, planned, sums, write


def run_of_all_kinds(folder: Path) -> tuple[Run, list[Call]]:
    """A run whose five calls ended well, cut off, failed, empty and refused."""
    run = made_run(folder, sums(5), [llm("a", temperature=0.5)])
    calls = planned(run)
    write(
        run,
        answer(calls[0]),
        answer(calls[1], finish_reason="length"),
        answer(calls[2], status="error", response=None, finish_reason=None, error="busy"),
        answer(calls[3], "", status="empty"),
        answer(calls[4], "", finish_reason="content_filter", status="empty"),
    )
    return run, calls


def asked(run: Run, kinds: list[str], max_tokens: int | None = None) -> list[Call]:
    return list(Retry(run, run.endpoints(), kinds, max_tokens).calls())


@pytest.mark.parametrize(("kind", "places"), [("error", [2]), ("empty", [3, 4]), ("refusal", [4])])
def test_only_these_are_asked_again_as_they_were(tmp_path: Path, kind: str, places: list[int]) -> None:
    run, calls = run_of_all_kinds(tmp_path)
    retry = Retry(run, run.endpoints(), [kind])
    assert list(retry.calls()) == [calls[i] for i in places]
    assert retry.again == {calls[i].key for i in places}
    assert [call for stream in retry.by_llm().values() for call in stream] == [calls[i] for i in places]


def test_a_secret_in_a_setting_is_sent_again_as_the_file_of_llms_has_it(tmp_path: Path) -> None:
    """The journal has a mark in its place, which no server gets."""
    keep_secret("w4lrus-and-0tter")
    endpoint = llm("a", seed=3, extra={"metadata": {"key": "w4lrus-and-0tter"}})
    run = made_run(tmp_path / "run", sums(1), [endpoint], replicates=2)
    calls = list(Plan(run, (endpoint,)).calls())
    assert [call.payload["metadata"] for call in calls] == [{"key": "w4lrus-and-0tter"}] * 2
    with RunJournal(run.folder) as journal:
        for call in calls:
            journal.add(attempt_record(call, Attempt("empty"), number=1, final=True, cost_usd=0.0, at="now"))
    assert b"w4lrus" not in (run.folder / JOURNAL).read_bytes()
    retry = Retry(run, [endpoint], ["empty"])
    assert list(retry.calls()) == calls
    assert retry.again == {call.key for call in calls}
    longer = list(Retry(run, [endpoint], ["empty"], 4096).calls())
    assert [call.payload for call in longer] == [{**call.payload, "max_tokens": 4096} for call in calls]
    other = replace(endpoint, extra={"metadata": {"key": "another"}})
    with pytest.raises(InputError, match=r"a: a setting of an answer to ask again holds a secret, .* has other settings"):
        list(Retry(run, [other], ["empty"]).calls())


def test_cut_off_answers_get_more_tokens_and_a_key_of_their_own(tmp_path: Path) -> None:
    run, calls = run_of_all_kinds(tmp_path)
    retry = Retry(run, run.endpoints(), ["length"], 4096)
    (call,) = retry.calls()
    assert call.payload == {**calls[1].payload, "max_tokens": 4096}
    assert (call.slot, call.replicate) == (calls[1].slot, 0)
    assert call.key != calls[1].key
    assert retry.again == set()


def test_a_retry_that_failed_can_be_made_again(tmp_path: Path) -> None:
    """The failure is not the answer of the slot, which stays the one that was cut off."""
    run, _ = run_of_all_kinds(tmp_path)
    (call,) = Retry(run, run.endpoints(), ["length"], 4096).calls()
    write(run, answer(call, status="error", response=None, finish_reason=None, error="busy"))
    retry = Retry(run, run.endpoints(), ["length"], 4096)
    assert list(retry.calls()) == [call]
    assert retry.again == {call.key}


def test_several_kinds_at_once(tmp_path: Path) -> None:
    run, calls = run_of_all_kinds(tmp_path)
    assert [call.slot for call in asked(run, ["length", "error", "refusal"], 9999)] == [calls[i].slot for i in (1, 2, 4)]


def test_an_answer_that_came_since_is_left_alone(tmp_path: Path) -> None:
    run, calls = run_of_all_kinds(tmp_path)
    (longer,) = asked(run, ["length"], 4096)
    write(run, answer(longer, "whole"), answer(calls[2], number=2))
    assert asked(run, ["length", "error"], 4096) == []


def test_an_answer_that_is_still_cut_off_needs_more_tokens(tmp_path: Path) -> None:
    run, calls = run_of_all_kinds(tmp_path)
    (longer,) = asked(run, ["length"], 4096)
    write(run, answer(longer, "still", finish_reason="length"))
    retry = Retry(run, run.endpoints(), ["length"], 4096)
    assert list(retry.calls()) == []
    assert len(retry.enough) == 1
    (longest,) = asked(run, ["length"], 8192)
    assert longest.payload == {**calls[1].payload, "max_tokens": 8192}


def test_what_is_asked_again_has_the_settings_of_the_newest_answer(tmp_path: Path) -> None:
    run, _ = run_of_all_kinds(tmp_path)
    (longer,) = asked(run, ["length"], 4096)
    write(run, answer(longer, "", status="empty"))
    assert longer in asked(run, ["empty"])


def test_the_field_that_a_server_wants_for_the_maximum(tmp_path: Path) -> None:
    run = made_run(tmp_path, sums(1), [llm("a", max_tokens_field="max_completion_tokens")])
    (call,) = planned(run)
    write(run, answer(call, finish_reason="length"))
    (longer,) = asked(run, ["length"], 4096)
    assert {name: longer.payload[name] for name in longer.payload if "max" in name} == {"max_completion_tokens": 4096}


@pytest.mark.parametrize("settings", [{"modes": {"think": {"model": "reasoner"}}}, {"extra": {"model": "reasoner"}}])
@pytest.mark.parametrize("kind", ["length", "error"])
def test_the_model_that_was_asked_is_asked_again(tmp_path: Path, settings: dict[str, Any], kind: str) -> None:
    """A mode or `extra` may name another model than the LLM's."""
    run = made_run(tmp_path, sums(1, ("direct", "think")), [llm("a", model="base-chat", **settings)], ("think",))
    (call,) = planned(run)
    assert call.payload["model"] == "reasoner"
    failed = {"status": "error", "response": None, "finish_reason": None, "error": "busy"}
    write(run, answer(call, **(failed if kind == "error" else {"finish_reason": "length"})))
    (again,) = asked(run, [kind], 4096)
    assert again.payload == {**call.payload, "max_tokens": 4096}
    if kind == "error":
        assert asked(run, [kind]) == [call]


def test_the_field_in_which_a_mode_has_its_maximum(tmp_path: Path) -> None:
    modes = {"think": {"max_tokens": None, "max_completion_tokens": 900}}
    run = made_run(tmp_path, sums(1, ("direct", "think")), [llm("a", modes=modes)], ("think",))
    (call,) = planned(run)
    write(run, answer(call, finish_reason="length"))
    (longer,) = asked(run, ["length"], 4096)
    assert longer.payload == {**call.payload, "max_completion_tokens": 4096}


def test_replicates_keep_their_seeds(tmp_path: Path) -> None:
    run = made_run(tmp_path, sums(1), [llm("a", seed=10)], replicates=2)
    first, second = planned(run)
    write(run, answer(first), answer(second, finish_reason="length"))
    (call,) = asked(run, ["length"], 4096)
    assert (call.payload["seed"], call.replicate, call.slot[3]) == (11, 1, "1")


def test_only_the_llms_that_are_named(tmp_path: Path) -> None:
    run = made_run(tmp_path, sums(1), [llm("a"), llm("b")])
    for call in planned(run):
        write(run, answer(call, status="error", response=None, error="busy"))
    assert [call.llm for call in Retry(run, [llm("b")], ["error"]).calls()] == ["b"]


def test_what_cannot_be_retried(tmp_path: Path) -> None:
    run, _ = run_of_all_kinds(tmp_path)
    with pytest.raises(UnknownNameError, match=r'No kind of answer to retry "lenght".*Did you mean "length"'):
        asked(run, ["lenght"])
    with pytest.raises(InputError, match=r"--retry length: .* Remedy: set --max-tokens"):
        asked(run, ["length"])
    (tmp_path / JOURNAL).unlink()
    with pytest.raises(InputError, match="nothing was asked yet"):
        asked(run, ["error"])


@pytest.mark.parametrize(
    ("record", "kinds"),
    [
        ({"status": "ok", "finish_reason": "stop"}, set()),
        ({"status": "ok", "finish_reason": "max_tokens"}, {"length"}),
        ({"status": "empty", "finish_reason": "length"}, {"length", "empty"}),
        ({"status": "ok", "finish_reason": "refusal"}, {"refusal"}),
        ({"status": "error", "finish_reason": "length"}, {"error"}),
        ({"status": "ok"}, set()),
    ],
)
def test_kinds(record: dict[str, str], kinds: set[str]) -> None:
    assert kinds_of(record) == kinds
