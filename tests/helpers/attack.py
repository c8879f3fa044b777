"""A hostile program in a sandbox, with tests that only the right answers pass."""

from __future__ import annotations

import textwrap

from llmfusionbench.sandbox import CodeTask, Sandbox, Verdict

GOOD = "def f(x):\n    return f'secret-{x * 7}'\n"
TESTS = ("assert f(1) == 'secret-7'", "assert f(2) == 'secret-14'")


def attack(pool: Sandbox, code: str, *, tests: tuple[str, ...] = TESTS, setup: str = "") -> Verdict:
    return pool.run_one(CodeTask(code=textwrap.dedent(code), tests=tests, setup=setup))
