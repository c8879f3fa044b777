"""The reading of a run's journal: which line is the answer of a slot, in files that are cut, repeated, damaged, or growing."""

from __future__ import annotations

import json
from pathlib import Path

from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.lines import line_of
from llmfusionbench.builders.collecting.records import use_record
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.builders.reading.run_journal import RunAnswers
from tests.helpers.run_folder import answer, llm, made_run, planned, sums, write


def two_calls(folder: Path) -> tuple[Run, Call, Call]:
    run = made_run(folder / "run", sums(2), [llm("a")])
    first, second = planned(run)
    return run, first, second


def texts(run: Run) -> dict[str, str]:
    """query_id -> the text of its answer, or its error."""
    found = RunAnswers(run.folder / JOURNAL)
    return {query: r["response"] or r["error"] for query in found.queries() for _, _, r in found.of(query)}


def test_an_answer_has_its_place_and_line(tmp_path: Path) -> None:
    run, first, second = two_calls(tmp_path)
    write(run, answer(first, "2"), answer(second, "4"))
    found = RunAnswers(run.folder / JOURNAL)
    ((line, place, record),) = found.of(second.slot[0])
    assert (line, place, record["response"]) == (3, ("a", "direct", 0), "4")
    assert (len(found), found.size, found.damaged) == (2, (run.folder / JOURNAL).stat().st_size, 0)
    assert list(found.of(second.slot[0], "b")) == []


def test_the_newest_answer_counts_and_a_failure_never_replaces_one(tmp_path: Path) -> None:
    run, first, second = two_calls(tmp_path)
    longer = Call(first.slot, "a", "f" * 32, dict(first.payload) | {"max_tokens": 4096})
    write(run, answer(first, "cut"), answer(longer, "whole"), answer(second, "4"))
    again = answer(second, "", number=2, status="error", response=None, error="busy")
    write(run, again)
    assert texts(run) == {first.slot[0]: "whole", second.slot[0]: "4"}


def test_an_answer_replaces_a_failure(tmp_path: Path) -> None:
    run, first, second = two_calls(tmp_path)
    write(run, answer(first, status="error", response=None, error="busy"), answer(first, "2", number=2))
    write(run, answer(second, status="error", response=None, error="first"))
    write(run, answer(second, number=2, status="error", response=None, error="second"))
    assert texts(run) == {first.slot[0]: "2", second.slot[0]: "second"}


def test_attempts_that_are_not_final_are_no_outcome(tmp_path: Path) -> None:
    run, first, _ = two_calls(tmp_path)
    write(run, answer(first, status="error", response=None, error="429", final=False))
    assert texts(run) == {}
    write(run, answer(first, "2", number=2))
    assert texts(run) == {first.slot[0]: "2"}


def test_a_further_use_of_an_answer_before_and_after_it(tmp_path: Path) -> None:
    run, first, _ = two_calls(tmp_path)
    write(run, iter([line_of(use_record(first.key, ("q1", "a", "direct", "0")))]), answer(first, "2"))
    write(run, iter([line_of(use_record(first.key, ("q2", "a", "direct", "0")))]))
    assert texts(run) == {first.slot[0]: "2", "q1": "2", "q2": "2"}
    write(run, answer(first, "3", number=2))
    assert set(texts(run).values()) == {"3"}


def test_a_repeated_line_does_not_bring_back_an_old_answer(tmp_path: Path) -> None:
    run, first, _ = two_calls(tmp_path)
    old = list(answer(first, "old"))
    write(run, iter(old), answer(first, "new", number=2), iter(old))
    assert texts(run) == {first.slot[0]: "new"}


def test_a_cut_last_line_is_not_read_until_it_is_whole(tmp_path: Path) -> None:
    run, first, second = two_calls(tmp_path)
    write(run, answer(first, "2"))
    size = (run.folder / JOURNAL).stat().st_size
    sent, done = answer(second, "4")
    write(run, iter([sent, done[:-9]]))
    found = RunAnswers(run.folder / JOURNAL)
    assert (found.size, found.damaged, found.queries()) == (size + len(sent), 0, {first.slot[0]})
    write(run, iter([done[-9:]]))
    assert texts(run) == {first.slot[0]: "2", second.slot[0]: "4"}


def test_damaged_lines_are_counted(tmp_path: Path) -> None:
    run, first, _ = two_calls(tmp_path)
    garbage = [
        b"{\n",
        b"[1]\n",
        b'{"kind": 3}\n',
        b"\xff\xfe\n",
        b'{"kind":"attempt","final":true}\n',
        b"[" * 99_999 + b"\n",
        b"\n",
    ]
    write(run, iter(garbage), answer(first, "2"))
    found = RunAnswers(run.folder / JOURNAL)
    assert found.damaged == 6
    assert found.queries() == {first.slot[0]}


def test_an_answer_that_is_longer_than_the_records_of_logs_is_read(tmp_path: Path) -> None:
    run, first, _ = two_calls(tmp_path)
    text = "four " * (4 * 2**20)
    write(run, answer(first, text))
    found = RunAnswers(run.folder / JOURNAL)
    assert (found.damaged, texts(run)) == (0, {first.slot[0]: text})


def test_slots_of_other_kinds_are_left_alone(tmp_path: Path) -> None:
    run, first, _ = two_calls(tmp_path)
    for slot in ((), ("q",), ("q", "a", "direct", "x"), ("q", "a", "direct", "-1"), ("q", "a", "direct", "0", "more")):
        write(run, answer(Call(slot, "a", first.key[:-1] + str(len(slot)), first.payload)))
    found = RunAnswers(run.folder / JOURNAL)
    assert len(found) == 0
    assert found.others >= 3


def test_the_order_of_the_keys_of_a_line_does_not_matter(tmp_path: Path) -> None:
    run, first, _ = two_calls(tmp_path)
    _, done = answer(first, "2")
    turned = dict(reversed(json.loads(done).items()))
    write(run, iter([json.dumps(turned, indent=None).encode() + b"\n"]))
    assert texts(run) == {first.slot[0]: "2"}
