"""What one program, or a busy machine, does to the verdict on another program: nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from llmfusionbench.sandbox import CodeTask, Sandbox, Verdict, _allowance, _pool, _users
from llmfusionbench.sandbox._allowance import Allowance, Kept
from llmfusionbench.sandbox._worker import Worker
from llmfusionbench.scoring import CodeProgram, code_score
from tests.helpers.descendants import descendants
from tests.helpers.waiting import wait_for

SAY = """
import ctypes, threading, time
def say(word): ctypes.CDLL(None).prctl(15, word, 0, 0, 0)
"""
"""A program can be seen from outside by the name that it gives itself."""
BOMB = """
threading.stack_size(65536)
held = threading.Event()
def f():
    try:
        while True: threading.Thread(target=held.wait).start()
    except RuntimeError: say(b'full')
    held.wait()
"""
THREADED = """
threading.stack_size(65536)
def f():
    held, done = threading.Event(), []
    def work():
        held.wait()
        done.append(1)
    threads = [threading.Thread(target=work) for _ in range(100)]
    for thread in threads: thread.start()
    held.set()
    for thread in threads: thread.join()
    return len(done)
"""


def named(word: str) -> list[int]:
    found = []
    for pid in descendants(os.getpid()):
        try:
            if Path(f"/proc/{pid}/comm").read_text().strip() == word:
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@contextmanager
def started(worker: Worker, code: str, word: str) -> Iterator[tuple[Future[Verdict], int]]:
    """A program that runs, and its process, from when it has given itself the name `word`."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(worker.run, CodeTask(code=SAY + code, tests="assert f() == 100"))
        try:
            wait_for(lambda: named(word) or running.done())
            yield running, named(word)[0]
        finally:
            worker._process.kill()


def test_a_neighbour_at_its_limit_of_threads_takes_none_from_others(kind: str) -> None:
    neighbour, worker = (Worker(kind, timeout_s=1e3, memory_mb=2048) for _ in range(2))
    try:
        with started(neighbour, BOMB, "full") as (running, pid):
            assert 200 < len(os.listdir(f"/proc/{pid}/task")) <= 256
            verdict = worker.run(CodeTask(code=SAY + THREADED, tests="assert f() == 100"))
            assert not running.done()
        assert verdict.passed, verdict
    finally:
        worker.close()
        neighbour.close()


def test_a_program_has_no_descriptors_but_its_own(kind: str) -> None:
    """No input, its output twice, and the socket to its checker; nothing of the sandbox, of a neighbour or of the caller."""
    code = """
import os
def f():
    found = []
    for number in range(4096):
        try: found.append((number, os.fstat(number).st_mode >> 12))
        except OSError: pass
    return found
"""
    character, pipe, sock = 2, 1, 12
    with Sandbox(sandbox=kind, workers=2) as pool, Path(__file__).open() as file:
        os.set_inheritable(file.fileno(), True)
        expected = [(0, character), (1, pipe), (2, pipe), (3, sock)]
        verdicts = list(pool.run([CodeTask(code=code, tests=f"assert f() == {expected}, f()")] * 4))
    assert all(verdict.passed for verdict in verdicts), verdicts


def test_every_program_has_a_user_of_its_own() -> None:
    drawn = {_users.own_user() for _ in range(100)}
    assert len(drawn) == 100
    assert not {0, 65_534} & drawn


def test_a_container_with_few_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for mapped, ids in (("0 100000 65536\n", range(61_184, 65_520)), ("0 1000 1\n", range(65_534, 65_535))):
        with monkeypatch.context() as patched:
            patched.setattr(_users.Path, "read_text", lambda *_, text=mapped, **__: text)
            assert _users.own_user() in ids


def test_a_program_that_is_stopped_from_outside_gets_no_verdict(kind: str) -> None:
    """As one on a machine that gives it no time at all."""
    worker = Worker(kind, timeout_s=0.5, memory_mb=512, patience=8)
    try:
        with started(worker, "def f():\n    say(b'begun')\n    while True: pass", "begun") as (running, pid):
            os.kill(pid, signal.SIGSTOP)
            verdict = running.result()
    finally:
        worker.close()
    assert verdict.status == "undecided"
    assert "on a busy machine" in verdict.reason
    program = CodeProgram("", (), None, "")
    assert code_score(program, verdict).value is None
    assert code_score(program, verdict).reason.startswith("not scored: no verdict within")


WAITS = {
    "asleep": "    time.sleep(1e6)",
    "deadlock": "    lock = threading.Lock()\n    lock.acquire()\n    lock.acquire()",
    "input": "    import os\n    os.read(os.pipe()[0], 1)",
    "a timer": "    while True: time.sleep(0.01)",
    "stops itself": "    import os, signal\n    os.kill(os.getpid(), signal.SIGSTOP)\n    time.sleep(1e6)",
    "waits for a thread": "    t = threading.Thread(target=time.sleep, args=(1e6,))\n    t.start()\n    t.join()",
}


@pytest.mark.parametrize("code", WAITS.values(), ids=WAITS)
def test_a_program_that_waits_by_its_own_choice_scores_0(kind: str, code: str) -> None:
    with Sandbox(sandbox=kind, workers=1, timeout_s=0.3, patience=4) as pool:
        verdict = pool.run_one(CodeTask(code=f"{SAY}def f():\n{code}", tests="assert f() == 1"))
    assert verdict.status in ("timeout", "error"), verdict
    assert code_score(CodeProgram("", (), None, ""), verdict).value == 0


def test_a_program_without_a_verdict_is_run_again(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    none = Verdict(passed=False, reason="busy", seconds=1.0, output_tail="", status="undecided")
    good = Verdict(passed=True, reason="", seconds=1.0, output_tail="", status="passed")
    task = CodeTask(code="", tests="assert 1")
    for given, expected in (([none, good], good), ([none, none], none), ([good], good)):
        left = list(given)
        with monkeypatch.context() as patched, Sandbox(sandbox=kind, workers=1) as pool:
            patched.setattr(_pool.Worker, "run", lambda *_, left=left: left.pop(0))
            assert pool.run_one(task) == expected
        assert left == []


def looks(used: float, waited: float, now: bool) -> tuple[str, bool]:
    """Why the time of a program was over, and whether because of the machine, at these shares of the time on the clock."""
    clock = 0.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_allowance.time, "monotonic", lambda: clock)
        allowance = Allowance(2.0, 20.0, lambda: used * clock, lambda: Kept(waited * clock, now))
        why = ""
        while not why:
            clock = allowance.look
            why = allowance.over()
    return why, allowance.starved


def test_what_is_the_programs_fault_and_what_is_the_machines() -> None:
    late = "no verdict within 2 s"
    assert looks(1.0, 0.0, False) == (late, False)
    assert looks(0.0, 0.0, False) == (late, False), "asleep"
    assert looks(0.2, 0.8, False) == (late, False), "it got all its time, late"
    by_choice = "no verdict within 40 s, in most of which it waited by its own choice"
    assert looks(0.02, 0.0, False) == (by_choice, False)
    assert looks(0.02, 0.5, False) == (by_choice, False), "it wakes up again and again, and waits each time"
    busy = "no verdict within 40 s on a busy machine, which gave it {} s of processor time"
    assert looks(0.0, 0.0, True) == (busy.format("0.0"), True), "it never ran at all"
    assert looks(0.02, 0.98, False) == (busy.format("0.8"), True)
    assert looks(0.03, 50.0, False) == (busy.format("1.2"), True), "many threads wait at a time"
