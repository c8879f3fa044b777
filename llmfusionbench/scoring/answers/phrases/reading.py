"""A text in the normal forms in which answers are looked for."""

from __future__ import annotations

import re
from functools import cached_property

from llmfusionbench.scoring.answers.normalise import normalise, normalise_spaced
from llmfusionbench.scoring.answers.phrases.spelling import one_spelling
from llmfusionbench.scoring.answers.phrases.units import named_signs, whole_hours
from llmfusionbench.scoring.answers.phrases.wording import one_wording

_DECIMAL = re.compile(r"(?<![\d.,])(\d{1,3})\.(\d{1,2}|\d{4,9})(?!\d|[.,]\d)")
_BETWEEN = re.compile(r"[-/:](?<=\d.)(?=\d)")
_WHOLE = re.compile(r"(?<=\d)\.00?(?!\d|[.,]\d)")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3}){1,4}(?![\d,])")
_POINT = "\u02d1"
"""A letter that stands for the point of a decimal number, so that 6.8 contains neither 8 nor 68."""


class Reading:
    """The normal forms of a text, each made once and only if it is asked for."""

    def __init__(self, letters: str) -> None:
        self.letters = letters
        self.plain = normalise(letters)

    @cached_property
    def spaced(self) -> str:
        """`plain` with spaces for punctuation marks."""
        return normalise_spaced(self.letters)

    @cached_property
    def joined(self) -> str:
        """`plain` without spaces."""
        return self.plain.replace(" ", "")

    @cached_property
    def spelled(self) -> str:
        """`plain` in one spelling."""
        return one_spelling(self.plain)

    @cached_property
    def worded(self) -> str:
        """`spaced` in one wording, with names for the signs of units."""
        return one_wording(named_signs(self.letters))

    @cached_property
    def numbers(self) -> Reading:
        """The same text with 1,200 and 6.8 as one word each, and 9.0 as 9."""
        joined = whole_numbers(self.letters)
        return self if joined == self.letters else Reading(joined)


def whole_numbers(letters: str) -> str:
    """`letters` with each number as one word: "1,200" -> "1200", "9.0" -> "9"; 6.8 keeps its point, as a letter.

    What separates two numbers becomes a space: "1/2" is not 12, and "3-1" is not 31.
    """
    letters = _BETWEEN.sub(" ", letters)
    if "." in letters:
        letters = whole_hours(letters)
        letters = _DECIMAL.sub(rf"\1{_POINT}\2", _WHOLE.sub("", letters))
    return _THOUSANDS.sub(_no_commas, letters) if "," in letters else letters


def _no_commas(found: re.Match[str]) -> str:
    return found[0].replace(",", "")
