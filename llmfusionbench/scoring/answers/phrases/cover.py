"""Whether a response contains an accepted answer as whole words, in any of the ways in which people write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache

from llmfusionbench.scoring.answers.normalise import contains_words, normalise
from llmfusionbench.scoring.answers.phrases.forms import LastWord
from llmfusionbench.scoring.answers.phrases.glue import (
    between_spaces,
    contains_glued,
    contains_joined,
    without_citations,
)
from llmfusionbench.scoring.answers.phrases.letters import plain_letters
from llmfusionbench.scoring.answers.phrases.plurals import IRREGULAR
from llmfusionbench.scoring.answers.phrases.reading import Reading, whole_numbers
from llmfusionbench.scoring.answers.phrases.spelling import has_two_spellings
from llmfusionbench.scoring.answers.phrases.units import named_signs, whole_units
from llmfusionbench.scoring.answers.phrases.wording import one_wording, varies, whole_decade
from llmfusionbench.scoring.answers.truths import CACHED_LENGTH, accepted_answers

_CITED = re.compile(r"(?:[1-9]\d?|1?2?3?4?5?6?7?8?9?)(?!\w)")
"""The numbers of citations that stand right after a word: "Ann Lee1", "Ann Lee123"."""
_TAKES_DIGITS = re.compile(r"[A-Z]{1,5}|[a-z]{1,3}[A-Z]\w{0,20}")
_DIGIT = re.compile(r"\d")
_LONGEST = 20_000
"""Longer responses are not searched for other spellings and spaces."""
_LONG_NUMBER = re.compile(r"\d{4,}")
_LOST_LETTERS = 4
"""The least length of an answer that lost letters."""
_SPELLED = 5
"""The least length of an answer with another spelling."""


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
        if not gap:
            head = head[: 1 if head in IRREGULAR else max(2, len(head) - 3)]
        return head, spaced, self.has_digits or varies(self.letters, spaced)

    @cached_property
    def last(self) -> LastWord:
        """The last word, in its other forms."""
        return LastWord(self.letters, self.plain)

    @cached_property
    def worded(self) -> str:
        """`spaced` in one wording, without the names of signs: an answer of 5% is in "5" as well."""
        return one_wording(whole_decade(self.letters))

    @cached_property
    def respelled(self) -> bool:
        """Whether a text may contain it in another spelling."""
        return len(self.plain) >= _SPELLED and has_two_spellings(self.plain)

    @cached_property
    def takes_digits(self) -> bool:
        """Whether digits right after it make another name, and are no citation: "GPT4", "iPhone4"."""
        return _TAKES_DIGITS.fullmatch(self.letters) is not None

    @cached_property
    def number(self) -> str:
        """Its last number, if that has four digits or more, as a year has."""
        found = _LONG_NUMBER.findall(self.plain)
        return found[-1] if found else ""

    @cached_property
    def units(self) -> tuple[str, ...]:
        """`worded` with the names of signs and of a last unit, and with the other units that its name may mean; often none."""
        units = whole_units(one_wording(named_signs(whole_decade(self.letters))))
        return tuple(unit for unit in units if unit != self.worded)

    def is_in(self, text: Reading) -> bool:
        """Whether `text`, which does not contain `plain` as it is, contains the answer written in another way."""
        if self.has_digits:
            text = text.numbers
            if contains_words(text.plain, self.plain):
                return True
        head, spaced, worded = self.forms
        # Without punctuation "Paris/London" is one word: try again with spaces instead.
        if head and head in text.plain and self._is_near_in(text, spaced):
            return True
        if worded and self._is_worded_in(text):
            return True
        return self.respelled and len(text.plain) <= _LONGEST and contains_words(text.spelled, self.spelled)

    def _is_near_in(self, text: Reading, spaced: str) -> bool:
        """Whether its letters are there with other marks, with a citation or with another end."""
        if contains_words(text.spaced, spaced):
            return True
        last = self.last.word
        if len(last) > 2 and last[-1].isalpha() and not self.takes_digits and self._is_cited_in(text, spaced):
            return True
        return self.last.is_in(text)

    def _is_cited_in(self, text: Reading, spaced: str) -> bool:
        return contains_words(text.plain, self.plain, _CITED) or contains_words(text.spaced, spaced, _CITED)

    def _is_worded_in(self, text: Reading) -> bool:
        worded = text.worded
        if contains_words(worded, self.worded):
            return True
        return self.units != () and any(contains_words(worded, unit) for unit in self.units)

    def is_spelled_out_in(self, text: Reading) -> bool:
        """Whether `text` without spaces contains it without spaces."""
        return self.joined in text.joined or (self.has_digits and self.joined in text.numbers.joined)

    def is_joined_in(self, text: Reading) -> bool:
        """Whether it is there with other spaces."""
        return contains_joined((text.numbers if self.has_digits else text).plain, self.plain)

    def is_glued_in(self, text: Reading) -> bool:
        """Whether a text that lost the spaces around its links contains it."""
        return self.spaced != "" and contains_glued(text.letters, between_spaces(self.spaced))

    def is_in_lost_letters(self, lost_letters: str) -> bool:
        """Whether a text contains the answer once it lost the letters that English lacks, as the answer did in its data."""
        return len(self.plain) >= _LOST_LETTERS and self.text.isascii() and contains_words(lost_letters, self.plain)


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

    @cached_property
    def every(self) -> tuple[Answer, ...]:
        """All answers."""
        return tuple(self.answers())

    @cached_property
    def dated(self) -> tuple[Answer, ...]:
        """The answers with a number as long as that of a year."""
        return tuple(answer for answer in self.every if answer.number)


_cached = lru_cache(maxsize=8192)(_Truth)


def covered(response: str, ground_truth: str) -> str | None:
    """The first accepted answer that `response` contains as it is, else the first that it contains in another way; None if
    it contains none."""
    truth = _cached(ground_truth) if len(ground_truth) <= CACHED_LENGTH else _Truth(ground_truth)
    text = Reading(plain_letters(response))
    for answer in truth.answers():
        if (not answer.has_digits and contains_words(text.plain, answer.plain)) or answer.text == response:
            return answer.text
    for answer in truth.answers():
        if answer.is_in(text):
            return answer.text
    return _damaged(response, text, truth)


def _damaged(response: str, text: Reading, truth: _Truth) -> str | None:
    """The first accepted answer in a response that lost or gained spaces, or of a ground truth that lost letters."""
    if len(text.plain) > _LONGEST:
        return None
    if not response.isascii():
        lost_letters = normalise("".join([letter for letter in response if letter.isascii() or not letter.isalpha()]))
        for answer in truth.every:
            if answer.is_in_lost_letters(lost_letters):
                return answer.text
    within = [answer for answer in truth.every if answer.is_spelled_out_in(text)]
    for answer in within:
        if answer.is_joined_in(text):
            return answer.text
    if any(answer.number in text.plain for answer in truth.dated):
        uncited = without_citations(text.letters)
        if uncited != text.letters:
            text = Reading(uncited)
            for answer in truth.dated:
                if answer.is_in(text):
                    return answer.text
    for answer in within:
        if answer.is_glued_in(text):
            return answer.text
    return None
