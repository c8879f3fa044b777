"""Competition-style questions whose answer is an integer or a fraction in LaTeX; the solution ends in a box."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial, gcd, lcm

from llmfusionbench.builders.simulation.query import Draft, SimulatedTask, harder

INSTRUCTION = "Reason carefully and write the final answer as \\boxed{answer}."


@dataclass(frozen=True, slots=True)
class Problem:
    """A question in LaTeX with its steps and exact value, and the values of usual slips."""

    text: str
    steps: list[str]
    value: Fraction
    slips: list[Fraction]


def latex(value: Fraction) -> str:
    """`7`, `-3` or `\\frac{3}{4}`."""
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _exact(text: str, steps: list[str], value: int | Fraction, *slips: int | Fraction) -> Problem:
    return Problem(text, steps, Fraction(value), [Fraction(slip) for slip in slips])


def _linear(rng: random.Random, d: float) -> Problem:
    a, b, c = rng.randrange(2, 15), rng.randrange(1, 40), harder(rng, d, 5, 90)
    x = Fraction(c - b, a)
    return _exact(
        f"Find the number $x$ for which ${a}x + {b} = {c}$ holds.",
        [f"Subtracting ${b}$ on both sides gives ${a}x = {c - b}$.", f"Dividing by ${a}$ gives $x = {latex(x)}$."],
        x, Fraction(c + b, a), x + 1, c - b,
    )  # fmt: skip


def _vieta(rng: random.Random, d: float) -> Problem:
    p, q = rng.randrange(1, 12), harder(rng, d, 2, 25)
    return _exact(
        f"Let $r$ and $s$ be the two roots of $x^2 - {p + q}x + {p * q} = 0$. What is $r^2 + s^2$?",
        [f"The coefficients give $r + s = {p + q}$ and $rs = {p * q}$.",
         f"Hence $r^2 + s^2 = (r + s)^2 - 2rs = {(p + q) ** 2} - {2 * p * q} = {p * p + q * q}$."],
        p * p + q * q, (p + q) ** 2, p * q, p * p + q * q + 2 * p,
    )  # fmt: skip


def _series(rng: random.Random, d: float) -> Problem:
    first, step, n = rng.randrange(1, 30), rng.randrange(2, 13), harder(rng, d, 6, 60)
    last = first + step * (n - 1)
    total = Fraction(n * (first + last), 2)
    return _exact(
        f"An arithmetic progression starts with ${first}$ and grows by ${step}$ from term to term. Add up its first ${n}$ terms.",
        [f"The last of these terms is ${first} + {step} \\cdot {n - 1} = {last}$.",
         f"The sum is $\\frac{{{n}({first} + {last})}}{{2}} = {latex(total)}$."],
        total, total + last, n * last, total - first,
    )  # fmt: skip


def _divisors(rng: random.Random, d: float) -> Problem:
    a, b, c = rng.randrange(1, 5), rng.randrange(1, 4), harder(rng, d, 1, 3)
    p, q, r = rng.sample((2, 3, 5, 7, 11, 13), 3)
    n = p**a * q**b * r**c
    count = (a + 1) * (b + 1) * (c + 1)
    return _exact(
        f"How many positive integers divide ${n}$ without remainder?",
        [f"The prime factorisation is ${n} = {p}^{{{a}}} \\cdot {q}^{{{b}}} \\cdot {r}^{{{c}}}$.",
         f"Each exponent may be lowered freely, which leaves ${a + 1} \\cdot {b + 1} \\cdot {c + 1} = {count}$ divisors."],
        count, a * b * c, a + b + c, count - 1,
    )  # fmt: skip


def _multiple(rng: random.Random, d: float) -> Problem:
    a, b = rng.randrange(6, 40), harder(rng, d, 8, 90)
    return _exact(
        f"Write $g$ for the greatest common divisor and $m$ for the least common multiple of ${a}$ and ${b}$. Compute $m - g$.",
        [f"Euclid's algorithm gives $g = {gcd(a, b)}$.",
         f"From $gm = {a} \\cdot {b} = {a * b}$ follows $m = {lcm(a, b)}$.",
         f"The difference is ${lcm(a, b)} - {gcd(a, b)} = {lcm(a, b) - gcd(a, b)}$."],
        lcm(a, b) - gcd(a, b), lcm(a, b), a * b - gcd(a, b), lcm(a, b) + gcd(a, b),
    )  # fmt: skip


def _power(rng: random.Random, d: float) -> Problem:
    base, exponent, modulus = rng.randrange(2, 13), harder(rng, d, 5, 90), rng.choice((7, 9, 11, 13, 17, 19, 23))
    rest = pow(base, exponent, modulus)
    half = pow(base, exponent // 2, modulus)
    return _exact(
        f"Which remainder is left when ${base}^{{{exponent}}}$ is divided by ${modulus}$?",
        [f"Repeated squaring gives ${base}^{{{exponent // 2}}} \\equiv {half} \\pmod{{{modulus}}}$.",
         f"Squaring once more{' and multiplying by the base' if exponent % 2 else ''} gives ${base}^{{{exponent}}} \\equiv {rest} \\pmod{{{modulus}}}$."],
        rest, (rest + 1) % modulus, base * exponent % modulus, modulus - 1,
    )  # fmt: skip


def _committee(rng: random.Random, d: float) -> Problem:
    women, men = rng.randrange(4, 9), harder(rng, d, 4, 11)
    k, m = rng.randrange(1, 4), rng.randrange(1, 4)
    count = comb(women, k) * comb(men, m)
    return _exact(
        f"A choir sends ${k}$ of its ${women}$ altos and ${m}$ of its ${men}$ tenors to a festival. In how many ways can the singers be picked?",
        [f"The altos can be picked in $\\binom{{{women}}}{{{k}}} = {comb(women, k)}$ ways.",
         f"The tenors can be picked in $\\binom{{{men}}}{{{m}}} = {comb(men, m)}$ ways.",
         f"Together that makes ${comb(women, k)} \\cdot {comb(men, m)} = {count}$ ways."],
        count, comb(women, k) + comb(men, m), comb(women + men, k + m), count * factorial(k),
    )  # fmt: skip


def _urn(rng: random.Random, d: float) -> Problem:
    red, blue = harder(rng, d, 3, 16), rng.randrange(3, 13)
    total = red + blue
    p = Fraction(red * (red - 1), total * (total - 1))
    return _exact(
        f"A bowl contains ${red}$ amber and ${blue}$ jade beads. Two beads are taken at random, one after the other and "
        "without putting the first one back. With what probability are both of them amber?",
        [f"The first bead is amber with probability ${latex(Fraction(red, total))}$.",
         f"After that, ${red - 1}$ of ${total - 1}$ beads are amber.",
         f"The product is $\\frac{{{red} \\cdot {red - 1}}}{{{total} \\cdot {total - 1}}} = {latex(p)}$."],
        p, Fraction(red * red, total * total), Fraction(red, total), 1 - p,
    )  # fmt: skip


def _slope(rng: random.Random, d: float) -> Problem:
    a, b, x = rng.randrange(2, 9), rng.choice((-9, -8, -7, -5, -4, -3, -2, 2, 3, 4, 6, 7, 8)), harder(rng, d, 1, 9)
    value = 3 * a * x * x + b
    return _exact(
        f"Let $f(t) = {a}t^3 {'+' if b >= 0 else '-'} {abs(b)}t$. Determine the slope of the graph of $f$ at $t = {x}$.",
        [f"The derivative is $f'(t) = {3 * a}t^2 {'+' if b >= 0 else '-'} {abs(b)}$.",
         f"At $t = {x}$ it takes the value ${3 * a} \\cdot {x * x} {'+' if b >= 0 else '-'} {abs(b)} = {value}$."],
        value, a * x**3 + b * x, 3 * a * x + b, value - b + 1,
    )  # fmt: skip


def _integral(rng: random.Random, d: float) -> Problem:
    a, b, top = rng.randrange(2, 10), rng.randrange(1, 9), harder(rng, d, 1, 6)
    value = Fraction(a * top**3, 3) + b * top
    return _exact(
        f"Evaluate $\\int_0^{{{top}}} \\left({a}u^2 + {b}\\right)\\,du$.",
        [f"An antiderivative is $\\frac{{{a}}}{{3}}u^3 + {b}u$.",
         f"Between the limits this gives ${latex(Fraction(a * top**3, 3))} + {b * top} = {latex(value)}$."],
        value, a * top**2 + b, value - b * top, value + a,
    )  # fmt: skip


def _triangle(rng: random.Random, d: float) -> Problem:
    m, n = rng.choice(((2, 1), (3, 2), (4, 1), (4, 3), (5, 2), (5, 4), (6, 1), (7, 2)))
    k = harder(rng, d, 1, 12)
    a, b, c = k * (m * m - n * n), 2 * k * m * n, k * (m * m + n * n)
    return _exact(
        f"The legs of a right triangle measure ${a}$ and ${b}$. How long is the altitude that stands on the hypotenuse?",
        [f"The hypotenuse is $\\sqrt{{{a}^2 + {b}^2}} = {c}$.",
         f"Twice the area is ${a} \\cdot {b} = {a * b}$ and also ${c}h$.",
         f"So $h = \\frac{{{a * b}}}{{{c}}} = {latex(Fraction(a * b, c))}$."],
        Fraction(a * b, c), c, Fraction(a * b, 2 * c), Fraction(a * b, 2),
    )  # fmt: skip


def _determinant(rng: random.Random, d: float) -> Problem:
    a, b, c, e = (rng.randrange(-harder(rng, d, 4, 15), 16) for _ in range(4))
    value = a * e - b * c
    return _exact(
        f"Compute $\\det\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {e} \\end{{pmatrix}}$.",
        [f"The product along the main diagonal is ${a * e}$ and along the other ${b * c}$.",
         f"Their difference is ${a * e} - ({b * c}) = {value}$."],
        value, a * e + b * c, -value, value + a,
    )  # fmt: skip


PROBLEMS = {
    "linear": _linear, "vieta": _vieta, "series": _series, "divisors": _divisors, "multiples": _multiple, "modular": _power,
    "counting": _committee, "probability": _urn, "derivative": _slope, "integral": _integral, "geometry": _triangle,
    "matrix": _determinant,
}  # fmt: skip


def _draft(rng: random.Random, difficulty: float) -> Draft:
    skill = rng.choice(list(PROBLEMS))
    problem = PROBLEMS[skill](rng, difficulty)
    slips = [*problem.slips, problem.value + 2, problem.value - 1, problem.value * 3 + 1]
    return Draft(
        prompt=f"{problem.text}\n{INSTRUCTION}",
        ground_truth=" ".join([*problem.steps, f"Therefore the answer is $\\boxed{{{latex(problem.value)}}}$."]),
        skill=skill,
        answer=latex(problem.value),
        wrong_answers=tuple(dict.fromkeys(latex(slip) for slip in slips if slip != problem.value)),
        steps=tuple(problem.steps),
        question=problem.text,
    )


TASK = SimulatedTask(
    name="math",
    metric="MATH",
    description=(
        "Algebra, number theory, counting, geometry and first calculus. Each question has one exact answer, an integer or a "
        "fraction in lowest terms, which is to be put into a LaTeX box."
    ),
    skills=tuple(PROBLEMS),
    draft=_draft,
)
