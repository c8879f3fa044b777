"""Code tasks: extracts the program and its tests from a response and a ground truth, and passes them to a runner.

Without a runner, such as `llmfusionbench.sandbox.run_tests`, no code is executed and the value is missing.
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
from llmfusionbench.scoring.answers.parsing import BUDGET, Parser, TooMuchWorkError, work
from llmfusionbench.scoring.answers.refusal import declines
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.outcome import Score, missing, right, wrong
from llmfusionbench.texts.quoting import own_question

NOT_ALLOWED = "code execution is not allowed"
TOO_MUCH_WORK = f"response takes more than {BUDGET:,} characters of parsing to find its program"
MAX_FUNCTIONS = 100
"""Functions of the tests that a program may define."""

_CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_NOT_ASKED_FOR = frozenset((*dir(builtins), "assert", "isclose", "not"))


class RunVerdict(Protocol):
    """The result of a runner."""

    @property
    def passed(self) -> bool: ...
    @property
    def reason(self) -> str: ...
    @property
    def status(self) -> str: ...


class CodeRunner(Protocol):
    """Runs a program against tests in a safe place."""

    def __call__(self, code: str, tests: tuple[str, ...], *, entry_point: str | None, setup: str) -> RunVerdict: ...


@dataclass(frozen=True, slots=True)
class CodeProgram:
    """One program with its tests, ready for a runner."""

    code: str
    tests: tuple[str, ...]
    entry_point: str | None
    setup: str


def code_eval(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """1 if the program passes every test; None without a runner, or if the tests themselves cannot be run.

    The context has `runner` (a `CodeRunner`), and `prompt`, `entry_point` and `test_setup` if the task has them.
    """
    runner = context.get("runner")
    if runner is None:
        return missing(NOT_ALLOWED)
    if not callable(runner):
        raise InputError(f"runner is {runner!r}, expected a function such as llmfusionbench.sandbox.run_tests.")
    program = code_program(response, ground_truth, context)
    if isinstance(program, Score):
        return program
    if declines(final_text(response)) and (work(program.code) > BUDGET or not parses(program.code)):
        return wrong(None, "refusal")
    return run_program(program, cast(CodeRunner, runner))


def run_program(program: CodeProgram, runner: CodeRunner) -> Score:
    """The score of a program that `runner` executes."""
    return code_score(program, runner(program.code, program.tests, entry_point=program.entry_point, setup=program.setup))


def code_score(program: CodeProgram, verdict: RunVerdict) -> Score:
    """The score of a verdict; missing if it is not one on the program."""
    if verdict.passed:
        return right(program.code, "passes every test")
    if verdict.status == "unsupported":
        return missing(f"the tests cannot be run: {verdict.reason}")
    if verdict.status == "undecided":
        return missing(f"not scored: {verdict.reason}", program.code)
    return wrong(program.code, verdict.reason or f"does not pass: {verdict.status}")


def code_program(response: str, ground_truth: str, context: Mapping[str, object]) -> CodeProgram | Score:
    """The program of a response with its tests; a missing Score if the ground truth has no test.

    A response whose program cannot be found by parsing `BUDGET` characters is wrong, like any other that holds no program.
    """
    try:
        return _program(response, ground_truth, context)
    except TooMuchWorkError:
        return wrong(None, TOO_MUCH_WORK)


def _program(response: str, ground_truth: str, context: Mapping[str, object]) -> CodeProgram | Score:
    if re.search(r"^def[ \t]+check\b", ground_truth, re.MULTILINE):
        return _human_eval(response, ground_truth, context)
    tests = accepted_answers(ground_truth)
    if not any("assert" in test for test in tests):
        return missing("the ground truth has no test")
    named = _text(context, "entry_point")
    wanted = (named,) if named else functions_tested(tests)
    return CodeProgram(extract_code(response, wanted), tests, named or None, _text(context, "test_setup"))


def _human_eval(response: str, ground_truth: str, context: Mapping[str, object]) -> CodeProgram | Score:
    try:
        header = prompt_code(own_question(_text(context, "prompt")))
    except TooMuchWorkError:
        return missing(f"the prompt {TOO_MUCH_WORK.partition(' ')[2]}")
    entry_point = _text(context, "entry_point") or last_function(header)
    if not entry_point:
        return missing("neither entry_point nor a prompt with the function is given")
    parser = Parser()
    code = complete(header, extract_code(response, (entry_point,), parser), entry_point, parser)
    return CodeProgram(code, (ground_truth,), entry_point, header)


def complete(header: str, code: str, entry_point: str, parser: Parser) -> str:
    """A complete program: `code` after the imports and helpers of `header`, or as the body of its last function."""
    if defines(code, (entry_point,)) or not header:
        helpers = re.split(rf"^def[ \t]+{re.escape(entry_point)}\b", header, maxsplit=1, flags=re.MULTILINE)[0]
        return f"{helpers.rstrip()}\n\n\n{code}\n".lstrip("\n")
    body = code.strip("\n")
    indented = "\n".join(f"    {line}" if line.strip() else line for line in body.split("\n"))
    # A completion that was stripped has lost the indentation of its first line only.
    for candidate in (body, "    " + body.lstrip(), indented):
        program = f"{header.rstrip()}\n{candidate}\n"
        if parser.parses(program) and candidate.startswith((" ", "\t")):
            return program
    return f"{header.rstrip()}\n{body}\n"


def functions_tested(tests: tuple[str, ...]) -> tuple[str, ...]:
    """The functions that assert statements call, in order, without builtins."""
    names = [name for test in tests for name in _CALLED.findall(test[:2000]) if name not in _NOT_ASKED_FOR]
    return tuple(dict.fromkeys(names))[:MAX_FUNCTIONS]


def _text(context: Mapping[str, object], name: str) -> str:
    value = context.get(name)
    return value if isinstance(value, str) else ""
