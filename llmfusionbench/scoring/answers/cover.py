"""Whether a response contains an accepted answer as whole words, in any of the ways in which people write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache

from llmfusionbench.scoring.answers.letters import plain_letters
from llmfusionbench.scoring.answers.normalise import contains_words, normalise, normalise_spaced
from llmfusionbench.scoring.answers.plurals import other_numbers
from llmfusionbench.scoring.answers.truths import CACHED_LENGTH, accepted_answers
from llmfusionbench.scoring.answers.wording import one_wording, ordinal, varies

_CITED = re.compile(r"[1-9]\d?(?!\w)")
"""The number of a citation that stands right after a word: "Ann Lee1"."""
_DECIMAL = re.compile(r"(?<![\d.,])(\d{1,3})\.(\d{1,2}|\d{4,9})(?!\d|[.,]\d)")
_WHOLE = re.compile(r"(?<=\d)\.00?(?!\d|[.,]\d)")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3}){1,4}(?![\d,])")
_DIGIT = re.compile(r"\d")
_ONE = re.compile(r"\s*an? ", re.IGNORECASE)
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
    def worded(self) -> str:
        """`spaced` in one wording."""
        return one_wording(normalise_spaced(self.letters.replace("&", " and ")))

    @cached_property
    def numbers(self) -> Reading:
        """The same text with 1,200 and 6.8 as one word each, and 9.0 as 9."""
        joined = whole_numbers(self.letters)
        return self if joined == self.letters else Reading(joined)


class Answer(Reading):
    """An accepted answer."""

    def __init__(self, text: str) -> None:
        self.text = text
        letters = plain_letters(text)
        self.has_digits = _DIGIT.search(letters) is not None
        super().__init__(whole_numbers(letters) if self.has_digits else letters)

    @cached_property
    def forms(self) -> tuple[str, str, bool]:
        """Letters that `plain` of any text must have that contains the answer; `spaced`; whether there are other wordings.

        The letters are the first word, or the start of the only word.
        """
        spaced = self.plain if self.letters.replace(" ", "").isalnum() else self.spaced
        head, gap, _ = spaced.partition(" ")
        return head if gap else head[: max(2, len(head) - 3)], spaced, self.has_digits or varies(self.letters, spaced)

    @cached_property
    def others(self) -> tuple[str, tuple[str, ...]]:
        """What `plain` and its plural, singular or ordinal share, and the last words of these."""
        start, gap, last = self.plain.rpartition(" ")
        if last.isascii() and last.isdigit() and len(last) <= 3 and last[0] != "0":
            return self.plain, (ordinal(int(last)),)
        shared, words = other_numbers(last)
        if _ONE.match(self.letters) is not None and f"{last}s" in words:
            words = ()  # "a week" is not "741 weeks"
        return start + gap + shared, words

    def is_in(self, text: Reading) -> bool:
        """Whether `text`, which does not contain `plain` as it is, contains the answer written in another way."""
        if self.has_digits:
            text = text.numbers
            if contains_words(text.plain, self.plain):
                return True
        head, spaced, worded = self.forms
        # Without punctuation "Paris/London" is one word: try again with spaces instead.
        if head and head in text.plain:
            if contains_words(text.spaced, spaced):
                return True
            stem, words = self.others
            if stem in text.plain and self._is_in_other_number(text, words):
                return True
        return worded and contains_words(text.worded, self.worded)

    def _is_in_other_number(self, text: Reading, words: tuple[str, ...]) -> bool:
        last = self.plain.rpartition(" ")[2]
        if len(last) > 2 and last.isalpha() and contains_words(text.plain, self.plain, _CITED):
            return True
        start = self.plain[: len(self.plain) - len(last)]
        for word in words:
            form = start + word
            # A capital may start a name: "Williams" is not the plural of "William".
            named = word not in text.letters and not (text.plain.startswith(form) and last in self.letters)
            if not named and any(
                contains_words(part.replace(f"{form} centur", ""), form) for part in (text.plain, text.spaced)
            ):
                return True
        return False


def whole_numbers(letters: str) -> str:
    """`letters` with each number as one word: "1,200" -> "1200", "9.0" -> "9"; 6.8 keeps its point, as a letter."""
    if "." in letters:
        letters = _DECIMAL.sub(rf"\1{_POINT}\2", _WHOLE.sub("", letters))
    return _THOUSANDS.sub(_no_commas, letters) if "," in letters else letters


def _no_commas(found: re.Match[str]) -> str:
    return found[0].replace(",", "")


class _Truth:
    """The accepted answers of a ground truth, each read when it is first needed."""

    def __init__(self, ground_truth: str) -> None:
        self.texts = accepted_answers(ground_truth)
        self.made: list[Answer | None] = [None] * len(self.texts)

    def answers(self) -> Iterator[Answer]:
        for place, text in enumerate(self.texts):
            answer = self.made[place]
            if answer is None:
                answer = self.made[place] = Answer(text)
            yield answer


_cached = lru_cache(maxsize=8192)(_Truth)


def covered(response: str, ground_truth: str) -> str | None:
    """The first accepted answer that `response` contains as it is, else the first that it contains in another way; None if
    it contains none."""
    truth = _cached(ground_truth) if len(ground_truth) <= CACHED_LENGTH else _Truth(ground_truth)
    text = Reading(plain_letters(response))
    for answer in truth.answers():
        if (not answer.has_digits and contains_words(text.plain, answer.plain)) or answer.text == response:
            return answer.text
    return next((answer.text for answer in truth.answers() if answer.is_in(text)), None)
