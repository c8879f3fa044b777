"""The journal of a run: what a resume knows, and which damage it survives."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from threading import Event

import pytest

from llmfusionbench.builders.collecting import append_file
from llmfusionbench.builders.collecting import journal as journal_module
from llmfusionbench.builders.collecting.journal import RESERVE, RunJournal
from llmfusionbench.builders.collecting.journal_state import Facts, Lost, journal_records
from llmfusionbench.builders.collecting.lines import line_of
from llmfusionbench.builders.collecting.lost import lost_lines
from llmfusionbench.builders.collecting.records import Record, sent_record, use_record
from llmfusionbench.builders.reading.run_files import JOURNAL, LOCK, WORKERS
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import keep_secret
from tests.helpers.run_calls import answer, call, calls, done, failure, repeats, sent


def write(folder: Path, *records: Record) -> Path:
    """A run's journal with these records."""
    with RunJournal(folder) as journal:
        for record in records:
            journal.add(record)
    return folder / JOURNAL


def test_a_resume_knows_what_was_done(tmp_path: Path) -> None:
    first, second, third, fourth = calls(4)
    write(
        tmp_path,
        sent(first), done(first),
        sent(second), done(second, failure(), final=False, cost=None), sent(second, 2), done(second, failure(), 2),
        sent(third), done(third, failure(), final=False),
        sent(fourth, worst=2.0),
    )  # fmt: skip
    with RunJournal(tmp_path) as journal:
        assert journal.answered == {first.key: Facts("ok", "stop", 1)}
        assert journal.failed == {second.key: Facts("error", None, 2)}
        assert journal.lost == [Lost(fourth.key, 1, 2.0)]
        assert journal.in_flight_lost == 1
        assert journal.spent_usd == pytest.approx(0.25 * 3 + 2.0)
        assert [journal.next_number(each.key) for each in (first, second, third, fourth)] == [2, 3, 2, 2]
        assert journal.has_slot(first.key, first.slot)
        assert not journal.has_slot(first.key, second.slot)
        assert journal.state.damaged == repeats(tmp_path / JOURNAL) == 0


def test_probabilities_that_make_a_line_too_long_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line above the limit counts as damaged, and its answer, which was paid for, as not asked."""
    monkeypatch.setattr(journal_module, "LINE_BYTES", 5000)
    asked = call(1)
    path = write(tmp_path, done(asked, answer("long" * 500, logprobs=[{"token": "a", "logprob": 1e15}] * 100)))
    (record,) = [record for _, record in journal_records(path)]
    assert record is not None
    assert (record["response"], record["logprobs"]) == ("long" * 500, None)
    assert path.stat().st_size <= 5000


def test_what_is_added_counts_at_once(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        asked = call(1)
        journal.add(sent(asked))
        assert journal.next_number(asked.key) == 2
        assert journal.in_flight_lost == 0
        journal.add(done(asked, answer(None, finish_reason="length")))
        assert journal.answered == {asked.key: Facts("empty", "length", 1)}
        assert journal.spent_usd == 0.25


def test_lost_attempts_that_later_ones_made_up_for(tmp_path: Path) -> None:
    first, second = calls(2)
    write(tmp_path, sent(first), sent(second), sent(first, 2), done(first, number=2), sent(first, 3))
    with RunJournal(tmp_path) as journal:
        assert [(lost.key, lost.attempt) for lost in journal.lost] == [(first.key, 1), (first.key, 3), (second.key, 1)]
        assert [(lost.key, lost.attempt) for lost in journal.lost_without_answer] == [(first.key, 3), (second.key, 1)]


def test_a_lost_attempt_is_reported_once_and_counts_once(tmp_path: Path) -> None:
    first, second, third = calls(3)
    write(tmp_path, *(sent(each, worst=2.0) for each in (first, second, third)))
    with RunJournal(tmp_path) as journal:
        assert "at most 2 attempts were in flight" in next(lost_lines(journal, {first.key, second.key}))
        assert not journal.state.is_reported(journal.lost[0])
        assert len([*lost_lines(journal, {first.key, second.key})]) == 1
        assert [*lost_lines(journal, {first.key, second.key})] == []
    with RunJournal(tmp_path) as journal:
        assert journal.state.damaged == 0
        assert [lost.key for lost in journal.unreported] == [third.key]
        assert "at most 1 attempt was in flight when an earlier run ended" in next(lost_lines(journal))
        journal.add(sent(first, 2, worst=2.0))
        assert journal.spent_usd == 6.0
    with RunJournal(tmp_path) as journal:
        assert [(lost.key, lost.attempt) for lost in journal.unreported] == [(first.key, 2), (third.key, 1)]
        assert len(journal.lost_without_answer) == 4
        assert journal.spent_usd == 8.0
    with open(tmp_path / JOURNAL, "ab") as file:
        file.write(line_of({"kind": "lost", "key": third.key, "attempt": "1"}))
    with RunJournal(tmp_path) as journal:
        assert journal.state.damaged == 1


def test_a_later_answer_replaces_a_failure_and_no_failure_replaces_an_answer(tmp_path: Path) -> None:
    one, two = calls(2)
    write(tmp_path, done(one, failure()), done(one, number=2), done(two), done(two, failure(), 2))
    with RunJournal(tmp_path) as journal:
        assert journal.answered == {one.key: Facts("ok", "stop", 2), two.key: Facts("ok", "stop", 2)}
        assert not journal.failed
        assert journal.next_number(two.key) == 3


def test_further_slots_of_a_request(tmp_path: Path) -> None:
    first, other = call(1), call(2, same_as=1)
    assert first.key == other.key
    write(tmp_path, done(first), use_record(first.key, other.slot))
    with RunJournal(tmp_path) as journal:
        assert journal.has_slot(first.key, other.slot)


def test_a_request_in_a_batch_is_not_lost(tmp_path: Path) -> None:
    first, second = calls(2)
    travelling = [sent_record(each, number=1, worst_usd=0.5, batch="b1") for each in (first, second)]
    write(tmp_path, *travelling, {"kind": "batch", "batch": "b1", "llm": "m", "state": "sent"}, done(first))
    with RunJournal(tmp_path) as journal:
        assert journal.in_flight_lost == 0
        assert journal.spent_usd == 0.25
        assert journal.state.in_batches() == {second.key: ("b1", 1, 0.5)}
        assert journal.state.batches == {"b1": {"kind": "batch", "batch": "b1", "llm": "m", "state": "sent"}}


def test_a_late_result_of_a_batch_counts_beside_a_later_answer(tmp_path: Path) -> None:
    asked = call(1)
    write(tmp_path, sent_record(asked, number=1, worst_usd=0.5, batch="b"), sent(asked, 2), done(asked, number=2), done(asked))
    with RunJournal(tmp_path) as journal:
        assert journal.spent_usd == 0.5
        assert journal.next_number(asked.key) == 3


def test_a_cut_last_line_costs_only_itself(tmp_path: Path) -> None:
    first, second = calls(2)
    path = write(tmp_path, done(first), done(second))
    whole = path.read_bytes()
    start = whole.index(b"\n") + 1
    for end in (*range(start, start + 60), *range(len(whole) - 30, len(whole) - 1)):
        path.write_bytes(whole[:end])
        assert [record and record["key"] for _, record in journal_records(path)] == [first.key]
        with RunJournal(tmp_path) as journal:
            assert journal.answered.keys() == {first.key}
            assert journal.state.damaged == 0
            journal.add(done(second))
        assert path.read_bytes() == whole


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    path = write(tmp_path, *(done(each) for each in calls(2)))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with RunJournal(tmp_path) as journal:
        assert len(journal.answered) == 2
    assert path.read_bytes() == whole


def test_zeros_at_the_end_are_cut(tmp_path: Path) -> None:
    path = write(tmp_path, done(call(1)))
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(5000))
    with RunJournal(tmp_path) as journal:
        assert len(journal.answered) == 1
    assert path.read_bytes() == whole


def test_repeated_lines_count_once(tmp_path: Path) -> None:
    first, second = calls(2)
    lines = [sent(first), done(first), sent(second), done(second, failure(), final=False), use_record(first.key, ("q9", "m"))]
    path = write(tmp_path, *lines)
    path.write_bytes(b"".join(line_of(record) * 2 for record in lines) + path.read_bytes())
    with RunJournal(tmp_path) as journal:
        assert repeats(path) == 10
        assert journal.spent_usd == 0.5
        assert journal.in_flight_lost == 0
        assert journal.answered.keys() == {first.key}


def test_a_damaged_line_is_reported_with_its_number(tmp_path: Path) -> None:
    made = [line_of(done(each)) for each in calls(5)]
    made[1] = b"\xff garbage \x00\n"
    made[3] = made[3][:90] + made[2]  # a write that was cut, and another one behind it
    (tmp_path / JOURNAL).write_bytes(b"".join(made))
    with RunJournal(tmp_path) as journal:
        assert (journal.state.damaged, journal.state.damaged_lines) == (2, [2, 4])
        assert journal.answered.keys() == {call(place).key for place in (0, 2, 4)}
    assert [number for number, record in journal_records(tmp_path / JOURNAL) if record is None] == [2, 4]


def test_a_clock_that_jumps_changes_no_order(tmp_path: Path) -> None:
    asked = call(1)
    early = done(asked, answer("second"), 2) | {"at": "1970-01-01T00:00:00+00:00"}
    path = write(tmp_path, done(asked, answer("first", finish_reason="length")), early)
    assert [record and record["response"] for _, record in journal_records(path)] == ["first", "second"]
    with RunJournal(tmp_path) as journal:
        assert journal.answered[asked.key] == Facts("ok", "stop", 2)


def test_a_second_writer_learns_who_is_first(tmp_path: Path) -> None:
    with RunJournal(tmp_path), pytest.raises(InputError, match=rf"process {os.getpid()} is writing to this run\. Remedy"):
        RunJournal(tmp_path).__enter__()
    with RunJournal(tmp_path) as journal:
        assert journal.lost == []


@pytest.mark.parametrize("left", [b"999999999\n", b"1\n", b"", b"\xff\n"])
def test_the_lock_of_a_dead_process_is_no_obstacle(tmp_path: Path, left: bytes) -> None:
    (tmp_path / LOCK).write_bytes(left)
    with RunJournal(tmp_path):
        assert (tmp_path / LOCK).read_bytes() == b"%d\n" % os.getpid()


def test_lines_reach_the_system_at_once_and_the_disk_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = os.fsync
    monkeypatch.setattr(append_file, "GROUP_S", 3600.0)
    with RunJournal(tmp_path) as journal:
        monkeypatch.setattr(os, "fsync", lambda file: (sizes.append(os.fstat(file).st_size), real(file)))
        journal.add(done(call(1)))
        seen = (tmp_path / JOURNAL).stat().st_size
        journal.add(done(call(2)))
        asyncio.run(journal.synced())
        assert len(sizes) == 1
        assert sizes[0] > seen > 0
        asyncio.run(journal.synced())
        assert len(sizes) == 1


def test_a_full_group_reaches_the_disk_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = Event()
    monkeypatch.setattr(append_file, "GROUP_S", 3600.0)
    monkeypatch.setattr(append_file, "GROUP_LINES", 8)
    with RunJournal(tmp_path) as journal:
        monkeypatch.setattr(os, "fsync", lambda _: reached.set())
        for each in calls(8):
            journal.add(sent(each))
        assert reached.wait(300)


def test_an_error_of_the_disk_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    journal = RunJournal(tmp_path).__enter__()
    monkeypatch.setattr(os, "fsync", broken)
    journal.add(sent(call(1)))
    remedy = r"journal\.jsonl: Input/output error\. All answers .* Remedy"
    with pytest.raises(InputError, match=remedy):
        journal.sync()
    with pytest.raises(InputError, match=remedy):
        journal.add(sent(call(2)))
    with pytest.raises(InputError, match=remedy):
        journal.__exit__(None, None, None)
    assert "Input/output error" in str(journal.trouble)


def test_no_line_follows_one_that_was_cut_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes a part of a line, and does not take it back: a further line behind it would be damaged with it."""
    asked, write_whole, parts = list(calls(3)), os.write, [40]

    def cut(file: int, data: bytes) -> int:
        if parts:
            return write_whole(file, data[: parts.pop()])
        raise OSError(errno.EIO, "Input/output error")

    def refused(_: int, __: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    journal = RunJournal(tmp_path).__enter__()
    journal.add(done(asked[0]))
    with monkeypatch.context() as disk:
        disk.setattr(os, "ftruncate", refused)
        disk.setattr(os, "write", cut)
        with pytest.raises(InputError, match="Input/output error"):
            journal.add(done(asked[1]))
    with pytest.raises(InputError, match="Input/output error"):
        journal.add(done(asked[2]))
    with pytest.raises(InputError, match="Input/output error"):
        journal.__exit__(None, None, None)
    with RunJournal(tmp_path) as again:
        assert (again.answered.keys(), again.state.damaged) == ({asked[0].key}, 0)


def test_nothing_is_left_but_the_journal_and_its_lock(tmp_path: Path) -> None:
    with RunJournal(tmp_path):
        assert (tmp_path / RESERVE).stat().st_size == 4 * 2**20
    assert sorted(path.name for path in tmp_path.iterdir()) == [JOURNAL, LOCK]


def test_secrets_stay_out(tmp_path: Path) -> None:
    keep_secret("sk-swordfish-77")
    path = write(tmp_path, done(call(1, user="sk-swordfish-77"), answer("your key is sk-swordfish-77")))
    assert b"swordfish" not in path.read_bytes()
    assert path.read_bytes().count(b"[secret]") == 2


def left_by_a_worker(folder: Path, *lines: bytes) -> None:
    """A folder of a worker of an earlier run, with this journal."""
    place = folder / WORKERS / "0000"
    place.mkdir(parents=True)
    (place / JOURNAL).write_bytes(b"".join(lines))


def test_what_workers_of_a_killed_run_left_is_taken_in(tmp_path: Path) -> None:
    first, second, third = (call(place) for place in range(3))
    with RunJournal(tmp_path) as journal:
        journal.add(sent(first))
        journal.add(done(first))
    known = (tmp_path / JOURNAL).read_bytes()
    cut = line_of(sent(third))
    left_by_a_worker(tmp_path, known, line_of(sent(second)), line_of(done(second)), b"no record\n", cut[:-9])
    with RunJournal(tmp_path) as journal:
        assert journal.answered.keys() == {first.key, second.key}
        assert journal.lost == []
    assert repeats(tmp_path / JOURNAL) == 0
    assert (tmp_path / JOURNAL).read_bytes() == known + line_of(sent(second)) + line_of(done(second)) + b"no record\n"
    assert not (tmp_path / WORKERS).exists()


def test_a_worker_that_was_killed_may_have_had_calls_in_flight(tmp_path: Path) -> None:
    left_by_a_worker(tmp_path, line_of(sent(call(0), worst=0.5)))
    with RunJournal(tmp_path) as journal:
        assert [(lost.key, lost.worst_usd) for lost in journal.lost] == [(call(0).key, 0.5)]
        assert journal.spent_usd == 0.5
        assert journal.next_number(call(0).key) == 2


def test_a_worker_that_still_writes_is_waited_for(tmp_path: Path) -> None:
    left_by_a_worker(tmp_path, line_of(sent(call(0))))
    with (
        RunJournal(tmp_path / WORKERS / "0000"),
        pytest.raises(InputError, match="is writing to this run"),
        RunJournal(tmp_path),
    ):
        pass
    assert (tmp_path / WORKERS / "0000" / JOURNAL).exists()
    with RunJournal(tmp_path) as journal:
        assert journal.in_flight_lost == 1


def test_a_worker_knows_what_the_run_knows(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        journal.add(sent(call(0)))
        journal.add(done(call(0), failure(), final=False))
    (tmp_path / "worker").mkdir()
    with RunJournal(tmp_path / "worker", after=tmp_path / JOURNAL) as own:
        assert own.next_number(call(0).key) == 2
