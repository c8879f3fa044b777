"""The reading of a run's journal: which line is the answer of a slot, in files that are cut, repeated, damaged, or growing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.journal_state import JournalState
from llmfusionbench.builders.collecting.lines import line_of, record_of
from llmfusionbench.builders.collecting.records import changed_record, use_record
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
    assert (len(found.queries()), found.size, found.damaged) == (2, (run.folder / JOURNAL).stat().st_size, 0)
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
    assert (found.queries(), found.damaged) == (set(), 0)


def test_the_order_of_the_keys_of_a_line_does_not_matter(tmp_path: Path) -> None:
    run, first, _ = two_calls(tmp_path)
    _, done = answer(first, "2")
    turned = dict(reversed(json.loads(done).items()))
    write(run, iter([json.dumps(turned, indent=None).encode() + b"\n"]))
    assert texts(run) == {first.slot[0]: "2"}


@pytest.mark.parametrize("change", [(b"is 42", b"is 43"), (b'"crc":"', b'"crc":"f'), (b'"status":"ok"', b'"status":"empty"')])
def test_a_line_whose_bytes_were_changed_is_damaged(change: tuple[bytes, bytes], tmp_path: Path) -> None:
    run, first, second = two_calls(tmp_path)
    sent, done = answer(first, "It is 42")
    changed = done.replace(*change)
    if change[0] == b'"crc":"':
        changed = changed[:-4] + changed[-3:]  # of the same length
    assert changed != done
    write(run, iter([sent, changed]), answer(second, "4"))
    found = RunAnswers(run.folder / JOURNAL)
    assert (found.damaged, texts(run)) == (1, {second.slot[0]: "4"})
    with pytest.raises(ValueError, match="its bytes were changed"):
        record_of(changed)


def test_an_answer_behind_a_cut_line_of_a_start_is_damaged(tmp_path: Path) -> None:
    run, first, second = two_calls(tmp_path)
    sent, done = answer(first, "2")
    write(run, iter([sent[:40] + done]), answer(second, "4"))
    found = RunAnswers(run.folder / JOURNAL)
    assert (found.damaged, found.queries()) == (1, {second.slot[0]})


def failed(call: Call, number: int = 1) -> Iterator[bytes]:
    return answer(call, number=number, status="error", response=None, error="busy")


def changed() -> Iterator[bytes]:
    return iter([line_of(changed_record("a"))])


def known(run: Run, call: Call) -> tuple[bool, bool, bool]:
    """Whether a build sees the failure of a slot, whether it sees that of its request, and whether a resume does."""
    found = RunAnswers(run.folder / JOURNAL)
    state = JournalState()
    state.read(run.folder / JOURNAL)
    return call.slot[0] in found.queries(), found.has_failed(call.key), call.key in state.failed


def test_a_failure_with_former_settings_is_forgotten(tmp_path: Path) -> None:
    run, first, second = two_calls(tmp_path)
    old = list(failed(first))
    write(run, iter(old), failed(second))
    assert known(run, first) == known(run, second) == (True, True, True)
    write(run, changed())
    assert known(run, first) == known(run, second) == (False, False, False)
    write(run, iter(old), iter([line_of(use_record(first.key, first.slot))]))  # lines that are there twice count once
    assert known(run, first) == (False, False, False)
    write(run, failed(first, 2))
    assert known(run, first) == (True, True, True)
    write(run, iter(old), answer(first, "2", number=3), iter(old))
    assert known(run, first) == (True, False, False)
    assert texts(run) == {first.slot[0]: "2"}


def test_a_late_answer_with_a_lower_number_replaces_a_failure(tmp_path: Path) -> None:
    run, first, _ = two_calls(tmp_path)
    sent, done = answer(first, "2", batch="b")
    write(run, iter([sent]), failed(first, 2), iter([done]))
    assert known(run, first) == (True, False, False)
    assert texts(run) == {first.slot[0]: "2"}
