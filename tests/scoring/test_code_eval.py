"""Code tasks: the program taken out of a response. Nothing is executed here; `tests/sandbox` does that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.scoring import CodeProgram, code_program, score
from llmfusionbench.scoring.answers.code import extract_code, parses, prompt_code

PROMPT = '''from math import sqrt


def helper(x):
    return sqrt(x)


def root(x):
    """ The root.
    >>> root(4)
    2
    """
'''
CHECK = "def check(candidate):\n    assert candidate(4) == 2\n"
BODY = "    if x:\n        return helper(x)\n    return 0"
WHOLE = f"def root(x):\n{BODY}"


@dataclass
class Verdict:
    passed: bool
    reason: str = ""
    status: str = "passed"


def run_here(code: str, tests: tuple[str, ...], *, entry_point: str | None, setup: str) -> Verdict:
    """Runs the code of these tests, which is our own."""
    space: dict[str, Any] = {}
    try:
        exec(code, space)
        for test in tests:
            exec(test, space)
        if entry_point is not None and "check" in space:
            space["check"](space[entry_point])
    except Exception as error:
        return Verdict(False, repr(error), "error")
    return Verdict(True)


@pytest.mark.parametrize(
    "response",
    [
        BODY,
        BODY.strip(),
        "if x:\n    return helper(x)\nreturn 0",
        WHOLE,
        f"```python\n{WHOLE}\n```",
        f"Here it is:\n\n```python\n{PROMPT}{BODY}\n```\nIt uses `helper`.\n```python\nprint(root(4))\n```",
        f"```python\ndef root(x):\n    return -1\n```\nNo, better:\n```py\n{WHOLE}\n```",
        f"```python\n{WHOLE}",
        f"[BEGIN]\n{WHOLE}\n[DONE]",
        f"[begin]\n{BODY}[Done] and so on",
        f"Sure! This is it.\n{WHOLE}\n\nHope that helps!",
        f"<think>```python\ndef root(x): pass\n```</think>{WHOLE}",
        WHOLE.replace("\n", "\r\n"),
        WHOLE.replace("\n", "\r"),
        f"\ufeff{WHOLE}",
        "1. The function:\n\n" + f"```python\n{WHOLE}\n```".replace("\n", "\n   ").replace("```p", "   ```p"),
        WHOLE.replace("\n", '\n    """Such as\n\n    ```\n    root(4)\n    ```\n    """\n', 1).join(("```python\n", "\n```")),
        f"```python\nimport math\n```\n```python\ndef sub(x):\n    return math.sqrt(x)\n```\n```python\n{WHOLE}\n```".replace(
            "return helper(x)", "return sub(helper(x) ** 2)"
        ),
        "```python\nroot: object = lambda x: helper(x)\n```",
    ],
)
def test_human_eval(response: str) -> None:
    scored = score("code_eval", response, CHECK, prompt=PROMPT, runner=run_here)
    assert (scored.value, scored.reason) == (1.0, "passes every test")
    assert score("code_eval", response.replace("helper(x)", "7"), CHECK, prompt=PROMPT, runner=run_here).value == 0.0


@pytest.mark.parametrize(
    "tests", [json.dumps(["assert f(1) == 2", "assert f(2) == 3"]), "['assert f(1) == 2']", "assert f(1) == 2"]
)
def test_mbpp(tests: str) -> None:
    for response in (
        "def f(x):\n    return x + 1",
        "```python\ndef f(x):\n    return x + 1\n```",
        "Try\ndef f(x): return x + 1\nBye.",
    ):
        assert score("code_eval", response, tests, runner=run_here).value == 1.0
    wrong = score("code_eval", "def f(x): return x", tests, runner=run_here)
    assert wrong.value == 0.0
    assert "AssertionError" in wrong.reason


def test_nothing_runs_without_a_runner() -> None:
    for official in (False, True):
        scored = score("code_eval", WHOLE, CHECK, prompt=PROMPT, official=official)
        assert (scored.value, scored.reason) == (None, "code execution is not allowed")
    with pytest.raises(InputError, match="runner is 'yes'"):
        score("code_eval", WHOLE, CHECK, prompt=PROMPT, runner="yes")


def test_tests_that_cannot_run_say_nothing_about_the_program() -> None:
    def unsupported(code: str, tests: tuple[str, ...], *, entry_point: str | None, setup: str) -> Verdict:
        return Verdict(False, "no numpy", "unsupported")

    scored = score("code_eval", WHOLE, CHECK, prompt=PROMPT, runner=unsupported)
    assert (scored.value, scored.reason) == (None, "the tests cannot be run: no numpy")
    assert score("code_eval", WHOLE, "no tests", runner=run_here).value is None
    assert score("code_eval", WHOLE, CHECK, runner=run_here).value is None


def test_the_program_of_a_task() -> None:
    program = code_program(WHOLE, CHECK, {"prompt": f"Complete this function:\n\n{PROMPT}\n\nThink step by step!"})
    assert isinstance(program, CodeProgram)
    assert program.entry_point == "root"
    assert program.setup.startswith("from math import sqrt")
    assert "Think" not in program.setup
    assert program.code.count("def root") == 1
    assert program.code.count("def helper") == 1


def test_only_what_a_program_uses_of_other_blocks_comes_with_it() -> None:
    other = "```python\nimport os\ndef show(x):\n    return os\n```\n```python\nassert root(1) == 7\nhalf = 1\n```\n"
    program = code_program(f"{other}```python\n{WHOLE}\n```", CHECK, {"prompt": PROMPT})
    assert isinstance(program, CodeProgram)
    assert "import os" not in program.code
    assert "assert" not in program.code


def test_a_block_that_shows_how_python_does_it_takes_no_part() -> None:
    shown = "```python\ndef sum(values):\n    return 0\n```"
    program = code_program(f"```python\ndef root(x):\n    return sum([x])\n```\n{shown}", CHECK, {"prompt": PROMPT})
    assert isinstance(program, CodeProgram)
    assert "def sum" not in program.code


def test_the_function_of_a_prompt_stands_behind_its_quotations() -> None:
    notes = "Below are notes.\n\nNote 1\n```\ndef other(x):\n    return x\n```\n\nNow answer this question:\n\n"
    for prompt in (PROMPT, f"Complete this.\n\n```python\n{PROMPT}\n```\n\nReply with the function."):
        program = code_program(WHOLE, CHECK, {"prompt": notes + prompt})
        assert isinstance(program, CodeProgram)
        assert program == code_program(WHOLE, CHECK, {"prompt": prompt})
        assert program.entry_point == "root"


def test_a_refusal_says_so() -> None:
    scored = score("code_eval", "I'm sorry, I can't help with that.", CHECK, prompt=PROMPT, runner=run_here)
    assert (scored.value, scored.reason) == (0.0, "refusal")


def test_official_wraps_what_stands_between_its_tags() -> None:
    tagged = f"[BEGIN]\n{WHOLE}\n[DONE]"
    assert score("code_eval", tagged, CHECK, prompt=PROMPT, runner=run_here, official=True).value == 1.0
    assert score("code_eval", f"```python\n{WHOLE}\n```", CHECK, prompt=PROMPT, runner=run_here, official=True).value == 0.0


def test_text_that_is_no_code() -> None:
    assert not parses("def (")
    assert not parses("(" * 100_000)
    assert not parses("x\x00")
    assert prompt_code("no code at all here") == ""
    assert extract_code("I cannot help.") == "I cannot help."
