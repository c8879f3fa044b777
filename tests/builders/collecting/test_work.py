"""A run at work: what is counted as left, pilots, and forecasts by what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from llmfusionbench.builders.collecting import collect
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.collect import Watched
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.lines import line_of
from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.records import changed_record
from llmfusionbench.builders.collecting.retry import Retry
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.collecting.run_forecast import forecast_of, made_in, pilot_of
from llmfusionbench.builders.reading.run_files import JOURNAL
from tests.helpers.run_folder import answer, llm, made_run, planned, sums, write


def half_done(folder: Path) -> tuple[Run, list[Call], Plan]:
    """A run of eight calls to two LLMs, of which three have an outcome."""
    run = made_run(folder / "run", sums(4), [llm("a"), llm("b")])
    calls = planned(run)
    write(run, answer(calls[0], input_tokens=7, output_tokens=3, cost=0.5, latency_s=2.0))
    write(run, answer(calls[1], status="error", response=None, error="no", final=False, cost=0.25))
    write(run, answer(calls[1], number=2, input_tokens=9, output_tokens=1, cost=0.5, latency_s=1.0))
    write(run, answer(calls[2], status="error", response=None, error="no"))
    return run, calls, Plan(run, tuple(run.endpoints()))


def taken(streams: Iterable[Iterable[Call]]) -> list[Call]:
    return [call for stream in streams for call in stream]


def test_the_board_expects_what_has_no_outcome(tmp_path: Path) -> None:
    run, calls, plan = half_done(tmp_path)
    board = Board(["a", "b"])
    with RunJournal(run.folder) as journal:
        watched = Watched(plan, journal, board, set())
        streams = watched.by_llm()
        assert {llm: tally.expected for llm, tally in board.tallies.items()} == {"a": 4, "b": 4}
        assert len(taken(streams.values())) == len(calls)
        assert {llm: tally.expected for llm, tally in board.tallies.items()} == {"a": 2, "b": 3}
        assert watched.counted() == (5, False)


def test_what_was_not_taken_is_counted_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _, plan = half_done(tmp_path)
    with RunJournal(run.folder) as journal:
        watched = Watched(plan, journal, Board(), set())
        watched.by_llm()
        assert watched.counted() == (5, False)
        monkeypatch.setattr(collect, "_COUNTED", 4)
        watched = Watched(plan, journal, Board(), set())
        watched.by_llm()
        left, more = watched.counted()
        assert more
        assert left <= 5


def test_what_is_asked_again_is_counted(tmp_path: Path) -> None:
    run, _, _ = half_done(tmp_path)
    retry = Retry(run, run.endpoints(), ["error"])
    board = Board(["a", "b"])
    with RunJournal(run.folder) as journal:
        watched = Watched(retry, journal, board, retry.again)
        assert len(taken(watched.by_llm().values())) == 1
        assert watched.counted() == (1, False)
        assert {llm: tally.expected for llm, tally in board.tallies.items()} == {"a": 1, "b": 0}


def test_equal_requests_are_one_call(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", [*sums(1), *sums(1, task="other")], [llm("a")])
    with RunJournal(run.folder) as journal:
        watched = Watched(Plan(run, tuple(run.endpoints())), journal, Board(), set())
        assert len({call.key for call in taken(watched.by_llm().values())}) == 1
        assert watched.counted() == (1, False)


def test_a_pilot_takes_calls_without_an_outcome(tmp_path: Path) -> None:
    run, calls, plan = half_done(tmp_path)
    with RunJournal(run.folder) as journal:
        sample = pilot_of(plan, journal, 2)
    assert sample.counts() == {"a": 2, "b": 2}
    assert {call.key for call in sample.calls()} <= {call.key for call in calls[3:]}
    assert taken(sample.by_llm().values()) == sorted(sample.calls(), key=lambda call: call.llm)


def test_what_calls_took_with_all_their_attempts(tmp_path: Path) -> None:
    run, calls, _ = half_done(tmp_path)
    made = made_in(run.folder)
    found = {one.key: (one.llm, one.group, one.input_tokens, one.cost_usd, one.latency_s) for one in made.measured}
    assert found == {calls[0].key: ("a", "direct", 7, 0.5, 2.0), calls[1].key: ("b", "direct", 9, 0.75, 1.0)}
    assert made.failed == {calls[2].key: None}
    assert (made_in(tmp_path).measured, made_in(tmp_path).failed) == ([], {})


def test_a_forecast_of_asking_again_does_not_count_the_old_answers(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(2), [llm("a")])
    for call in planned(run):
        write(run, answer(call, "", status="empty", input_tokens=5, output_tokens=0, cost=0.5))
    retry = Retry(run, run.endpoints(), ["empty"])
    (row,) = forecast_of(retry, run.folder).llms
    assert (row.requests, row.measured) == (2, 0)


class Endless:
    """Calls without an end."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.endpoints = plan, plan.endpoints

    def calls(self) -> Iterator[Call]:
        number = 0
        while True:
            yield Call((str(number),), "a", f"{number:032x}", {})
            number += 1

    def by_llm(self) -> dict[str, Iterable[Call]]:
        return {"a": self.calls()}

    def counts(self) -> None:
        return None


def test_counting_ends_even_where_calls_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "_COUNTED", 10)
    run, _, plan = half_done(tmp_path)
    with RunJournal(run.folder) as journal:
        watched = Watched(Endless(plan), journal, Board(), set())
        watched.calls()
        assert watched.counted() == (10, True)


def test_lines_that_are_there_twice_cost_once(tmp_path: Path) -> None:
    run, calls, _ = half_done(tmp_path)
    made, path = made_in(run.folder), run.folder / JOURNAL
    path.write_bytes(path.read_bytes() * 2)
    assert made_in(run.folder) == made
    write(run, iter([line_of(changed_record("a"))]), answer(calls[2], status="error", response=None, error="no"))
    assert made_in(run.folder).failed == {}
