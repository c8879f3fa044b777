"""Code tasks: makes the program and its tests out of a response and a ground truth; a runner handed in executes them.

Without a runner nothing is executed and the value is missing. `llmfusionbench.sandbox.run_tests` is such a runner.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from llmfusionbench.errors import InputError
from llmfusionbench.scoring.answers.code import defines, extract_code, last_function, parses, prompt_code
from llmfusionbench.scoring.answers.marks import final_text
from llmfusionbench.scoring.answers.refusal import declines
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.outcome import Score, missing, right, wrong

NOT_ALLOWED = "code execution is not allowed"

_CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_NOT_ASKED_FOR = frozenset((*dir(builtins), "assert", "isclose", "not"))


class RunVerdict(Protocol):
    """What a runner tells."""

    @property
    def passed(self) -> bool: ...
    @property
    def reason(self) -> str: ...
    @property
    def status(self) -> str: ...


class CodeRunner(Protocol):
    """Executes a program against tests, somewhere safe."""

    def __call__(self, code: str, tests: tuple[str, ...], *, entry_point: str | None, setup: str) -> RunVerdict: ...


@dataclass(frozen=True, slots=True)
class CodeProgram:
    """One program with its tests, ready for a runner."""

    code: str
    tests: tuple[str, ...]
    entry_point: str | None
    setup: str


def code_eval(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """1 when the program passes every test. The context gives `runner` (a `CodeRunner`), and `prompt`, `entry_point`
    and `test_setup` where the task has them. None without a runner, and where the tests themselves cannot be run."""
    runner = context.get("runner")
    if runner is None:
        return missing(NOT_ALLOWED)
    if not callable(runner):
        raise InputError(f"runner is {runner!r}, expected a function such as llmfusionbench.sandbox.run_tests.")
    program = code_program(response, ground_truth, context)
    if isinstance(program, Score):
        return program
    if declines(final_text(response)) and not parses(program.code):
        return wrong(None, "refusal")
    verdict = cast(CodeRunner, runner)(program.code, program.tests, entry_point=program.entry_point, setup=program.setup)
    return code_score(program, verdict)


def code_score(program: CodeProgram, verdict: RunVerdict) -> Score:
    """The score of a verdict; missing when it says nothing about the program."""
    if verdict.passed:
        return right(program.code, "passes every test")
    if verdict.status == "unsupported":
        return missing(f"the tests cannot be run: {verdict.reason}")
    return wrong(program.code, verdict.reason or f"does not pass: {verdict.status}")


def code_program(response: str, ground_truth: str, context: Mapping[str, object]) -> CodeProgram | Score:
    """The program of a response with its tests; a missing Score when the ground truth holds no test."""
    if re.search(r"^def[ \t]+check\b", ground_truth, re.MULTILINE):
        return _human_eval(response, ground_truth, context)
    tests = accepted_answers(ground_truth)
    if not any("assert" in test for test in tests):
        return missing("the ground truth has no test")
    named = _text(context, "entry_point")
    wanted = (named,) if named else functions_tested(tests)
    return CodeProgram(extract_code(response, wanted), tests, named or None, _text(context, "test_setup"))


def _human_eval(response: str, ground_truth: str, context: Mapping[str, object]) -> CodeProgram | Score:
    header = prompt_code(_text(context, "prompt"))
    entry_point = _text(context, "entry_point") or last_function(header)
    if not entry_point:
        return missing("neither entry_point nor a prompt with the function is given")
    code = complete(header, extract_code(response, (entry_point,)), entry_point)
    return CodeProgram(code, (ground_truth,), entry_point, header)


def complete(header: str, code: str, entry_point: str) -> str:
    """A whole program: `code` under the imports and helpers of `header`, or as the body of its last function."""
    if defines(code, (entry_point,)) or not header:
        helpers = re.split(rf"^def[ \t]+{re.escape(entry_point)}\b", header, maxsplit=1, flags=re.MULTILINE)[0]
        return f"{helpers.rstrip()}\n\n\n{code}\n".lstrip("\n")
    body = code.strip("\n")
    for candidate in (body, _first_line_indented(body), _indented(body)):
        program = f"{header.rstrip()}\n{candidate}\n"
        if parses(program) and candidate.startswith((" ", "\t")):
            return program
    return f"{header.rstrip()}\n{body}\n"


def _indented(body: str) -> str:
    return "\n".join(f"    {line}" if line.strip() else line for line in body.split("\n"))


def _first_line_indented(body: str) -> str:
    """A body whose first line lost its indentation, as happens when a completion is stripped."""
    return "    " + body.lstrip()


def functions_tested(tests: tuple[str, ...]) -> tuple[str, ...]:
    """The functions that assert statements call, in order, without Python's own."""
    names = [name for test in tests for name in _CALLED.findall(test[:2000]) if name not in _NOT_ASKED_FOR]
    return tuple(dict.fromkeys(names))


def _text(context: Mapping[str, object], name: str) -> str:
    value = context.get(name)
    return value if isinstance(value, str) else ""
