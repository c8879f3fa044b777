"""A prompt as sentences of plain words, which are compared to find what two prompts do not share."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property, lru_cache
from typing import Final

from llmfusionbench.texts.asking_words import NUMBERS
from llmfusionbench.texts.lazy_pattern import lazy_pattern

SIGNS: Final = frozenset("+-*/^<>=×÷·")
_SENTENCE_END: Final = lazy_pattern(r"(?<=[.?!;:])\s|(?<=[。？！；：])|\n")
_TOKEN: Final = lazy_pattern(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\d+(?:[.,]\d+)*|\w+|[^\w\s]")
"""A character of a script without spaces, a number, a word, or one other character."""
_NUMBERED: Final = lazy_pattern(
    r"^[ \t]{0,20}\(?\d{1,3}[.):](?=\s)|\b(?:question|problem|exercise|example|task)[ \t]{0,3}#?\d{1,4}(?=\s?[:.)])",
    re.IGNORECASE | re.MULTILINE,
)
"""The number that a list or a set of exercises gives to a question."""
_QUOTED: Final = lazy_pattern(r"""(?<!\w)["'“‘]([^"'“”‘’]{1,40})["'”’](?!\w)""")
_KEPT: Final = 500
"""Characters up to which a sentence is kept for the next prompt that has it, which bounds the memory of those kept."""


class Reading:
    """What is compared of one prompt. Each part is computed when it is first asked for, and takes about as much as its text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.repeats = False
        """Whether a sentence occurs more than once; known once `sentences` is."""

    @cached_property
    def sentences(self) -> dict[str, None]:
        """Each once, in order: its words in lower case and the signs between operands, joined by spaces."""
        found = self._in_order()
        self.repeats = len(found) > len(distinct := dict.fromkeys(found))
        return distinct

    @cached_property
    def names(self) -> frozenset[str]:
        """Words with a capital letter that do not begin a sentence, in lower case."""
        words = ([token for token in _TOKEN.findall(part) if _is_word(token)][1:] for part in self._parts())
        return frozenset(word.lower() for sentence in words for word in sentence if word[0].isupper())

    @cached_property
    def quoted(self) -> frozenset[str]:
        """Words of short quotations."""
        quotations = _QUOTED.findall(" ".join(self._text.split()))
        return frozenset(_plain(word) for words in quotations for word in _TOKEN.findall(words) if _is_word(word))

    def words(self) -> list[str]:
        """The words of all sentences, in order; not kept."""
        return [word for sentence in self._in_order() for word in sentence.split(" ")]

    def signs(self) -> Counter[str]:
        """The signs between operands, also where a line ends beside one; not kept."""
        return Counter(word for word in _plain_sentence(_NUMBERED.sub(" ", self._text)).split(" ") if word in SIGNS)

    def unbroken(self) -> str:
        """The words and signs of the text as if it had no lines and no numbered parts; not kept."""
        return _plain_sentence(self._text)

    def _in_order(self) -> list[str]:
        plain = (_kept(part) if len(part) <= _KEPT else _plain_sentence(part) for part in self._parts())
        return [sentence for sentence in plain if sentence]

    def _parts(self) -> list[str]:
        return _SENTENCE_END.split(_NUMBERED.sub(" ", self._text))


def is_variable(word: str) -> bool:
    """Whether a word stands for a value, as the x or x_1 of a formula; single letters that are words do not."""
    if len(word) == 1:
        return word.isalpha() and word < "\u0400" and word not in "aist"
    return "_" in word or any(letter.isdigit() for letter in word)


def _plain_sentence(part: str) -> str:
    tokens = _TOKEN.findall(part)
    found = []
    for i, token in enumerate(tokens):
        if _is_word(token):
            found.append(_plain(token))
        elif token in SIGNS and 0 < i < len(tokens) - 1 and _is_operand(tokens[i - 1]) and _is_operand(tokens[i + 1]):
            found.append(token)
    return " ".join(found)


_kept: Final = lru_cache(maxsize=8192)(_plain_sentence)


def _is_word(token: str) -> bool:
    return token[0].isalnum() or token[0] == "_"


def _is_operand(token: str) -> bool:
    return token[0].isdigit() or (token.isalpha() if len(token) == 1 else _is_word(token) and is_variable(token))


def _plain(word: str) -> str:
    """A word as it is compared: in lower case, numbers by their value."""
    if word[0].isdigit():
        number = word.replace(",", "")
        return number.rstrip("0").rstrip(".") if "." in number else number
    word = word.lower()
    return "what" if word == "which" else NUMBERS.get(word, word)
