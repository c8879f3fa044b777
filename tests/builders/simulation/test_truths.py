"""Ground truths, recomputed from the prompts by other means than the generators use."""

import datetime
import itertools
import json
import math
import re
from collections.abc import Callable
from fractions import Fraction

import pytest

from llmfusionbench.builders.simulation import SimulatedQuery, task_queries
from llmfusionbench.builders.simulation.facts import MONTHS, WEEKDAYS, roman

N = 400
_CALCULATION = re.compile(r"([\d.+*/() -]*\d) = (\d[\d.]*)")


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"-?\d+", text)]


def calculated(text: str) -> Fraction:
    """The value of a sum, difference, product or quotient with the usual precedence, in exact arithmetic."""
    total = Fraction(0)
    for sign, term in re.findall(r"(^|[+-])([^+-]+)", text.replace(" ", "")):
        value = Fraction(1)
        for operator, factor in re.findall(r"(^|[*/])([\d.]+)", term):
            value = value / Fraction(factor) if operator == "/" else value * Fraction(factor)
        total += -value if sign == "-" else value
    return total


@pytest.mark.parametrize("seed", [0, 1])
def test_word_problems(seed: int) -> None:
    """Every calculation in a solution holds, and the last line is its last result."""
    for query in task_queries("gsm8k", N, seed):
        *steps, last = query.ground_truth.split("\n")
        assert last == f"#### {query.answer}"
        assert int(query.answer) > 0
        for step in steps:
            for left, right in _CALCULATION.findall(step):
                assert calculated(left) == Fraction(right.rstrip(".")), step
        assert int(query.answer) == numbers(steps[-1])[-1]
        # The story mentions every number that the first step starts from.
        assert set(numbers(query.steps[0].split("=")[0])) - {2, 100} <= set(numbers(query.question.replace("half", "2"))) | {
            2
        }, query


def value(query: SimulatedQuery) -> Fraction:
    fraction = re.fullmatch(r"(-?)\\frac\{(\d+)\}\{(\d+)\}", query.answer)
    if fraction is None:
        return Fraction(int(query.answer))
    assert math.gcd(int(fraction[2]), int(fraction[3])) == 1
    return Fraction(int(fraction[1] + fraction[2]), int(fraction[3]))


def _roots(text: str) -> Fraction:
    _, b, c = numbers(text.replace(" ", ""))[:3]
    roots = [x for x in range(-200, 200) if x * x + b * x + c == 0]
    return Fraction(sum(x * x for x in roots) * (2 if len(roots) == 1 else 1))


def _progression(text: str) -> Fraction:
    first, step, n = numbers(text)[:3]
    return Fraction(sum(range(first, first + step * n, step)))


def _beads(text: str) -> Fraction:
    amber, jade = numbers(text)[:2]
    pairs = list(itertools.permutations([1] * amber + [0] * jade, 2))
    return Fraction(sum(a and b for a, b in pairs), len(pairs))


def _choir(text: str) -> Fraction:
    k, altos, m, tenors = numbers(text)[:4]
    return Fraction(
        sum(1 for _ in itertools.combinations(range(altos), k)) * sum(1 for _ in itertools.combinations(range(tenors), m))
    )


def _slope(text: str) -> Fraction:
    found = re.search(r"= (\d+)t\^3 ([+-]) (\d+)t\$.*t = (\d+)", text)
    assert found is not None
    a, b, x = int(found[1]), int(found[2] + found[3]), Fraction(found[4])

    def f(t: Fraction) -> Fraction:
        return a * t**3 + b * t

    # The symmetric difference of a cubic exceeds its slope by exactly a h^2.
    return (f(x + 1) - f(x - 1)) / 2 - a


def _area(text: str) -> Fraction:
    top, a, b = (int(group) for group in re.search(r"_0\^\{(\d+)\} \\left\((\d+)u\^2 \+ (\d+)", text).groups())  # type: ignore[union-attr]
    # Simpson's rule is exact for polynomials of this degree.
    return Fraction(top, 6) * (b + 4 * (a * Fraction(top, 2) ** 2 + b) + a * top**2 + b)


def _altitude(text: str) -> Fraction:
    a, b = numbers(text)[:2]
    return Fraction(a * b, math.isqrt(a * a + b * b))


def _equation(text: str) -> Fraction:
    a, b, c = (int(group) for group in re.search(r"\$(\d+)x \+ (\d+) = (\d+)\$", text).groups())  # type: ignore[union-attr]
    return Fraction(c - b, a)


def _matrix(text: str) -> Fraction:
    a, b, c, d = numbers(text)[:4]
    return Fraction(a * d - b * c)


def _divisors(n: int) -> int:
    root = math.isqrt(n)
    return sum(2 for d in range(1, root + 1) if n % d == 0) - (root * root == n)


CHECKS: dict[str, Callable[[str], Fraction]] = {
    "linear": _equation,
    "vieta": _roots,
    "series": _progression,
    "divisors": lambda text: Fraction(_divisors(numbers(text)[0])),
    "multiples": lambda text: Fraction(math.lcm(*numbers(text)[:2]) - math.gcd(*numbers(text)[:2])),
    "modular": lambda text: Fraction(numbers(text)[0] ** numbers(text)[1] % numbers(text)[2]),
    "counting": _choir,
    "probability": _beads,
    "derivative": _slope,
    "integral": _area,
    "geometry": _altitude,
    "matrix": _matrix,
}


def test_mathematics() -> None:
    for query in task_queries("math", N):
        assert value(query) == CHECKS[query.skill](query.question), query.question
        assert query.ground_truth.endswith(f"$\\boxed{{{query.answer}}}$.")


@pytest.mark.parametrize("task", ["commonsense_qa", "arc_challenge", "openbook_qa", "hellaswag", "mmlu", "gpqa"])
def test_choices(task: str) -> None:
    for query in task_queries(task, N):
        assert query.choices is not None
        assert len(query.choices) == len(set(query.choices)) == (5 if task == "commonsense_qa" else 4)
        letters = "ABCDE"[: len(query.choices)]
        assert query.ground_truth == query.answer
        assert query.answer in letters
        assert sorted([query.answer, *query.wrong_answers]) == list(letters)
        for letter, text in zip(letters, query.choices, strict=True):
            assert f"\n({letter}) {text}\n" in query.prompt


def test_right_letters_are_spread_evenly() -> None:
    for task in ("arc_challenge", "commonsense_qa"):
        drawn = [query.answer for query in task_queries(task, N)]
        assert all(drawn.count(letter) > N / 8 for letter in set(drawn))


def _first_float(text: str) -> float:
    found = re.search(r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?", text)
    assert found is not None
    return float(found[0])


def test_computed_options() -> None:
    """Subjects whose right option can be recomputed from the numbers of the question."""
    rules: dict[tuple[str, str], Callable[[list[float]], float]] = {
        ("arc_challenge", "motion"): lambda v: v[0] / v[1],
        ("arc_challenge", "density"): lambda v: v[0] / v[1],
        ("arc_challenge", "electricity"): lambda v: v[0] * v[1],
        ("arc_challenge", "lever"): lambda v: v[0] * v[1] / v[2],
        ("arc_challenge", "heat"): lambda v: v[0] * v[1] * v[2],
        ("mmlu", "economics"): lambda v: v[1] / v[0],
        ("mmlu", "accounting"): lambda v: v[0] * v[1] / 100 * v[2],
        ("mmlu", "algorithms"): lambda v: math.ceil(math.log2(v[0] + 1)),
        ("gpqa", "photon"): lambda v: 6.62607e-34 * 2.99792e8 / (v[0] * 1e-9) / 1.602177e-19,
        ("gpqa", "decay"): lambda v: v[1] * 0.5 ** (v[2] / v[0]),
        ("gpqa", "relativity"): lambda v: v[1] * (1 - (v[0] / 100) ** 2) ** -0.5,
        ("gpqa", "thermodynamics"): lambda v: v[2] * (v[0] - v[1]) / v[0],
        ("gpqa", "acid"): lambda v: math.log10(v[1] / v[0]),
        ("gpqa", "gas"): lambda v: v[1] * 8.314 * v[2] / v[0],
        ("gpqa", "genetics"): lambda v: v[0] * 2 * v[1] * (1 - v[1]),
        ("gpqa", "optics"): lambda v: 1 / (1 / v[0] - 1 / v[1]),
        ("gpqa", "orbit"): lambda v: math.sqrt(v[0] ** 3),
    }
    met = set()
    for task in ("arc_challenge", "mmlu", "gpqa"):
        for query in task_queries(task, N):
            rule = rules.get((task, query.skill))
            if rule is None:
                continue
            given = [float(found) for found in re.findall(r"\d+(?:\.\d+)?", query.question)]
            assert _first_float(query.option) == pytest.approx(
                rule(given), rel=0.006, abs=0.51 if query.skill == "genetics" else 0
            ), query
            met.add((task, query.skill))
    assert met == set(rules)


def test_computer_science_and_statistics() -> None:
    for query in task_queries("mmlu", N):
        if query.skill == "binary":
            assert int(query.option, 2) == numbers(query.question)[-1]
        elif query.skill == "hexadecimal":
            shown = re.search(r"shows ([0-9A-F]+) in", query.question)
            assert shown is not None
            assert int(shown[1], 16) == int(query.option)
        elif query.skill == "statistics":
            values = sorted(numbers(query.question))
            assert values[len(values) // 2] == int(query.option)


def test_calendars_and_numerals() -> None:
    seen = set()
    for query in itertools.chain(task_queries("natural_qa", N), task_queries("trivia_qa", N)):
        accepted = json.loads(query.ground_truth)
        assert query.answer == accepted[0]
        assert all(wrong.lower() not in {text.lower() for text in accepted} for wrong in query.wrong_answers)
        text = query.question.lower()
        date = re.search(rf"(\d+) ({'|'.join(MONTHS).lower()}) (\d{{4}})", text)
        if query.skill == "roman":
            shown = re.search(r"numerals ([MDCLXVI]+) ", query.question)
            assert shown is not None
            assert roman(int(query.answer)) == shown[1]
        elif date is not None:
            day = datetime.datetime.strptime(date[0], "%d %B %Y")
            if query.skill == "weekday":
                assert day.strftime("%A") == query.answer
                assert query.answer in WEEKDAYS
            else:
                shift = re.search(r"is it (\d+) days after", text)
                assert shift is not None
                assert (day + datetime.timedelta(days=int(shift[1]))).strftime("%B") == query.answer
        else:
            continue
        seen.add(query.skill)
    assert seen == {"roman", "weekday", "calendar"}


@pytest.mark.parametrize(("number", "text"), [(1, "I"), (4, "IV"), (49, "XLIX"), (1994, "MCMXCIV"), (2026, "MMXXVI")])
def test_roman(number: int, text: str) -> None:
    assert roman(number) == text


def test_spans_stand_in_their_passage() -> None:
    for query in task_queries("squad", N):
        passage = query.prompt.split("\nQuestion: ")[0]
        assert passage.count(query.answer) >= 1
        assert json.loads(query.ground_truth) == [query.answer]
        quoted = re.search(r'"(.*)"', query.steps[0])
        assert quoted is not None
        assert quoted[1] in passage
        assert query.answer in quoted[1]
        assert all(wrong not in quoted[1] for wrong in query.wrong_answers)


def test_yes_no_questions_follow_from_the_passage() -> None:
    """A claim is true exactly if its words that are no question words stand in the sentence it rests on."""
    truths = []
    for query in task_queries("boolq", N):
        quoted = re.search(r'"(.*)"', query.steps[0])
        assert quoted is not None
        assert quoted[1] in query.prompt
        # What varies between a true and a false claim is one span: it stands in the sentence or it does not.
        stated = any(phrase in quoted[1] for phrase in _spans(query.question))
        assert query.ground_truth == ("true" if stated else "false"), query
        truths.append(query.ground_truth)
    assert 0.4 * N < truths.count("true") < 0.7 * N


def _spans(question: str) -> list[str]:
    patterns = (
        r"finished in (\d+)",
        r"drawn by ([^?]+)",
        r"made of ([^?]+)",
        r"measure (.+) from bank",
        r"for a night in ([^?]+)",
        r"go back to (\d+)",
        r"written down by ([^?]+)",
        r"winner of .+ receive ([^?]+)",
        r"figures of ([^?]+)",
        r"attended by ([^?]+)",
        r"spend childhood in ([^?]+)",
        r"appear in (\d+)",
        r"tower in ([^?]+)",
        r"paid for by ([^?]+)",
        r"run to ([^?]+)",
        r"set up in (\d+)",
        r"stand in ([^?]+)",
        r"live by ([^?]+)",
        r"give work to (.+) today",
        r"is the firm of .+ led by ([^?]+)",
        r"lie (.+) off the coast",
        r"do (.+) rest on",
        r"run low in ([^?]+)",
        r"map of .+ made by ([^?]+)",
        r"built of ([^?]+)",
    )
    spans = [found[1] for pattern in patterns if (found := re.search(pattern, question))]
    assert spans, question
    return spans
