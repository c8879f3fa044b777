"""Whether a text tells the final answer, for every kind of answer, and what is no telling."""

from __future__ import annotations

import pytest

from llmfusionbench.builders.templates import FinalAnswer
from tests.helpers.job import job

PLANETS = ("Mars", "the Moon", "Venus", "12.5 km")


def tells(text: str, truth: str | None, metric: str, choices: tuple[str, ...] = (), *, strict: bool = False) -> bool:
    return FinalAnswer(job(truth=truth, metric=metric, choices=choices)).told_by(text, strict=strict)


@pytest.mark.parametrize(
    ("text", "truth", "metric"),
    [
        ("The result is 18.", "6 * 3 = 18\n#### 18", "gsm8k"),
        ("The result is $18.00, as it should be.", "18", "gsm8k"),
        ("It is 1,526 litres.", "1526", "gsm8k"),
        ("There are eighteen of them.", "18", "gsm8k"),
        ("Add the parts, which gives 36/2.", "18", "gsm8k"),
        ("Half of it is 50%.", "0.5", "math"),
        ("The root is \\frac{11}{2} here.", "so $x = \\boxed{\\frac{11}{2}}$.", "math"),
        ("The root is $2\\sqrt{3}$.", "\\boxed{2\\sqrt{3}}", "math"),
        ("The answer is true.", "true", "em"),
        ("Reply true at the end.", "True", "em"),
        ("The answer is yes.", "true", "em"),
        ("It fell in january.", '["January"]', "cem"),
        ("It is the United-States.", '["United States", "USA"]', "f1_score"),
        ("They say USA.", '["United States", "USA"]', "f1_score"),
        ("There were 5,269 of them.", '["5269"]', "f1_score"),
        ("There were 5269 visitors.", '["5269 visitors"]', "f1_score"),
        ("Test it by assert f([1,2]) == 3 first.", '["assert f([1, 2]) == 3"]', "code_eval"),
        ("```python\nreturn 1\n```", '["assert f() == 1"]', "code_eval"),
        ("Write\ndef f(x): return x", '["assert f(1) == 1"]', "code_eval"),
    ],
)
def test_what_tells(text: str, truth: str, metric: str) -> None:
    assert tells(text, truth, metric)


@pytest.mark.parametrize(
    ("text", "truth", "metric"),
    [
        ("The result is a number after four steps.", "18", "gsm8k"),
        ("Take one of the parts.", "1", "gsm8k"),
        ("This gsm8k question has 80 parts and x8.", "8", "gsm8k"),
        ("The result is 180, or 1.8.", "18", "gsm8k"),
        ("Reply true or false.", "true", "em"),
        ("Answer with yes or no; there is no more to say.", "false", "em"),
        ("The month is named at the end.", '["January"]', "cem"),
        ("A party is no work of art.", '["part"]', "cem"),
        ("Solve for x and simplify the fraction.", "\\boxed{\\frac{11}{2}}", "math"),
        ("Write one function and try an empty list.", '["assert f([]) == 0"]', "code_eval"),
        ("Anything at all: 18, true, January.", None, "em"),
        ("Anything at all: 18, true, January.", "", "em"),
    ],
)
def test_what_does_not_tell(text: str, truth: str | None, metric: str) -> None:
    assert not tells(text, truth, metric)


@pytest.mark.parametrize("truth", ["B", "(B)", "b. the Moon", "the Moon"])
@pytest.mark.parametrize(
    "text",
    ["It is the moon.", "So (B) is right.", "Choose option B.", "The answer is B.", "B fits.", "The correct letter is (B)."],
)
def test_choices(text: str, truth: str) -> None:
    assert tells(text, truth, "em_mc", PLANETS)


def test_choices_that_are_not_told() -> None:
    assert not tells("Rule out what cannot be; end with the letter in parentheses.", "B", "em_mc", PLANETS)
    assert not tells("A planet is near the sun.", "A", "em_mc", PLANETS)
    assert tells("The answer is A.", "A", "em_mc", PLANETS)
    assert tells("It is 12.5 km away.", "D", "em_mc", PLANETS)
    assert tells("It is 12.50 away.", "D", "em_mc", ("1", "2", "3", "12.5"))
    assert tells("So C it is.", "C", "em_mc")


def test_whoever_names_another_option_is_known() -> None:
    answer = FinalAnswer(job(truth="B", metric="em_mc", choices=PLANETS))
    assert answer.option_named("Mars is too cold.")
    assert answer.option_named("Not (A), not (C).")
    assert not answer.option_named("Compare the distances.")
    assert answer.words >= {"moon"}


def test_strict_minds_everyday_words() -> None:
    assert tells("Take one of the parts.", "1", "gsm8k", strict=True)
    assert tells("It is not so.", "false", "em", strict=True)
    assert not tells("Compare the text with the claim.", "false", "em", strict=True)
