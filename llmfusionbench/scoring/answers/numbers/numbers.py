"""Finds numbers in text and gives each an exact form, in which 18, 18.00, $18 and 36/2 are equal.

Works on digits: no power is expanded and no float is made, so "1e999999999" costs no more than its text.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from llmfusionbench.scoring.answers.marks import plain_width
from llmfusionbench.texts.lazy_pattern import lazy_pattern

FRACTION_DIGITS = 60
"""Fractions with longer numerators or denominators are compared as written."""
DOUBLE_DIGITS = 15
"""Digits from which on a decimal may be the print of a double."""
ROUNDING = Fraction(1, 10**14)
"""Relative difference that the rounding of a few operations on doubles makes."""
ROUNDED_DIGITS = 4
"""Digits that a repeating decimal must be given with: 0.3333 is 1/3, and 0.33 is another number."""
WINDOWS = (48, 400)
"""Lengths of the text before the last digit that are searched for the last number first, in characters."""

SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
"""Power of ten of a word behind digits: 3 million is 3000000."""

_AFTER = 10
"""Number of characters after the last digit that may belong to its number: " per cent"."""
_UP_TO_LAST_DIGIT = lazy_pattern(r".*[\d\u00bc-\u00be\u2150-\u215e]", re.DOTALL)
_TOKEN = lazy_pattern(
    r"(?P<minus>(?<![\w)\]}])-)?(?:[$€£¥₹]\s?(?P<inner>-)?)?"
    r"(?:(?P<whole>\d(?<!\d\d)(?<![a-zA-Z)}]\^\d)(?<![a-zA-Z]\^\{\d)[\d,]*+)(?P<part>\.\d++)?+|(?<![\w.])(?P<bare>\.\d++))"
    r"(?P<power>[eE][-+]?\d++(?!\w)|\s?(?:\u00d7|\\times|\*|x)\s?10\s?\^\s?\{?-?\d++\}?"
    r"|[\s-](?P<scale>[Hh]undred|[Tt]housand|[Mm]illion|[Bb]illion|[Tt]rillion)\b)?+"
    r"(?:(?P<over>\s?/\s?\d++(?![\d,]*\.\d))|(?P<mixed>\s\d++/\d++(?![\d/])))?"
    r"(?P<percent>\s?\\?%|\s(?:percent|per cent)\b)?"
)
_GROUPED = lazy_pattern(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}")
_LATEX_FRACTION = lazy_pattern(r"(?P<digit>\d)?\s?\\[dt]?frac(?:\s?\{\s?(\d+)\s?\}\s?\{\s?(\d+)\s?\}|\s?(\d)\s?(\d)(?!\d))")
_SEPARATORS = lazy_pattern(r"(?<=\d)(?:\{,\}|\\,|\\!,?|\\ (?=\d{3}(?!\d))|\u00a0|\u202f|\u2009)(?=\d)")
_APOSTROPHES = lazy_pattern(r"(?<=\d)['_](?=\d{3}(?!\d))")
_UNIT_POWER = lazy_pattern(r"(\d\s?(?:[cmk]?m|ft|in|yd))[23]\b")
_POWER_LIKE = lazy_pattern(r"[mntd][23]")
_NEGATIVE = lazy_pattern(r"\b[Nn]egative (?=\$?\d)")
_SIGNS = str.maketrans({"\u2212": "-", "\ufe63": "-", "\u2044": "/"})
_DASH = lazy_pattern(r"(?<![\w)\]}.%])(?<![\d)\]}%] )\u2013(?=[$\u20ac\u00a3]?\.?\d)")
_VULGAR = lazy_pattern(r"(\d ?)?([\u00bc-\u00be\u2150-\u215e])")


Key: TypeAlias = tuple[str, str, int] | tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number."""

    key: Key
    """(sign, digits without outer zeros, power of ten), or ("/", numerator, denominator); equal for equal numbers."""
    percent: bool
    text: str
    """The number as written."""

    def equals(self, other: Number, *, digits: int = ROUNDED_DIGITS) -> bool:
        """Exact equality. If only one side has a percent sign, 50% equals both 50 and 0.5.

        Two numbers are also equal that differ as a number and its rounding do: by the rounding of binary floating point
        (0.30000000000000004 and 0.3), or as a repeating decimal and its first digits, `digits` or more (1/3 and 0.3333).
        """
        if _same(self.key, other.key, digits):
            return True
        if self.percent == other.percent:
            return False
        with_sign, plain = (self, other) if self.percent else (other, self)
        sign, digits_of, power = with_sign.key
        return isinstance(power, int) and _same((sign, digits_of, power - 2), plain.key, digits)


def _same(one: Key, other: Key, digits: int) -> bool:
    if one == other:
        return True
    if not (_is_long(one) or _is_long(other)):
        return False
    values = _value(one), _value(other)
    if values[0] is None or values[1] is None:
        return False
    if "/" not in (one[0], other[0]) or max(len(one[1]), len(other[1])) >= DOUBLE_DIGITS:
        scale = max(abs(values[0]), abs(values[1]))
        if abs(values[0] - values[1]) <= scale * ROUNDING:
            return True
    return any(
        _is_long(key)
        and part[0] != "/"
        and int(part[2]) < 0
        and len(part[1]) >= digits
        and _shortened(value, short, int(part[2]))
        for key, value, part, short in ((one, values[0], other, values[1]), (other, values[1], one, values[0]))
    )


def _is_long(key: Key) -> bool:
    """Whether a number is a fraction without a finite decimal, or a decimal with all the digits of a double."""
    return key[0] == "/" or (len(key[1]) >= DOUBLE_DIGITS and int(key[2]) < 0)


def _value(key: Key) -> Fraction | None:
    """The exact value; None for numbers that are compared only as written."""
    if key[0] == "/":
        above, below = key[1], str(key[2])
        if max(len(above), len(below)) > FRACTION_DIGITS or not above.lstrip("-").isdecimal():
            return None
        return Fraction(int(above), int(below)) if int(below) else None
    sign, digits, power = key[0], key[1], int(key[2])
    if len(digits) > FRACTION_DIGITS or abs(power) > FRACTION_DIGITS:
        return None
    value = int(digits) * Fraction(10) ** power
    return -value if sign else value


def _shortened(value: Fraction, short: Fraction, power: int) -> bool:
    """Whether `short`, whose last digit stands for 10 ** `power`, is `value` rounded or cut off there."""
    unit = Fraction(10) ** power
    return (value < 0) == (short < 0) and abs(short) // unit in (abs(value) // unit, (abs(value) / unit + Fraction(1, 2)) // 1)


@dataclass(frozen=True, slots=True)
class Found:
    """A number and where it stands in a text."""

    start: int
    end: int
    number: Number
    is_share: bool
    """Whether it is a fraction or a percentage, of which "of" makes a calculation: "50% of 36"."""


def last_number(text: str) -> Number | None:
    """The last number in `text`, or None."""
    found = _UP_TO_LAST_DIGIT.match(text)
    if found is None:
        return None
    # A number is short: search a window around the last digit, and all of the text only if that was too small.
    for width in WINDOWS:
        start = found.end() - width
        if start <= 0:
            break
        number = _last(text[start : found.end() + _AFTER], margin=width // 3)
        if number is not None:
            return number
    return _last(text[: found.end() + _AFTER], margin=0)


def _last(text: str, margin: int) -> Number | None:
    text = plain_numbers(text)
    match = None
    for match in _TOKEN.finditer(text):  # noqa: B007 - only the last one counts
        pass
    if match is None or match.start() < margin:
        return None
    return _number(match, last=True)


def numbers_in(text: str, limit: int) -> list[Found]:
    """The first `limit` numbers in a text that `plain_numbers` made, with their places."""
    matches = itertools.islice(_TOKEN.finditer(text), limit)
    numbers = [(match, _number(match, last=False)) for match in matches]
    return [
        Found(match.start(), match.end(), number, number.percent or match["over"] is not None)
        for match, number in numbers
        if number is not None
    ]


def leading_number(text: str) -> Number | None:
    """The first number in `text`, also of an equation: 144 of "144 / 12 = 12", but 3/4 of "3/4 cups"; or None."""
    text = plain_numbers(text)
    match = _TOKEN.search(text)
    if match is not None and match["over"] is not None and text[match.end() :].lstrip().startswith("="):
        match = _TOKEN.search(text[: match.start("over")])
    return None if match is None else _number(match, last=False)


def whole_number(text: str) -> Number | None:
    """The number that `text` consists of, with signs of currency or per cent and white space; None for other texts."""
    text = plain_numbers(text).strip().rstrip(".")
    match = _TOKEN.fullmatch(text)
    if match is None or ("," in text and _GROUPED.fullmatch(match["whole"] or "") is None):
        return None
    return _number(match, last=False)


def plain_numbers(text: str) -> str:
    """`text` with plain numbers in place of LaTeX fractions, separators and the Unicode minus sign."""
    if not text.isascii():
        text = plain_width(_VULGAR.sub(_spelled_out, text)).translate(_SIGNS)
        text = _SEPARATORS.sub("", _DASH.sub("-", text.replace("\u2019", "'")))
    if "\\" in text or "{" in text:
        text = _SEPARATORS.sub("", text).replace("\\$", "$")
        text = _LATEX_FRACTION.sub(_slashed, text)
    if "egative" in text:
        text = _NEGATIVE.sub("-", text)
    if "'" in text or "_" in text:
        text = _APOSTROPHES.sub("", text)
    return text if _POWER_LIKE.search(text) is None else _UNIT_POWER.sub(r"\1", text)


def _slashed(found: re.Match[str]) -> str:
    fraction = f"{found[2] or found[4]}/{found[3] or found[5]}"
    return f"{found[1]} {fraction}" if found[1] else fraction


def _spelled_out(found: re.Match[str]) -> str:
    fraction = unicodedata.normalize("NFKC", found[2])
    return f"{found[1].strip()} {fraction}" if found[1] else fraction


def _number(match: re.Match[str], *, last: bool) -> Number | None:
    whole, part = match["whole"] or "0", match["part"] or match["bare"] or ""
    minus = match["minus"] is not None or match["inner"] is not None
    if "," in whole:
        pieces = whole.rstrip(",")
        if _GROUPED.fullmatch(pieces):
            whole = pieces.replace(",", "")
        else:  # a list such as 3,4,5
            listed = pieces.split(",")
            whole, minus = listed[-1 if last else 0], minus and (not last or len(listed) == 1)
            part = part if last or len(listed) == 1 else ""
    sign = "-" if minus else ""
    text = match[0].strip()
    percent = match["percent"] is not None
    power = 0
    if match["scale"] is not None:
        power = SCALES[match["scale"].lower()]
    elif match["power"] is not None:
        digits = re.sub(r"^.*?(-?)\+?(\d+)\}?$", r"\1\2", match["power"].split("^")[-1].lstrip("eE{ "))
        if len(digits) > 18:
            return None
        power = int(digits)
    if match["over"] is not None or match["mixed"] is not None:
        return _fraction(match, sign, whole, part, power, percent)
    return Number(_decimal(sign, whole, part[1:], power), percent, text)


def _decimal(sign: str, whole: str, part: str, power: int) -> tuple[str, str, int]:
    digits = (whole + part).lstrip("0")
    if not digits:
        return ("", "0", 0)
    kept = digits.rstrip("0")
    return (sign, _ascii_digits(kept), power - len(part) + len(digits) - len(kept))


def _ascii_digits(digits: str) -> str:
    """Arabic-Indic and other digits, which `\\d` matches, as 0-9."""
    return digits if digits.isascii() else "".join(str(int(char)) for char in digits)


def _fraction(match: re.Match[str], sign: str, whole: str, part: str, power: int, percent: bool) -> Number | None:
    if match["mixed"] is not None:
        above, below = match["mixed"].strip().split("/")
    else:
        above, below = "0", match["over"].replace("/", "").strip()
    if max(len(whole), len(part), len(above), len(below), abs(power)) > FRACTION_DIGITS:
        return Number(("/", sign + whole + part, below), percent, match[0].strip())
    if int(below) == 0:
        return None
    base = Fraction(int(whole + part[1:]), 1) * Fraction(10) ** (power - max(len(part) - 1, 0))
    if match["mixed"] is not None and not part and power == 0:
        value = base + Fraction(int(above), int(below))
    elif match["mixed"] is not None:  # "2.5 1/2" is not a mixed number: the second one counts
        value = Fraction(int(above), int(below))
    else:
        value = base / int(below)
    return Number(_rational(sign, value), percent, match[0].strip())


def _rational(sign: str, value: Fraction) -> tuple[str, str, int] | tuple[str, str, str]:
    above, below, power = value.numerator, value.denominator, 0
    while below % 10 == 0:
        below, power = below // 10, power - 1
    for factor, other in ((2, 5), (5, 2)):
        while below % factor == 0:
            below, above, power = below // factor, above * other, power - 1
    if below == 1:
        return _decimal(sign, str(above), "", power)
    return ("/", sign + str(value.numerator), str(value.denominator))
