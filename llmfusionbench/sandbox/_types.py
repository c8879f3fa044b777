"""What goes into the sandbox and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmfusionbench.errors import InputError

Status = Literal["passed", "failed", "error", "timeout", "ended", "output", "unsupported"]


@dataclass(frozen=True, kw_only=True)
class CodeTask:
    """One program and its tests."""

    code: str
    """The program. Trusted with nothing; runs in a process of its own."""
    tests: str | tuple[str, ...]
    """Python statements, by the data set's authors: asserts, or the definition of a `check(candidate)`."""
    entry_point: str | None = None
    """The function asked for. It is what `check` receives, and the one name a program may set whatever it is called."""
    setup: str = ""
    """Trusted code that runs beside the tests, before them: MBPP's `test_setup_code`, HumanEval's prompt.

    What it defines is used by the tests in place of the program's own definition (a HumanEval prompt's helper functions).
    A name that tests use and neither they, the setup nor Python define is the program's (MBPP's `Pair`), so give the setup
    whatever an expected value is computed with.
    """

    def statements(self) -> list[str]:
        """The tests as a list; raises InputError where there are none, since no test at all would always pass."""
        tests = [self.tests] if isinstance(self.tests, str) else list(self.tests)
        if not any(test.strip() for test in tests):
            raise InputError("tests is empty, so every program would pass. Remedy: give at least one assert statement")
        return tests


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a program passed, decided outside of the program's reach."""

    passed: bool
    reason: str
    """Empty for a pass, else one line: which test, and what it met."""
    seconds: float
    """Wall clock, from the program's start to the verdict."""
    output_tail: str
    """The last 2,000 bytes of what the program printed."""
    status: Status
    """`failed` an assertion; `error` an exception; `timeout`; `ended` by itself or by a limit; `output` over 16 MiB;
    `unsupported` tests that cannot be run here, which says nothing about the program."""
