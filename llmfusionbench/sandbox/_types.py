"""The input and the output of the sandbox: a task and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmfusionbench.errors import InputError

Status = Literal["passed", "failed", "error", "timeout", "ended", "output", "unsupported", "undecided"]


@dataclass(frozen=True, kw_only=True)
class CodeTask:
    """One program and its tests."""

    code: str
    """The program, which is not trusted; runs in its own process."""
    tests: str | tuple[str, ...]
    """Python statements by the authors of the data set: asserts, or the definition of a `check(candidate)`."""
    entry_point: str | None = None
    """The function asked for, which `check` receives; the program may define it even under the name of a builtin."""
    setup: str = ""
    """Trusted code that runs before the tests, in their process: MBPP's `test_setup_code`, HumanEval's prompt.

    Its definitions take precedence over the program's (helper functions of a HumanEval prompt). Names that neither the
    tests, the setup nor Python define come from the program (MBPP's `Pair`), so everything that expected values are computed
    with belongs here.
    """

    def statements(self) -> list[str]:
        """The tests as a list. Raises InputError if there are none, which every program would pass."""
        tests = [self.tests] if isinstance(self.tests, str) else list(self.tests)
        if not any(test.strip() for test in tests):
            raise InputError("tests is empty, so every program would pass. Remedy: give at least one assert statement")
        return tests


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a program passed, decided where the program cannot interfere."""

    passed: bool
    reason: str
    """Empty for a pass, else one line: which test failed, and how."""
    seconds: float
    """Time on the clock from the program's start to the verdict."""
    output_tail: str
    """The last 2,000 bytes of what the program printed."""
    status: Status
    """`failed` an assertion; `error` an exception; `timeout`; `ended` by itself or by a limit; `output` over 16 MiB;
    `unsupported` tests, which cannot be run here, and `undecided`, if the machine was too busy or the sandbox was lost: no
    verdict on the program."""
