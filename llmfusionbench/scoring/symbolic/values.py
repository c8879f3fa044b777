"""Values of expression trees, exact where they are short and else to many digits, with a bound on the work of each step.

The trees are those of math-verify's parser, which computes nothing. They are never evaluated by sympy, which would expand 9^9^9
digit by digit. Only the child process imports this module.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import mpmath
import sympy
from sympy.core.function import AppliedUndef

DIGITS: Final = 120
"""Significant digits of a value that is not exact."""
EXACT_BITS: Final = 1 << 20
"""Longest numerator or denominator of an exact value, in bits. Longer ones are rounded to `DIGITS`."""
MAGNITUDE: Final = 5000
"""Largest binary order of magnitude of an exponent, or of the argument of a function."""

_PLAIN: Final[Mapping[Any, Callable[[Any], Any]]] = {
    sympy.sin: mpmath.sin,
    sympy.cos: mpmath.cos,
    sympy.tan: mpmath.tan,
    sympy.cot: mpmath.cot,
    sympy.sec: mpmath.sec,
    sympy.csc: mpmath.csc,
    sympy.asin: mpmath.asin,
    sympy.acos: mpmath.acos,
    sympy.atan: mpmath.atan,
    sympy.sinh: mpmath.sinh,
    sympy.cosh: mpmath.cosh,
    sympy.tanh: mpmath.tanh,
    sympy.asinh: mpmath.asinh,
    sympy.acosh: mpmath.acosh,
    sympy.atanh: mpmath.atanh,
    sympy.exp: mpmath.exp,
    sympy.Abs: abs,
    sympy.re: mpmath.re,
    sympy.im: mpmath.im,
    sympy.arg: mpmath.arg,
    sympy.conjugate: mpmath.conj,
    sympy.floor: mpmath.floor,
    sympy.ceiling: mpmath.ceil,
    sympy.gamma: mpmath.gamma,
}


class UnknownValueError(Exception):
    """The value is not defined, too large, or of a function that is not known here."""


_FAILURES: Final = (ZeroDivisionError, ValueError, OverflowError, TypeError, mpmath.libmp.NoConvergence)
"""What the functions of mpmath raise at poles and outside their domain."""


def variables(tree: Any) -> frozenset[str]:
    """Names of the symbols and the unknown functions ("f(x)") of `tree`; i is the imaginary unit."""
    if isinstance(tree, (sympy.Symbol, AppliedUndef)):
        name = str(tree)
        return frozenset() if name == "i" else frozenset((name,))
    return frozenset().union(*(variables(part) for part in tree.args))


def value(tree: Any, point: Mapping[str, Any]) -> Any:
    """The value of `tree` as a Fraction or a number of mpmath, to the digits that `mpmath.mp` is set to.

    Args:
        tree: An expression of sympy.
        point: The value of each of `variables(tree)`.

    Raises:
        UnknownValueError: there is none.
    """
    if isinstance(tree, sympy.Rational):
        return Fraction(int(tree.p), int(tree.q))
    if isinstance(tree, sympy.Float):
        text = str(tree)
        if len(text.rpartition("e")[2]) > 5 and "e" in text:
            raise UnknownValueError("too large")
        try:
            return Fraction(text)
        except ValueError as error:  # not a number, or infinite
            raise UnknownValueError(text) from error
    if isinstance(tree, (sympy.Symbol, AppliedUndef)):
        return mpmath.mpc(0, 1) if str(tree) == "i" else point[str(tree)]
    if tree in _CONSTANTS:
        return +_CONSTANTS[tree]
    parts = [value(part, point) for part in tree.args]
    try:
        result = _applied(tree.func, parts)
    except _FAILURES as error:
        raise UnknownValueError(str(error)) from error
    if not isinstance(result, Fraction) and not mpmath.isfinite(result):
        raise UnknownValueError("infinite")
    return result


_CONSTANTS: Final = {sympy.pi: mpmath.pi, sympy.E: mpmath.e, sympy.I: mpmath.mpc(0, 1), sympy.GoldenRatio: mpmath.phi}


def _applied(function: Any, parts: list[Any]) -> Any:
    if function is sympy.Add:
        return _folded(_sum, parts, Fraction(0))
    if function is sympy.Mul:
        return _folded(lambda a, b: a * b, parts, Fraction(1))
    if function is sympy.Pow:
        return _power(*parts)
    if function is sympy.UnevaluatedExpr:
        return parts[0]
    if function in (sympy.factorial, sympy.binomial):
        return _combinatorial(function, parts)
    if function in (sympy.Max, sympy.Min):
        return (max if function is sympy.Max else min)(parts)
    numbers = [_bounded(real(part)) for part in parts]
    if function is sympy.log:
        return mpmath.log(numbers[0]) / (mpmath.log(numbers[1]) if len(numbers) > 1 else 1)
    if function not in _PLAIN or len(numbers) != 1:
        raise UnknownValueError(str(function))
    return _PLAIN[function](numbers[0])


def _folded(join: Callable[[Any, Any], Any], parts: list[Any], start: Fraction) -> Any:
    """All exact parts first, then the others."""
    exact: Any = start
    for part in parts:
        if isinstance(part, Fraction):
            exact = _short(join(exact, part)) if isinstance(exact, Fraction) else join(exact, real(part))
    rest = [part for part in parts if not isinstance(part, Fraction)]
    if not rest:
        return exact
    total = rest[0]
    for part in rest[1:]:
        total = join(total, part)
    return total if exact == start else join(real(exact), total)


def _sum(one: Any, other: Any) -> Any:
    total = one + other
    # 9^9^9 + 1 is not 9^9^9, though all digits that are kept are the same.
    if not isinstance(total, Fraction) and one != 0 and other != 0 and total in (one, other):
        raise UnknownValueError("a term is lost")
    return total


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, Fraction):
        if isinstance(base, Fraction):
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if exponent.denominator == 1 and bits * abs(exponent.numerator) <= EXACT_BITS:
                return base**exponent.numerator
        if exponent.denominator % 2 and exponent.denominator > 1 and mpmath.im(real(base)) == 0 and real(base) < 0:
            # The cube root of -8 is -2, as at school.
            root = mpmath.power(-real(base), real(exponent))
            return -root if exponent.numerator % 2 else root
    base, exponent = real(base), real(exponent)
    if base == 0:
        if exponent == 0 or mpmath.re(exponent) < 0:
            raise UnknownValueError("zero to the power of zero or less")
        return mpmath.mpf(0)
    _bounded(exponent)
    _bounded(exponent * mpmath.log(base))
    return mpmath.power(base, exponent)


def _combinatorial(function: Any, parts: list[Any]) -> Any:
    whole = all(isinstance(part, Fraction) and part.denominator == 1 and part >= 0 for part in parts)
    if whole and parts[0] <= EXACT_BITS // 32:
        counts = [int(part) for part in parts]
        return _short(Fraction(math.factorial(counts[0]) if function is sympy.factorial else math.comb(*counts)))
    numbers = [_bounded(real(part)) for part in parts]
    for number in numbers:
        _bounded(number * mpmath.log(abs(number) + 2))
    return mpmath.factorial(numbers[0]) if function is sympy.factorial else mpmath.binomial(*numbers)


def real(number: Any) -> Any:
    """A number of mpmath for `number`."""
    if isinstance(number, Fraction):
        return mpmath.mpf(number.numerator) / number.denominator
    return number


def _short(number: Fraction) -> Any:
    longest = max(number.numerator.bit_length(), number.denominator.bit_length())
    return number if longest <= 2 * EXACT_BITS else real(number)


def _bounded(number: Any) -> Any:
    if number != 0 and mpmath.mag(number) > MAGNITUDE:
        raise UnknownValueError("too large")
    return number


def logarithm(tree: Any) -> tuple[int, Any]:
    """Sign and natural logarithm of a number too large to be written, from those of its factors.

    Raises:
        UnknownValueError: as `value`, or `tree` is a sum of such numbers or no real number.
    """
    try:
        sign, size = _logarithm(tree)
    except _FAILURES as error:
        raise UnknownValueError(str(error)) from error
    if not mpmath.isfinite(size):
        raise UnknownValueError("infinite")
    return sign, size


def _logarithm(tree: Any) -> tuple[int, Any]:
    if tree.func is sympy.Mul:
        signs, sizes = zip(*map(logarithm, tree.args), strict=True)
        return math.prod(signs), mpmath.fsum(sizes)
    if tree.func is sympy.Pow:
        sign, size = logarithm(tree.args[0])
        if sign < 0:
            raise UnknownValueError("a large power of a negative number")
        return 1, real(value(tree.args[1], {})) * size
    if tree.func is sympy.exp:
        return 1, real(value(tree.args[0], {}))
    if tree.func is sympy.factorial:
        return 1, mpmath.loggamma(real(value(tree.args[0], {})) + 1)
    number = real(value(tree, {}))
    if number == 0 or mpmath.im(number) != 0:
        raise UnknownValueError("no real logarithm")
    return 1 if number > 0 else -1, mpmath.log(abs(number))
