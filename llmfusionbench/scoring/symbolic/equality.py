"""Whether two mathematical texts are equal: numerically at random points where that decides, else by math-verify.

A value that differs in its first hundred digits is another one, whatever math-verify's rounding to six decimal places makes of
it. Only the child process imports this module.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

import math_verify
import mpmath
import sympy
from math_verify import LatexExtractionConfig
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from llmfusionbench.scoring.symbolic.values import DIGITS, UnknownValueError, logarithm, real, value, variables

POINTS: Final = 12
"""Random points that are tried, half of them of positive numbers only."""
ENOUGH: Final = 3
"""Points at which both sides must have a value."""
SAME: Final = mpmath.mpf(10) ** (20 - DIGITS)
"""Relative difference of equal values."""
DECIMAL: Final = mpmath.mpf(2) / 10**6
"""Relative difference of a decimal and what it stands for, if math-verify takes them for equal."""
BINARY: Final = mpmath.mpf(10) ** -12
"""Relative difference that the floating-point numbers of a calculation make."""
ROUNDED: Final = mpmath.mpf(1) / 100
"""Relative difference of the sides of an equation that gives a rounded decimal."""
SET_LIMIT: Final = 40

_FRACTION: Final = re.compile(r"(-?)\\frac\{(\d{1,40})\}\{(\d{1,40})\}")


_UNIT_LIKE: Final = re.compile(r"(?<=[\d}])([cd])$")
"""A variable that math-verify drops as a unit (cents, days) at the end of a text."""


def equal(truth: str, answer: str) -> bool:
    """Whether two LaTeX formulas, without delimiters, are equal.

    Lists are sets, unless they have brackets: (1, 2) is a pair or an interval. Equations are equal up to a factor other than 0.
    Ratios are equal up to a common factor other than 0, and to a fraction of whole numbers, but not to a decimal. A time of day
    is read as a ratio too. A text that cannot be read
    as a whole equals only itself.
    """
    if truth == answer:
        return True
    if ":" in truth or ":" in answer:
        ratio, other_ratio = _ratio(truth), _ratio(answer)
        return ratio is not None and other_ratio is not None and _proportional(ratio, other_ratio)
    parts, other_parts = _ordered(truth), _ordered(answer)
    if parts is not None and other_parts is not None:
        # Round and square brackets tell intervals apart; three or more numbers are no interval.
        same_ends = len(parts) > 2 or (truth[0], truth[-1]) == (answer[0], answer[-1])
        return same_ends and len(parts) == len(other_parts) and all(map(equal, parts, other_parts))
    one, other = _parsed(truth), _parsed(answer)
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and one == other
    return _same(one, other)


def _parsed(text: str) -> Any:
    """The tree of a text; the text, as math-verify tidies it, if it cannot be read."""
    text = _UNIT_LIKE.sub(r"\\cdot(\1)", text)
    found = math_verify.parse(f"${text}$", [LatexExtractionConfig()], parsing_timeout=None)
    return found[0] if found else text


def _ratio(text: str) -> list[Any] | None:
    """The parts of a ratio ("3:4") or of a fraction of whole numbers; None for other texts."""
    fraction = _FRACTION.fullmatch(text)
    parts = text.split(":") if fraction is None else [fraction[1] + fraction[2], fraction[3]]
    trees = [_parsed(part) for part in parts]
    return trees if len(trees) > 1 and all(isinstance(tree, sympy.Expr) for tree in trees) else None


def _proportional(one: list[Any], other: list[Any]) -> bool:
    """Whether two ratios have the same parts that are 0, at least one that is not, and a common factor."""
    zeros, others = ([_expressions(part, sympy.Integer(0)) is True for part in parts] for parts in (one, other))
    if zeros != others or all(zeros):
        return False
    first = zeros.index(False)
    products = (
        [sympy.Mul(a, b, evaluate=False) for a, b in ((left, other[first]), (right, one[first]))]
        for left, right in zip(one, other, strict=True)
    )
    return all(_expressions(*pair) is True for pair in products)


def _ordered(text: str) -> list[str] | None:
    """The parts of a pair, tuple or interval; None for other texts, such as (1,2)(3,4)."""
    if text[:1] not in ("(", "[") or text[-1:] not in (")", "]"):
        return None
    depth, start, parts = 0, 1, []
    for place, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth == 1 and char == ",":
            parts.append(text[start:place])
            start = place + 1
        if depth == 0 and place < len(text) - 1:
            return None
    parts.append(text[start:-1])
    return parts if len(parts) > 1 and all(parts) else None


def _same(one: Any, other: Any) -> bool:
    verdict = _decided(one, other)
    return (
        bool(math_verify.verify(one, other, timeout_seconds=None, allow_set_relation_comp=True)) if verdict is None else verdict
    )


def _decided(one: Any, other: Any) -> bool | None:
    """The verdict of numbers; None if they have none."""
    if isinstance(one, Relational) and isinstance(other, Relational):
        return _relations(one, other)
    for equation, expression in ((one, other), (other, one)):
        if not isinstance(equation, sympy.Eq) or isinstance(expression, (Relational, sympy.And)):
            continue
        if _is_name(equation.lhs):  # y = 2x + 1
            return _same(equation.rhs, expression)
        if equation is other and not variables(equation.lhs):  # 3 + 4 = 7, but not 3 = 4
            return _same(equation.rhs, expression) and _holds(equation)
        if isinstance(expression, sympy.Expr) and _is_solution(equation, expression):
            return True
    if _is_range(one) and _is_range(other):
        return bool(one.as_set() == other.as_set())
    if isinstance(one, sympy.FiniteSet) or isinstance(other, sympy.FiniteSet):
        return _sets(one, other)
    if isinstance(one, sympy.MatrixBase) and isinstance(other, sympy.MatrixBase):
        return one.shape == other.shape and all(_same(*pair) for pair in zip(one.flat(), other.flat(), strict=True))
    if isinstance(one, sympy.Interval) and isinstance(other, sympy.Interval):
        same_ends = one.left_open == other.left_open and one.right_open == other.right_open
        return same_ends and _same(one.start, other.start) and _same(one.end, other.end)
    if any(isinstance(side, sympy.Symbol) and len(str(side)) > 1 for side in (one, other)):
        return None  # a word is a symbol with backslashes and a product without
    if isinstance(one, sympy.Expr) and isinstance(other, sympy.Expr):
        return _expressions(one, other)
    return None


def _holds(equation: Any) -> bool:
    """Whether both sides are equal, or nearly so if one is a decimal: 22/7 = 3.14."""
    if _same(equation.lhs, equation.rhs):
        return True
    if not equation.has(sympy.Float):
        return False
    with mpmath.workdps(DIGITS):
        try:
            return bool(_relative(value(equation.lhs, {}), value(equation.rhs, {})) <= ROUNDED)
        except UnknownValueError:
            return False


def _is_name(tree: Any) -> bool:
    return isinstance(tree, (sympy.Symbol, AppliedUndef))


def _is_range(tree: Any) -> bool:
    """Whether `tree` is a chain of inequalities for one unknown: 2 < x < 3."""
    return isinstance(tree, sympy.And) and len(variables(tree)) == 1 and not tree.has(sympy.Eq, sympy.Ne, AppliedUndef)


def _is_solution(equation: Any, expression: Any) -> bool:
    """Whether a linear equation ("y - 2x - 1 = 0") holds for its unknown y = `expression`, which has other variables."""
    unknown = variables(equation) - variables(expression)
    if len(unknown) != 1 or not variables(expression) or not variables(equation) >= variables(expression):
        return False
    name = next(iter(unknown))
    held = 0
    with mpmath.workdps(DIGITS):
        for point, _ in _points(variables(expression)):
            try:
                at = value(expression, point)
                sides = [[real(value(side, {**point, name: at + step})) for side in equation.args] for step in range(3)]
            except UnknownValueError:
                continue
            zero, first, second = (left - right for left, right in sides)
            scale = max(abs(side) for pair in sides for side in pair)
            if abs(zero) > scale * SAME or abs(first) <= scale * SAME or abs(second - 2 * first) > scale * SAME:
                return False
            held += 1
    return held >= ENOUGH


def _sets(one: Any, other: Any) -> bool | None:
    sides = [side if isinstance(side, sympy.FiniteSet) else sympy.FiniteSet(side) for side in (one, other)]
    if any(isinstance(side, (sympy.Tuple, sympy.Set)) and not isinstance(side, sympy.FiniteSet) for side in (one, other)):
        return None
    left = list(sides[1].args)
    if len(sides[0].args) != len(left):
        return False
    if len(left) > SET_LIMIT:
        return None
    for element in sides[0].args:
        match = next((place for place, candidate in enumerate(left) if _is_named_alike(element, candidate)), None)
        if match is None:
            return False
        del left[match]
    return True


def _is_named_alike(one: Any, other: Any) -> bool:
    """Equal, and for two equations of a system also of the same unknown: {p = 3, q = 5} is not {p = 5, q = 3}."""
    if isinstance(one, sympy.Eq) and isinstance(other, sympy.Eq) and _is_name(one.lhs) and _is_name(other.lhs):
        return one.lhs == other.lhs and _same(one.rhs, other.rhs)
    return _same(one, other)


def _relations(one: Any, other: Any) -> bool | None:
    """Whether the differences of the sides of two equations or inequalities have a constant ratio, of the sign that fits.

    Two equations that name expressions ("y = 2x + 1", "f(x) = 1 + 2x") are also equal if the expressions are.
    """
    named = isinstance(one, sympy.Eq) and isinstance(other, sympy.Eq) and _is_name(one.lhs) and _is_name(other.lhs)
    if named and _same(one.rhs, other.rhs):
        return True
    sides = (one.lhs, one.rhs, other.lhs, other.rhs)
    if not all(isinstance(side, sympy.Expr) for side in sides):
        return None
    with mpmath.workdps(DIGITS):
        ratios = list(_ratios_of_sides(sides))
        if len(ratios) < ENOUGH:
            return None
        spread = max(_relative(ratio, ratios[0]) for ratio in ratios)
        if spread <= (BINARY if any(side.has(sympy.Float) for side in sides) else SAME):
            return type(other) is type(
                one if mpmath.re(ratios[0]) > 0 or isinstance(one, (sympy.Eq, sympy.Ne)) else one.reversed
            )
        return False if named or spread <= DECIMAL else None


def _ratios_of_sides(sides: tuple[Any, ...]) -> Iterator[Any]:
    for point, _ in _points(frozenset().union(*map(variables, sides))):
        try:
            left, right, other_left, other_right = (real(value(side, point)) for side in sides)
        except UnknownValueError:
            continue
        if left != right and other_left != other_right:
            yield (left - right) / (other_left - other_right)


def _expressions(one: Any, other: Any) -> bool | None:
    names = variables(one) | variables(other)
    with mpmath.workdps(DIGITS):
        differences = list(_differences(one, other, names))
        if len(differences) < (ENOUGH if names else 1):
            return None if names else _by_logarithm(one, other)
        largest = max(differences)
        if one.has(sympy.Float) or other.has(sympy.Float):
            return None if BINARY < largest <= DECIMAL else bool(largest <= BINARY)
        return bool(largest <= SAME)


def _differences(one: Any, other: Any, names: frozenset[str]) -> Iterator[Any]:
    """Relative differences at the points where both have a value; left of zero, only where all parts are real."""
    for point, positive in _points(names):
        try:
            pair = value(one, point), value(other, point)
        except UnknownValueError:
            continue
        if not positive and any(isinstance(each, mpmath.mpc) for each in pair):
            continue
        if all(isinstance(each, Fraction) for each in pair):
            yield mpmath.mpf(0) if pair[0] == pair[1] else max(_relative(*pair), 2 * SAME)
            continue
        difference = _relative(*pair)
        try:
            if difference > SAME and _is_noise(one, other, point, abs(real(pair[0]) - real(pair[1]))):
                difference = mpmath.mpf(0)
        except UnknownValueError:  # none to more digits
            continue
        yield difference


def _is_noise(one: Any, other: Any, point: Mapping[str, Fraction], difference: Any) -> bool:
    """Whether a difference goes with more digits, as it does where terms cancel. Raises UnknownValueError as `value` does."""
    with mpmath.workdps(3 * DIGITS):
        return bool(abs(real(value(one, point)) - real(value(other, point))) <= difference * SAME)


def _relative(one: Any, other: Any) -> Any:
    one, other = real(one), real(other)
    scale = max(abs(one), abs(other))
    return abs(one - other) / scale if scale else scale


def _points(names: frozenset[str]) -> Iterator[tuple[Mapping[str, Fraction], bool]]:
    """Fixed random points, and whether all numbers of a point are positive; one empty point if there are no names."""
    if not names:
        yield {}, True
        return
    chance = random.Random(7)  # noqa: S311 - no secret
    for at in range(POINTS):
        positive = at % 2 == 0
        # Even denominators: no odd root of a negative number is taken because of the point.
        numbers = {name: Fraction(2 * chance.randrange(600, 6000) + 1, 4096) for name in sorted(names)}
        yield {name: number if positive or chance.random() < 0.3 else -number for name, number in numbers.items()}, positive


def _by_logarithm(one: Any, other: Any) -> bool | None:
    """The verdict on numbers that are too large to be written."""
    try:
        (sign, size), (other_sign, other_size) = logarithm(one), logarithm(other)
    except UnknownValueError:
        return None
    return bool(sign == other_sign and _relative(size, other_size) <= SAME)
