"""The engine: what is asked how often, what is recorded, and what stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting import dealing
from llmfusionbench.builders.collecting.calls import Attempt, Call, Limits
from llmfusionbench.builders.collecting.endpoint import Price
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.pace import Pace
from llmfusionbench.builders.collecting.records import sent_record
from llmfusionbench.builders.collecting.result import Result
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.run_calls import answer, call, calls, endpoint, failure
from tests.helpers.scripted import Trial

REFUSAL = failure(passing=False, refused=True, http_status=401, error="status 401")


def always(attempt: Attempt) -> Any:
    return lambda *_: attempt


def test_every_call_is_asked_once_and_recorded(tmp_path: Path) -> None:
    trial = Trial(tmp_path, lambda prompt, _: answer(f"{prompt}: yes", served_model="m", latency_s=0.5))
    assert trial.run(calls(50)) == Result(answered=50)
    assert sorted(trial.caller.prompts) == sorted(f"question {place}" for place in range(50))
    first = next(record for record in trial.records() if record["slot"][0] == "q0")
    assert first["response"] == "question 0: yes"
    assert (first["attempt"], first["final"], first["cost_usd"]) == (1, True, pytest.approx(6e-6))
    assert (first["requested_model"], first["served_model"], first["latency_s"]) == ("m", "m", 0.5)
    assert (trial.board.begun, trial.board.ended, trial.board.settled) == (50, 50, 50)
    assert trial.caller.closed == 1
    assert not trial.said


def test_a_line_stands_before_each_request(tmp_path: Path) -> None:
    seen: list[int] = []
    trial = Trial(tmp_path, lambda *_: (seen.append(len(trial.records("sent"))), answer())[1], endpoint(concurrency=1))
    trial.run(calls(3))
    assert seen == [1, 2, 3]
    assert all(record["worst_usd"] > 0 for record in trial.records("sent"))


def test_tokens_are_counted_from_when_a_limit_of_them_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before that, a call enters without a number: with one that is not its own, later calls would be reserved many times."""
    entered: list[int | None] = []
    enter = Pace.enter

    async def noted(pace: Pace, tokens: int | None) -> None:
        entered.append(tokens)
        await enter(pace, tokens)

    monkeypatch.setattr(Pace, "enter", noted)
    stated = answer(limits=Limits(tokens_per_minute=6e6))
    trial = Trial(tmp_path, always(stated), endpoint(concurrency=1))
    assert trial.run(calls(3)) == Result(answered=3)
    assert entered[0] is None
    assert all(tokens is not None and tokens > 10 for tokens in entered[1:])


def test_a_second_run_asks_nothing(tmp_path: Path) -> None:
    trial = Trial(tmp_path, lambda prompt, _: answer(None) if prompt == "question 1" else answer())
    trial.run(calls(3))
    assert trial.run(calls(5)) == Result(answered=2, reused=3)
    assert len(trial.caller.asked) == 5
    assert len(trial.records()) == 5
    assert not trial.records("use")


def test_failures_that_may_pass_are_tried_again(tmp_path: Path) -> None:
    trial = Trial(tmp_path, lambda _, tries: answer() if tries == 3 else failure(), endpoint(retries=5))
    assert trial.run(calls(1)) == Result(answered=1)
    assert [(each["attempt"], each["final"], each["status"]) for each in trial.records()] == [
        (1, False, "error"), (2, False, "error"), (3, True, "ok"),
    ]  # fmt: skip
    assert trial.random.longest == [0.5, 1.0]


def test_pauses_grow_up_to_a_bound(tmp_path: Path) -> None:
    trial = Trial(tmp_path, always(failure()), endpoint(retries=9))
    assert trial.run(calls(1)) == Result(failed=1)
    assert trial.random.longest == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert [each["final"] for each in trial.records()] == [False] * 9 + [True]


@pytest.mark.parametrize("retries", [0, 3])
def test_a_failure_for_good_is_not_tried_again(tmp_path: Path, retries: int) -> None:
    trial = Trial(tmp_path, always(failure(passing=False, http_status=400)), endpoint(retries=retries))
    assert trial.run(calls(2)) == Result(failed=2)
    assert trial.run(calls(2)) == Result(failed_before=2)
    assert len(trial.caller.asked) == 2


def test_calls_are_asked_again_on_request(tmp_path: Path) -> None:
    trial = Trial(tmp_path, lambda _, tries: answer("long") if tries > 1 else answer("short", finish_reason="length"))
    trial.run(calls(3))
    assert trial.run(calls(3), again={call(1).key}) == Result(answered=1, reused=2)
    assert [(each["slot"][0], each["attempt"]) for each in trial.records()][-1] == ("q1", 2)
    assert trial.run(calls(3)) == Result(reused=3)


def test_what_is_asked_again_is_asked_once(tmp_path: Path) -> None:
    twins = [call(0), *(call(place, same_as=0) for place in range(1, 400))]
    trial = Trial(tmp_path, always(answer()))
    trial.run(twins)
    assert trial.run(twins, again={call(0).key}) == Result(answered=1, reused=399)
    assert len(trial.caller.asked) == 2


def test_equal_requests_are_paid_for_once(tmp_path: Path) -> None:
    twins = [call(0), call(1, same_as=0), call(2, same_as=0), call(3)]
    trial = Trial(tmp_path, always(answer()))
    assert trial.run(twins) == Result(answered=2, reused=2)
    assert trial.run([*twins, call(4, same_as=0)]) == Result(reused=5)
    assert sorted(trial.caller.prompts) == ["question 0", "question 3"]
    assert [each["slot"][0] for each in trial.records("use")] == ["q1", "q2", "q4"]
    assert {each["key"] for each in trial.records("use")} == {call(0).key}


def test_replicates_are_different_requests(tmp_path: Path) -> None:
    trial = Trial(tmp_path, always(answer()))
    assert trial.run([call(0), call(1, same_as=0, replicate=1)]).answered == 2


def test_twins_of_a_failed_request_fail_with_it(tmp_path: Path) -> None:
    trial = Trial(tmp_path, always(failure(passing=False)))
    assert trial.run([call(0), call(1, same_as=0)]) == Result(failed=1, failed_before=1)
    assert trial.run([call(0), call(1, same_as=0)]) == Result(failed_before=2)


def test_an_llm_that_hangs_does_not_hold_up_the_others(tmp_path: Path) -> None:
    slow, fast = endpoint("slow", concurrency=1), endpoint("fast")
    answered: list[str] = []

    async def script(prompt: str) -> Attempt:
        while prompt.startswith("slow") and len(answered) < 60:
            await asyncio.sleep(0)
        answered.append(prompt)
        return answer()

    def both() -> Iterator[Call]:
        for place in range(60):
            for llm in ("slow", "fast"):
                yield replace(
                    call(place, llm), payload={"model": llm, "messages": [{"role": "user", "content": f"{llm} {place}"}]}
                )

    trial = Trial(tmp_path, lambda prompt, _: script(prompt), slow, fast)
    assert trial.run(both()).answered == 120
    assert sum(prompt.startswith("fast") for prompt in answered[:60]) == 60


def test_calls_are_taken_as_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "LOOK_AHEAD", 100)
    taken = 0
    ahead: list[int] = []

    def many() -> Iterator[Call]:
        nonlocal taken
        for taken in range(1, 3001):
            yield call(taken)

    trial = Trial(tmp_path, lambda *_: (ahead.append(taken - len(trial.caller.asked)), answer())[1])
    assert trial.run(many()).answered == 3000
    assert max(ahead) <= 100 + 64


def test_calls_may_come_apart_for_each_llm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "LOOK_AHEAD", 1)
    trial = Trial(tmp_path, always(answer()), endpoint("a"), endpoint("b"), endpoint("idle"))
    assert trial.run({"a": calls(200, "a"), "b": calls(300, "b")}) == Result(answered=500)


def test_concurrency_is_kept(tmp_path: Path) -> None:
    trial = Trial(tmp_path, always(answer()), endpoint(concurrency=5))
    trial.run(calls(100))
    assert trial.caller.most == 5


def test_a_refusal_stops_one_llm_with_one_line(tmp_path: Path) -> None:
    wrong, right = endpoint("wrong"), endpoint("right")
    both = [each for place in range(30) for each in (call(place, "wrong"), call(place + 100, "right"))]
    trial = Trial(tmp_path, lambda prompt, _: answer() if int(prompt.split()[1]) >= 100 else REFUSAL, wrong, right)
    result = trial.run(both)
    assert (result.answered, result.not_started, result.stopped) == (30, 30, None)
    assert list(result.closed) == ["wrong"]
    assert trial.said == [f"wrong: {REFUSAL.error}. It gets no more calls; the others go on"]
    assert sum(llm == "wrong" for llm, _ in trial.caller.asked) <= 8
    assert not any(record["final"] for record in trial.records() if record["llm"] == "wrong")
    trial.caller.script = always(answer())
    assert trial.run(both) == Result(answered=30, reused=30)


def test_a_cap_stops_before_it_is_exceeded(tmp_path: Path) -> None:
    dear, free = endpoint("dear"), endpoint("free", prices=(Price(input_price=0, output_price=0),))
    both = [each for place in range(200) for each in (call(place, "dear"), call(place, "free"))]
    trial = Trial(tmp_path, always(answer()), dear, free, cap=0.001)
    result = trial.run(both)
    asked = sum(llm == "dear" for llm, _ in trial.caller.asked)
    assert (result.answered, result.not_started) == (200 + asked, 200 - asked)
    assert 0 < asked * 6e-6 <= 0.001
    assert trial.said == ["dear: its next call does not fit into --max-cost, so it gets no more calls"]
    again = trial.run(both)
    assert sum(llm == "dear" for llm, _ in trial.caller.asked) * 6e-6 <= 0.001
    assert again.reused == result.answered


def test_what_was_in_flight_at_a_kill_counts_as_spent(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        journal.add(sent_record(call(0), number=1, worst_usd=0.0019))
    trial = Trial(tmp_path, always(answer()), cap=0.002)
    result = trial.run(calls(3))
    assert (result.in_flight_lost, result.answered, result.not_started) == (1, 0, 3)


def test_a_lost_attempt_is_made_again_with_the_next_number(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        journal.add(sent_record(call(0), number=1, worst_usd=0.5))
    trial = Trial(tmp_path, always(answer()))
    assert trial.run(calls(1)) == Result(answered=1, in_flight_lost=1)
    assert trial.records()[0]["attempt"] == 2
    assert trial.run(calls(1)) == Result(reused=1, in_flight_lost=1)


def test_a_call_in_a_batch_is_left_to_it(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        journal.add(sent_record(call(0), number=1, worst_usd=0.5, batch="b"))
    trial = Trial(tmp_path, always(answer()))
    assert trial.run(calls(2)) == Result(answered=1, in_batches=1)
    assert trial.caller.prompts == ["question 1"]


@pytest.mark.parametrize(
    ("served", "drifts"), [("m", False), ("owner/M", False), (None, False), ("m-2024-08-06", False), ("n", True)]
)
def test_another_model_is_named_once(tmp_path: Path, served: str | None, drifts: bool) -> None:
    trial = Trial(tmp_path, always(answer(served_model=served)))
    result = trial.run(calls(20))
    assert result.answered == 20
    assert trial.said == (["Warning: m: 'n' answers, though 'm' was requested"] if drifts else [])
    assert result.drift == ({"m": ["n"]} if drifts else {})


def test_a_run_halts_when_another_model_answers(tmp_path: Path) -> None:
    trial = Trial(tmp_path, lambda prompt, _: answer(served_model="n" if prompt == "question 9" else "m"), halt_on_drift=True)
    result = trial.run(calls(1000))
    assert result.stopped == "m: 'n' answered in place of 'm'"
    assert result.answered == len(trial.caller.asked) == len(trial.records()) < 100


def test_azure_names_its_deployments(tmp_path: Path) -> None:
    trial = Trial(tmp_path, always(answer(served_model="gpt-4o-2024-08-06")), endpoint(api="azure"))
    assert not trial.run(calls(2)).drift


def test_a_fault_in_the_program_lets_the_others_end(tmp_path: Path) -> None:
    async def script(prompt: str) -> Attempt:
        if prompt == "question 3":
            raise ZeroDivisionError("a bug")
        for _ in range(5):
            await asyncio.sleep(0)
        return answer()

    trial = Trial(tmp_path, lambda prompt, _: script(prompt))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        trial.run(calls(100))
    assert len(trial.records()) == len(trial.caller.asked) - 1
    assert trial.caller.closed == 1


def test_a_call_to_an_unknown_llm(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match='No LLM "x"'):
        Trial(tmp_path, always(answer())).run([call(0), call(1, "x")])


def test_a_fault_in_the_calls_reaches_the_caller(tmp_path: Path) -> None:
    def broken() -> Iterator[Call]:
        yield from calls(100)
        raise InputError("queries.jsonl: line 5 is damaged")

    trial = Trial(tmp_path, always(answer()))
    with pytest.raises(InputError, match="line 5"):
        trial.run(broken())
    assert len(trial.records()) == len(trial.caller.asked)


def test_a_clock_that_jumps_changes_only_labels(tmp_path: Path) -> None:
    moments = iter(range(0, -(10**6), -1))

    def backwards() -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=next(moments))

    trial = Trial(tmp_path, always(answer()), today=backwards, clock=lambda: float(next(moments)))
    assert trial.run(calls(20)).answered == 20
    labels = [record["at"] for record in trial.records()]
    assert labels == sorted(labels, reverse=True)
    assert trial.run(calls(20)).reused == 20


def test_a_run_that_is_cancelled_from_outside(tmp_path: Path) -> None:
    async def cancelled(journal: RunJournal) -> None:
        task = asyncio.create_task(trial.engine(journal).run(calls(100)))
        while not trial.caller.asked:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    trial = Trial(tmp_path, lambda *_: asyncio.Event().wait())
    with RunJournal(tmp_path) as journal:
        asyncio.run(cancelled(journal))
    assert trial.caller.under_way == 0
    with RunJournal(tmp_path) as journal:
        assert journal.in_flight_lost == len(trial.caller.asked)


def test_a_run_in_another_thread(tmp_path: Path) -> None:
    trial = Trial(tmp_path, always(answer()))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(trial.run, calls(5)).result() == Result(answered=5)
