"""A run whose calls are made by several workers, processes of this machine or of a cluster, within the limits of one.

Each worker has a part of the calls, by their keys, a part of the limits and of the cap, and a journal of its own in the run.
The process that has the run copies the lines of these journals to that of the run while they come, so that a release, a status
and the progress are those of all. What a killed run has left of them is taken in by its next start.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

from llmfusionbench.builders.collecting.batch_places import places_of
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.collect import Outcome, Settings, collect, today
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.parts import workers_of
from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.records import Record
from llmfusionbench.builders.collecting.result import Result
from llmfusionbench.builders.collecting.retry import Retry
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.collecting.worker import AT_ONCE, STOP, Again, Made, Unit, ask
from llmfusionbench.builders.reading.run_files import JOURNAL, QUERIES, RUN, SENT
from llmfusionbench.builders.reading.run_journal import RunAnswers, places_of_run
from llmfusionbench.engines import Engine, Local
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import whole_file

_GLANCE_S: Final = 0.5
_MICRO: Final = 1e-6
_INTERRUPTED: Final = "interrupted"
_FIELDS: Final = frozenset(one.name for one in fields(Attempt))


def check_workers(run: Run, journal: RunJournal) -> None:
    """Refuse what several workers cannot do.

    Raises:
        InputError: batches are under way, or a URL or a setting of an LLM holds a secret, which no file keeps.
    """
    if journal.state.in_batches():
        raise InputError(
            f"{run.folder}: batches are under way, whose results one process takes. "
            "Remedy: go on without --workers and --engine"
        )
    hidden = [entry["name"] for entry in run.record["llms"] if not entry["whole_url"]]
    if hidden:
        raise InputError(
            f"{run.folder / RUN}: a URL or a setting of {', '.join(hidden)} holds a secret, which is not kept, and workers "
            "read the LLMs there. Remedy: put the secret into the variable of the key, or go on without --workers and --engine"
        )


def collect_in_parts(work: Plan | Retry, journal: RunJournal, settings: Settings, *, engine: Engine, workers: int) -> Outcome:
    """`collect`, by workers. The last of the cap is spent by this process alone, since a part may be too small for a call.

    Args:
        work: The calls.
        journal: The journal of the run, entered.
        settings: How they are made; online.
        engine: What runs the workers.
        workers: Their number. An LLM that may have fewer calls at a time is asked by fewer of them.

    Raises:
        InputError: as `collect`, or as `check_workers`.
        EngineError: a worker was lost, or does not see the run.
    """
    check_workers(work.run, journal)
    of = workers_of(work.endpoints, workers)
    count = max(of.values(), default=1)
    spent, names = journal.spent_usd, list(of)
    Budget(settings.max_cost, work.endpoints, today=today, spent=spent)
    share = None if settings.max_cost is None else (settings.max_cost - spent) / count - _MICRO  # for rounding
    if (isinstance(engine, Local) and count == 1) or (share is not None and share <= 0):
        return collect(work, journal, settings, again=getattr(work, "again", None))
    again = Again(tuple(work.kinds), work.max_tokens) if isinstance(work, Retry) else None
    folder = work.run.folder.absolute()
    units = [Unit(folder, place, of, share, again, settings.halt_on_drift) for place in range(count)]
    board = Board(names, max_cost=settings.max_cost, spent=spent, say=settings.say)
    for llm, expected in _expected(work).items():
        board.expect(llm, expected)
    with board:
        made = _made(units, engine, journal, board, settings.say)
    if (error := next((one.error for one in made if one.error is not None), None)) is not None:
        raise error
    result, asked = _sum(made), sum(one.asked for one in made)
    result.in_flight_lost = journal.in_flight_lost
    if result.is_spent and result.stopped is None and isinstance(work, Plan):
        board.leave()
        last = collect(work, journal, settings, board=board)
        if not last.full:  # else they are counted already
            last.result.answered += result.answered
            last.result.failed += result.failed
        return replace(last, asked=last.asked + result.answered + result.failed)
    left = max(0, asked - result.answered - result.failed)
    more, full = any(one.more for one in made), any(one.full for one in made)
    return Outcome(result, asked, left, more, board.summary(), board.failures(), places_of(journal, ()), full)


def _expected(work: Plan | Retry) -> dict[str, int]:
    """LLM -> the calls of a plan that have no outcome yet; nothing for calls whose number is not known."""
    counts = work.counts()
    if counts is None:
        return {}
    run = work.run
    known, places = [query_id for query_id, _ in run.queries()], places_of_run(run.record)
    answers = RunAnswers(run.folder / JOURNAL)
    done = {llm: answers.outcomes(known, {place for place in places if place.llm == llm}) for llm in counts}
    return {llm: count - done[llm] for llm, count in counts.items()}


def _made(units: Sequence[Unit], engine: Engine, journal: RunJournal, board: Board, say: Callable[[str], None]) -> list[Made]:
    """Have the workers make their calls, and take what comes into the journal of the run."""
    place = units[0].folder.parent
    place.mkdir(exist_ok=True)
    _withdraw(place)
    made: list[Made] = []
    said: dict[str, None] = {}
    with _taken_in(units, journal, board, place), _interrupts(place, say):
        for _, one in engine.run(ask, units, sees=[units[0].run / RUN, units[0].run / QUERIES]):
            made.append(one)
            for line in one.said:
                if line not in said:
                    say(line)
                said[line] = None
            if (stopped := one.result.stopped) is not None or one.error is not None:
                stop(place, stopped or "an error")
    return made


@contextmanager
def _taken_in(units: Sequence[Unit], journal: RunJournal, board: Board, place: Path) -> Iterator[None]:
    """Within the block, the lines that workers write come to the journal and to the board.

    Afterwards their folders are removed. After an error they stay for the next start, which takes in what was not taken.
    """
    read = dict.fromkeys((unit.folder for unit in units), 0)
    ended = threading.Event()
    fault: list[BaseException] = []

    def follow() -> None:
        try:
            is_last = False
            while not is_last:
                is_last = ended.wait(_GLANCE_S)
                for folder in [folder for folder in read if (folder / JOURNAL).exists()]:
                    for end, record in journal.take_from(folder / JOURNAL, read[folder]):
                        read[folder] = end
                        if record is not None:
                            _show(board, record)
        except BaseException as error:  # the thread of the command raises it
            fault.append(error)
            stop(place, journal.fault or "an error")

    thread = threading.Thread(target=follow, name="workers")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    for error in fault:
        raise error
    for folder, start in read.items():
        if (folder / JOURNAL).exists():
            journal.take_in(folder, start)
    _withdraw(place)
    with suppress(OSError):  # it has other files
        place.rmdir()


def _show(board: Board, record: Record) -> None:
    """Show what a line states."""
    if record["kind"] == SENT:
        board.started(record["llm"])
    elif "status" in record:
        attempt = Attempt(**{name: value for name, value in record.items() if name in _FIELDS})
        again = record["attempt"] > 1
        board.finished(record["llm"], attempt, record["cost_usd"], record["final"], again=again)


def stop(place: Path, reason: str, *, at_once: bool = False) -> None:
    """Have the workers start no more calls; `at_once`: cut off those in flight."""
    with whole_file(place / STOP) as file:
        file.write_text(reason, encoding="utf-8")
    if at_once:
        (place / AT_ONCE).touch()


def _withdraw(place: Path) -> None:
    """Take back what `stop` has written, or an earlier run."""
    for name in (STOP, AT_ONCE):
        (place / name).unlink(missing_ok=True)


@contextmanager
def _interrupts(place: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Within the block, Ctrl-C and SIGTERM have the workers end after the calls in flight, and a second one at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def handle(number: int, frame: FrameType | None) -> Any:
        nonlocal count
        count += 1
        stop(place, _INTERRUPTED, at_once=count > 1)
        if count == 1:
            say("Stopping: the calls in flight will be recorded. Press Ctrl-C again to cut them off.")
        elif count == 2:
            say("Stopped at once: the calls in flight were cut off.")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _sum(made: Sequence[Made]) -> Result:
    """The results of all workers as one."""
    result = Result(complete=all(one.result.complete for one in made))
    for one in (each.result for each in made):
        for name in ("answered", "failed", "reused", "failed_before", "not_started", "cut_off", "in_batches"):
            setattr(result, name, getattr(result, name) + getattr(one, name))
        result.stopped = result.stopped or one.stopped
        result.closed |= one.closed
        for llm, served in one.drift.items():
            result.drift[llm] = list(dict.fromkeys([*result.drift.get(llm, ()), *served]))
    return result
