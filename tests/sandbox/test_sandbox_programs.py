"""Programs with their tests: what is a pass, what is not, and that real solutions pass on every kind of sandbox."""

from __future__ import annotations

import gzip
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.sandbox import (
    KINDS,
    CodeTask,
    Sandbox,
    _allowance,
    _kinds,
    choose_kind,
    describe_sandbox,
    run_tests,
    sandbox_kinds,
)
from llmfusionbench.sandbox._allowance import Allowance
from llmfusionbench.sandbox.guest import seccomp

REAL_LOGS = Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", Path(__file__).parents[3] / "shared" / "data"))


def code_tasks(name: str) -> list[dict[str, Any]]:
    path = REAL_LOGS / "code_tasks" / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent: set LLMFUSIONBENCH_REAL_LOGS")
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def human_eval(body: str | None) -> list[CodeTask]:
    """Every HumanEval problem with its own solution, or with `body` in its place."""
    return [
        CodeTask(
            code=row["prompt"] + (row["canonical_solution"] if body is None else body),
            tests=row["test"],
            entry_point=row["entry_point"],
            setup=row["prompt"],
        )
        for row in code_tasks("HumanEval")
    ]


def mbpp(tests: str, code: str | None = None) -> list[CodeTask]:
    return [
        CodeTask(code=row["code"] if code is None else code, tests=tuple(row[tests]), setup=row["test_setup_code"])
        for row in code_tasks("mbpp")
        if row[tests]
    ]


def failures(pool: Sandbox, tasks: list[CodeTask]) -> list[tuple[str, str]]:
    verdicts = pool.run(tasks)
    return [(str(task.tests)[:60], v.reason) for task, v in zip(tasks, verdicts, strict=True) if not v.passed]


def test_every_human_eval_solution_passes(pool: Sandbox) -> None:
    tasks = human_eval(None)
    assert len(tasks) == 164
    assert failures(pool, tasks) == []


def test_every_mbpp_solution_passes() -> None:
    tasks, challenges = mbpp("test_list"), mbpp("challenge_test_list")
    assert (len(tasks), len(challenges)) == (974, 11)
    with Sandbox(workers=2, timeout_s=30) as pool:
        assert failures(pool, tasks + challenges) == []


def test_mbpp_solutions_pass_on_every_kind(kind: str) -> None:
    with Sandbox(sandbox=kind, workers=2, timeout_s=30) as pool:
        assert failures(pool, mbpp("test_list")[::9]) == []


@pytest.mark.parametrize("body", ["", "    return None\n", "    return 'wrong'\n", "    raise ValueError\n"])
def test_no_human_eval_stub_passes(pool: Sandbox, body: str) -> None:
    assert len(failures(pool, human_eval(body)[::4])) == 41


def test_no_empty_mbpp_program_passes(pool: Sandbox) -> None:
    assert len(failures(pool, mbpp("test_list", "")[::10])) == 98


@pytest.mark.parametrize("code", ["def f(x):\n    while True: pass\n"])
def test_one_that_does_not_end_fails(pool: Sandbox, code: str) -> None:
    tasks = [
        CodeTask(code=code.replace("f(x)", f"{t.entry_point}(*x)"), tests=t.tests, entry_point=t.entry_point)
        for t in human_eval("")[:2]
    ]
    assert len(failures(pool, tasks)) == 2


@pytest.mark.parametrize(
    ("code", "test"),
    [
        ("def f(xs): xs.sort()", "xs = [3, 1, 2]\nassert f(xs) is None\nassert xs == [1, 2, 3]"),
        ("def f(xs): return xs", "xs = [3]\nassert f(xs) is xs"),
        ("def f(d): d['k'].append(1); d['n'] = d['k']",
         "d = {'k': []}\nf(d)\nassert d == {'k': [1], 'n': [1]} and d['k'] is d['n']"),
        ("def f():\n    yield 1\n    yield 2", "assert list(f()) == [1, 2]\na, b = f()\nassert b == 2"),
        ("def f(x):\n    return lambda y: x + y", "assert f(1)(2) == 3"),
        ("def f(g, x): return g(x) + g(x)", "assert f(lambda v: v * 10, 2) == 40"),
        ("def f(t, x): return isinstance(x, t)", "assert f(int, 1) and not f(str, 1)"),
        ("def f(x): raise ValueError('bad ' + x)",
         "try:\n    f('x')\nexcept ValueError as e:\n    assert str(e) == 'bad x'\nelse:\n    assert False"),
        ("class E(KeyError): pass\ndef f(x): raise E(x)",
         "try:\n    f('x')\nexcept KeyError as e:\n    assert e.args == ('x',)\nelse:\n    assert False"),
        ("class Node:\n    def __init__(self, v): self.v, self.next = v, None\n"
         "def f(n): return n.v + (f(n.next) if n.next else 0)",
         "a, b = Node(1), Node(2)\na.next = b\nassert f(a) == 3 and a.next.v == 2"),
        ("from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\ndef f(): return P(3)", "assert f().x == 3"),
        ("def f(): return {1: 2}.keys(), {1: 2}.items()", "assert f() == ({1}, {(1, 2)})"),
        ("def f(x): return map(str, x)", "assert list(f([1])) == ['1'] and '2' in f([2])"),
        ("def sum(a, b): return a + b", "assert sum(1, 2) == 3"),
        ("import sys\ndef f(x): return sys.getsizeof(x)", "assert f((1, 2)) == sys.getsizeof((1, 2))"),
        ("f = lambda *a, **k: (a, k)", "assert f(1, k=2.0) == ((1,), {'k': 2.0})"),
        ("import asyncio\nasync def g(): return 5\ndef f(): return asyncio.run(g())", "assert f() == 5"),
        ("from concurrent.futures import ThreadPoolExecutor\n"
         "def f():\n    with ThreadPoolExecutor(2) as p: return list(p.map(abs, [-1]))", "assert f() == [1]"),
        ("if __name__ == '__main__': raise SystemExit\ndef f(): return 1", "assert f() == 1"),
        ("def f(): return 10**5000", "assert f() == 10**5000"),
    ],
)  # fmt: skip
def test_python_means_what_it_means(pool: Sandbox, code: str, test: str) -> None:
    verdict = pool.run_one(CodeTask(code=code, tests=test))
    assert verdict.passed, verdict


def test_a_verdict_says_which_test_and_what_was_printed(pool: Sandbox) -> None:
    code = "def f(x):\n    print('got', x)\n    return 2 if x < 2 else 1 / 0"
    verdict = pool.run_one(CodeTask(code=code, tests=("assert f(0) == 2", "assert f(1) == 3, 'three'", "assert False")))
    assert (verdict.passed, verdict.status) == (False, "failed")
    assert verdict.reason == "test 2 of 3: assertion failed: three"
    assert verdict.output_tail == "got 0\ngot 1\n"
    assert verdict.seconds > 0
    verdict = pool.run_one(CodeTask(code=code, tests="assert f(5) == 3"))
    assert (verdict.status, verdict.reason) == ("error", "test 1 of 1: ZeroDivisionError: division by zero")
    verdict = pool.run_one(CodeTask(code=code, tests="assert g(5) == 3", entry_point="g"))
    assert "does not define g" in verdict.reason


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("assert f(", "cannot be parsed"),
        ("class A: pass\nassert f(A()) == 1", "passes a A"),
        ("assert f(object()) == 1", "object"),
    ],
)
def test_tests_that_cannot_run_say_nothing_of_the_program(pool: Sandbox, test: str, why: str) -> None:
    verdict = pool.run_one(CodeTask(code="def f(x): return 1", tests=test))
    assert (verdict.passed, verdict.status) == (False, "unsupported")
    assert why in verdict.reason


def test_verdicts_come_in_order_and_tasks_are_taken_as_needed(pool: Sandbox) -> None:
    taken = 0

    def tasks() -> Any:
        nonlocal taken
        for number in range(200):
            taken += 1
            yield CodeTask(code=f"def f(): return {number}", tests=f"assert f() == {number} and {number} % 3")

    verdicts = pool.run(tasks())
    first = next(verdicts)
    assert taken < 30
    assert [v.passed for v in [first, *verdicts]] == [number % 3 != 0 for number in range(200)]


def test_runs_are_repeatable(pool: Sandbox) -> None:
    code = "import random\nprint(random.random(), list({'a', 'b', 'c', 'd'}), hash('x'))\ndef f(): return 1"
    verdicts = list(pool.run([CodeTask(code=code, tests="assert f()")] * 6))
    assert len({verdict.output_tail for verdict in verdicts}) == 1


def looks(shares: list[float], *, timeout_s: float = 2.0, patience: float = 20.0) -> tuple[str, float]:
    """Why a program's time was over, and when, if it had these shares of a processor, one after each look."""
    clock, used, turn = 0.0, 0.0, iter(shares)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_allowance.time, "monotonic", lambda: clock)
        allowance = Allowance(timeout_s, patience, lambda: used)
        why, share = "", 0.0
        while not why:
            share = next(turn, share)
            used += share * (allowance.look - clock)
            clock = allowance.look
            why = allowance.over()
    return why, clock


def test_the_time_of_a_program_is_processor_time() -> None:
    late = "no verdict within 2 s"
    assert looks([1.0]) == (late, 2.0)
    assert looks([0.0]) == (late, 2.0), "asleep from the beginning"
    assert looks([0.5, 0.0]) == (late, 4.0), "asleep after a second of work"
    assert looks([0.25]) == (late, pytest.approx(8.0, abs=0.3)), "a busy machine gives it a quarter of a processor"
    assert looks([0.03]) == ("no verdict within 40 s on a busy machine, which gave it 1.2 s of processor time", 40.0)
    assert looks([0.03], patience=1.0) == (
        "no verdict within 2 s on a busy machine, which gave it 0.1 s of processor time", 2.0,
    )  # fmt: skip


def test_a_busy_machine_fails_no_program() -> None:
    """Eight that spin on every processor, beside one program in each kind of sandbox; alone, it takes a fifth of its limit."""
    kinds = [kind for kind, obstacle in sandbox_kinds().items() if not obstacle]
    task = CodeTask(
        code="import time\ndef f():\n    while time.process_time() < 0.4: pass\n    return 1", tests="assert f() == 1"
    )
    spin = "import sys; print(flush=True); any(iter(int, 1))"
    with ExitStack() as stack:
        pools = [stack.enter_context(Sandbox(sandbox=kind, workers=1, timeout_s=2.0)) for kind in kinds]
        for _ in range(8 * (os.cpu_count() or 1)):
            spinner = stack.enter_context(subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE))
            stack.callback(spinner.kill)
            assert spinner.stdout is not None
            assert spinner.stdout.readline() == b"\n"
        with ThreadPoolExecutor(len(kinds)) as threads:
            verdicts = dict(zip(kinds, threads.map(lambda pool: pool.run_one(task), pools), strict=True))
    assert "process" in verdicts
    assert [kind for kind, verdict in verdicts.items() if not verdict.passed] == [], verdicts


def test_a_program_that_sleeps_is_not_waited_for(kind: str) -> None:
    task = CodeTask(code="import time\ndef f(x):\n    time.sleep(1e6)", tests="assert f(1) == 1")
    with Sandbox(sandbox=kind, workers=1, timeout_s=0.3, patience=1e4) as pool:
        assert pool.run_one(task).reason == "no verdict within 0.3 s"


def test_processor_time_is_limited_whatever_the_clock_says(kind: str) -> None:
    endless = CodeTask(code="while True: pass", tests="assert f(1) == 1")
    with Sandbox(sandbox=kind, workers=1, timeout_s=0.3, patience=1e4) as pool:
        verdict = pool.run_one(endless)
    assert (verdict.status, verdict.reason) == ("timeout", "no verdict within 0.3 s")


def test_mistakes_are_told() -> None:
    with pytest.raises(InputError, match="tests is empty"):
        run_tests("x = 1", "  ", sandbox="process")
    for wrong in ({"workers": 0}, {"timeout_s": 0}, {"memory_mb": 1}, {"patience": 0.5}):
        with pytest.raises(InputError, match=f"{next(iter(wrong))} is"):
            Sandbox(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match='Did you mean "process"'):
        choose_kind("proces")


def test_auto_never_falls_back_to_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kinds, "_obstacle", lambda kind: "" if kind == "process" else "not here")
    with pytest.raises(InputError, match=r"apt-get install bubblewrap.*--sandbox=process"):
        choose_kind()
    assert choose_kind("process") == "process"
    with pytest.raises(InputError, match="bubblewrap does not work here: not here"):
        choose_kind("bubblewrap")


def test_auto_takes_the_strongest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kinds, "_obstacle", lambda kind: "gone" if kind == "bubblewrap" else "")
    assert choose_kind() == "namespaces"
    assert "namespaces" in describe_sandbox()


def test_without_bubblewrap_the_kind_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kinds.shutil, "which", lambda name: None)
    assert _kinds._obstacle.__wrapped__("bubblewrap") == "bwrap is not installed"


def test_this_machine_has_a_strong_kind() -> None:
    kinds = sandbox_kinds()
    assert list(kinds) == list(KINDS)
    if kinds["bubblewrap"] and kinds["namespaces"]:
        pytest.skip(f"this machine can isolate nothing: {kinds}")
    assert choose_kind() in ("bubblewrap", "namespaces")
    assert "no network" in describe_sandbox()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_well_formed(machine: str) -> None:
    for writes in (True, False):
        code = seccomp.program(machine, 7, writes=writes)
        count = len(code) // 8
        assert len(code) % 8 == 0
        assert count <= 4096
        for place in range(count):  # no jump leaves the program
            operation, yes, no = (
                int.from_bytes(code[8 * place : 8 * place + 2], "little"),
                code[8 * place + 2],
                code[8 * place + 3],
            )
            if operation & 7 == 5:
                assert place + 1 + max(yes, no) < count
    assert seccomp.supported() == (platform.machine() in ("x86_64", "aarch64"))
