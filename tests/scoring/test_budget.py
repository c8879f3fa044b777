"""One record cannot stall a run: the work that a response, a ground truth or choices can cause is counted and bounded."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from llmfusionbench.baselines.exporters.corpora.ground_truths import is_tests
from llmfusionbench.builders.reading.fields import answer_text, literal, option_texts
from llmfusionbench.scoring import score
from llmfusionbench.scoring.answers import parsing
from llmfusionbench.scoring.answers.choices.options import read_options
from llmfusionbench.scoring.answers.code import CUTS, extract_code, prompt_code
from llmfusionbench.scoring.answers.parsing import BUDGET, CODE_LIMIT, Parser, TooMuchWorkError
from llmfusionbench.scoring.answers.truths import accepted_answers

FIELDS = "[f'" + "{1}" * 200_000 + "']"
"""What Python's own parser reads once per field: 600 kB take it a minute, and nothing can interrupt it."""
TESTS = json.dumps(["assert f(1) == 2"])


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The work of each call of Python's parser, as it is counted: its characters, more with many fields of f-strings."""
    found: list[int] = []
    parse = ast.parse

    def counted(source: str, *arguments: object, **more: object) -> ast.AST:
        found.append(parsing.work(source))
        return parse(source, *arguments, **more)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(ast, "parse", counted)
    yield found
    assert sum(found) <= 2 * BUDGET  # of the prompt and of the response


@pytest.mark.parametrize("read", [literal, accepted_answers, read_options, answer_text, is_tests])
def test_ground_truths_and_choices_never_reach_pythons_parser(read: object, parsed: list[int]) -> None:
    for text in (FIELDS, FIELDS.replace("f'", "rf'"), "[" + "'a' " * 100_000 + "]", "[" * 1000, "-" * 100_000 + "1"):
        read(text)  # type: ignore[operator]
    assert all(work <= CODE_LIMIT + 50 for work in parsed)


def test_literals_are_read_as_before() -> None:
    assert literal("['a', \"b's\", 1, -2.5, None, True]") == ["a", "b's", 1, -2.5, None, True]
    assert literal("{'text': ['x', 'y'], 'label': ['A', 'B']}") == {"text": ["x", "y"], "label": ["A", "B"]}
    assert literal('["\\ud83d\\ude00"]') == ["😀"]
    assert option_texts("('no', 'yes')") == ["no", "yes"]
    assert literal("[f'a']") is None
    assert literal("__import__('os')") is None
    assert literal("1 + 1") is None


PROSE = "This is a sentence, and it is no code (at all).\n"
HOSTILE = {
    "prose after code": "def f(x):\n    return x\n" + PROSE * 4000,
    "cuts": "def f(x):\n" + "    x = x + 1\n" * 13_000 + PROSE * 59,
    "fields": "def f(x):\n    return f'" + "{1}" * 60_000 + "'\n" + "a b\n" * 59,
    "blocks": "```python\nimport a\n```\n" * 8_000,
    "blocks of helpers": "".join(f"```python\ndef f{i}(x):\n    return f{i + 1}(x)\n```\n" for i in range(4_000)),
    "blocks that are broken": "```python\ndef f(x:\n```\n" * 8_000,
    "one open block": "```python\n" * 18_000,
    "deep": "def f(x):\n    return " + "(" * 90_000 + PROSE * 60,
    "decorators": "@a\n" * 60_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_response_is_parsed_within_its_budget(name: str, parsed: list[int]) -> None:
    """Also with a prompt of the same kind, and though the answer is looked for in many ways."""
    text = HOSTILE[name][:CODE_LIMIT]
    ran: list[str] = []

    def runner(code: str, tests: tuple[str, ...], **_: object) -> SimpleNamespace:
        ran.append(code)
        return SimpleNamespace(passed=False, reason="failed", status="failed")

    scored = score("code_eval", text, TESTS, runner=runner)
    assert scored.value == 0
    assert ran or scored.reason == f"response takes more than {BUDGET:,} characters of parsing to find its program"
    assert sum(parsed) <= BUDGET
    parsed.clear()
    check = "def check(candidate):\n    assert candidate(1) == 2\n"
    scored = score("code_eval", text, check, runner=runner, prompt=text, entry_point="f")
    assert scored.value in (0, None)


def test_responses_that_take_too_much_are_wrong_and_prompts_are_missing() -> None:
    text = HOSTILE["fields"][:CODE_LIMIT]
    with pytest.raises(TooMuchWorkError):
        extract_code(text)
    with pytest.raises(TooMuchWorkError):
        prompt_code(text)
    runner = SimpleNamespace
    assert score("code_eval", text, TESTS, runner=runner).value == 0
    scored = score("code_eval", "pass", "def check(f):\n    assert f", runner=runner, prompt=text)
    assert scored.value is None
    assert scored.reason == f"the prompt takes more than {BUDGET:,} characters of parsing to find its program"


def test_usual_programs_are_far_below_the_budget(parsed: list[int]) -> None:
    """A long answer with a program, its explanation and text after it."""
    program = "def f(x):\n" + "".join(f"    x = x + {i}  # add {i}\n" for i in range(100)) + "    return f'{x} {x}'"
    for text in (f"```python\n{program}\n```\n{PROSE * 50}", f"{PROSE * 50}\n{program}\n{PROSE * (CUTS - 5)}"):
        assert extract_code(text, ("f",)) == program
    assert sum(parsed) < BUDGET // 3


def test_a_text_is_parsed_once(parsed: list[int]) -> None:
    parser = Parser()
    assert [parser.parses(code) for code in ("x = 1", "x =", "x = 1", "x =")] == [True, False, True, False]
    assert len(parsed) == 2
    assert parser.left == BUDGET - sum(parsed)


def test_many_tested_functions_are_not_all_looked_for() -> None:
    tests = json.dumps([f"assert f{i}(1) == 2" for i in range(20_000)])
    assert score("code_eval", "def f1(x): return 2", tests, runner=lambda *_, **__: SimpleNamespace(
        passed=True, reason="", status="passed")).value == 1  # fmt: skip


@pytest.mark.parametrize("closing", [1, 45, CUTS - 1])
def test_prose_after_a_long_program_is_cut_in_a_few_parses(parsed: list[int], closing: int) -> None:
    program = "\n".join(f"def f{i}(x):\n    return x + {i}\n" for i in range(900))
    parser = Parser()
    assert extract_code(f"{program}\n" + "This line is prose, and so is the next.\n" * closing, parser=parser) == program
    assert len(parsed) <= 8
