"""Values of expression trees: exact, to many digits, or refused because they are too large."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest
import sympy

from llmfusionbench.scoring.symbolic.values import DIGITS, UnknownValueError, logarithm, value, variables

X, N = sympy.symbols("x n")


def power(base: object, exponent: object) -> sympy.Expr:
    """A power that sympy does not work out."""
    return sympy.Pow(base, exponent, evaluate=False)


BILLION = power(9, power(9, 9))
TOWER = power(9, BILLION)


def test_short_numbers_are_exact() -> None:
    assert value(sympy.Rational(3, 4), {}) == Fraction(3, 4)
    assert value(sympy.Float("0.125"), {}) == Fraction(1, 8)
    assert value(power(2, -98), {}) == Fraction(1, 2**98)
    assert value(sympy.factorial(30, evaluate=False), {}) == value(sympy.Integer(30) * sympy.factorial(29), {})
    assert value(sympy.binomial(N, 2), {"n": Fraction(7)}) == 21
    assert value(X**2 + X / 3, {"x": Fraction(1, 2)}) == Fraction(5, 12)


def test_other_numbers_have_many_digits() -> None:
    with mpmath.workdps(DIGITS):
        assert abs(value(sympy.sqrt(2), {}) ** 2 - 2) < mpmath.mpf(10) ** (5 - DIGITS)
        assert value(power(-8, sympy.Rational(1, 3)), {}) == -value(power(8, sympy.Rational(1, 3)), {})
        assert abs(value(sympy.exp(sympy.pi * sympy.Symbol("i")), {}) + 1) < mpmath.mpf(10) ** (5 - DIGITS)


def test_names() -> None:
    assert variables(sympy.Function("f")(X) + N * sympy.Symbol("i")) == {"f(x)", "n"}


@pytest.mark.parametrize("tree", [TOWER, sympy.factorial(BILLION), BILLION + 1, power(0, -1), sympy.oo, sympy.zeta(X)])
def test_what_cannot_be_written_is_refused(tree: sympy.Expr) -> None:
    with mpmath.workdps(DIGITS), pytest.raises(UnknownValueError):
        value(tree, {"x": Fraction(1, 2)})


def test_logarithms_of_what_is_too_large() -> None:
    with mpmath.workdps(DIGITS):
        sign, size = logarithm(sympy.Mul(-1, TOWER, evaluate=False))
        assert sign == -1
        assert size == logarithm(TOWER)[1]
        assert abs(size / value(BILLION, {}) - mpmath.log(9)) < mpmath.mpf(10) ** (5 - DIGITS)
        with pytest.raises(UnknownValueError):
            logarithm(TOWER + 1)


@pytest.mark.parametrize("number", [-2, -5])
def test_a_pole_has_no_value_and_no_logarithm(number: int) -> None:
    pole = sympy.factorial(sympy.Integer(number), evaluate=False)
    with pytest.raises(UnknownValueError):
        logarithm(pole)
    with pytest.raises(UnknownValueError):
        value(pole, {})


def test_a_decimal_that_is_no_number_has_no_value() -> None:
    with pytest.raises(UnknownValueError):
        value(sympy.Symbol("x") + sympy.Float("inf"), {"x": Fraction(1)})
