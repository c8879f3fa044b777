"""Whether a response contains an answer whose last word stands in another form: plural, ordinal, derived or compounded."""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.normalise import contains_words
from llmfusionbench.scoring.answers.phrases.derivations import Derived, Kind, derivations
from llmfusionbench.scoring.answers.phrases.plurals import other_numbers
from llmfusionbench.scoring.answers.phrases.reading import Reading
from llmfusionbench.scoring.answers.phrases.wording import ordinal

_ONE = re.compile(r"\s*an? ", re.IGNORECASE)
_OPENING = r"(?:\A|[.:!?\n])[\s\"'*(]{0,4}"
_GAP = r"[\W_]{1,3}"
_WORD = r"(?<![^\W_]){}(?![^\W_])"
_NOUN_FOLLOWS = r" (?!(?:and|or|but|in|of|to|for|as|at|on|is|are|was|were|that|which|because|since|when|than)\b)[^\W\d_]{2}"
_WHOLE_LAND = "team|side|squad|government|people|nationality|citizen|national|army|forces"
_FOR_ALL = rf"(?![ -](?!(?:who|but|by)\b)[a-zA-Z])|(?<=[a-z])(?: [\w-]{{1,12}}){{0,3}} (?:{_WHOLE_LAND})"
"""What follows the name of a people that stands for its land: no noun, or what acts for the whole land."""
_NO_NAME = r"(?:\A|[^\w ] ?|(?<![^\W_])(?:[a-z][a-z'-]{0,20}|The|An?) )"
"""What stands before a word that is not a part of a longer name, such as "the Riverside Egyptians"."""
_COMPOUND = r"(?<![^\W_])(?!kilo|micro|nano|pico|mono|pseudo|hetero|homo)[a-z]{2,12}o"
_COMPOUNDED = 6
"""The least length of a word that may be the end of a compound: "phytohormones"."""


class LastWord:
    """The last word of an answer, and the other forms that it may have.

    `letters` is the answer in plain letters, `plain` its normal form.
    """

    def __init__(self, letters: str, plain: str) -> None:
        self.letters = letters
        start, gap, self.word = plain.rpartition(" ")
        self.start = start + gap
        word = self.word
        self.numbers: tuple[str, ...]
        if word.isascii() and word.isdigit() and len(word) <= 3 and word[0] != "0":
            shared, self.numbers = word, (ordinal(int(word)),)
        else:
            shared, self.numbers = other_numbers(word)
        if _ONE.match(letters) is not None and f"{word}s" in self.numbers:
            self.numbers = ()  # "a week" is not "741 weeks"
        self.shared = self.start + shared
        """What `plain` shares with the answer in another number."""
        derived_shared, self.derived = derivations(word)
        self.derived_shared = self.start + derived_shared
        """What `plain` shares with the derived words."""

    def is_in(self, text: Reading) -> bool:
        """Whether `text` contains the answer in another form."""
        if self.shared in text.plain and any(self._is_number_in(text, word) for word in self.numbers):
            return True
        if self.derived_shared in text.plain and any(self._is_derived_in(text, derived) for derived in self.derived):
            return True
        return self._is_compounded_in(text)

    def _is_number_in(self, text: Reading, word: str) -> bool:
        form = self.start + word
        if not any(contains_words(part.replace(f"{form} centur", ""), form) for part in (text.plain, text.spaced)):
            return False
        # A capital may start a name: "Williams" is not the plural of "William".
        if word in text.letters or self.word.endswith("ic"):
            return True
        return self._opens(text, form) or (len(word) > len(self.word) and self._is_group_in(text, form))

    def _opens(self, text: Reading, form: str) -> bool:
        """Whether a sentence starts with `form`, and the answer has no capital that makes it a name."""
        if self.word not in self.letters and self.word.upper() not in self.letters:
            return False
        return text.plain.startswith(form) or _found(_OPENING + _flexible(form), text.letters)

    def _is_group_in(self, text: Reading, form: str) -> bool:
        """Whether `form` names a group, "the Confederates", and not the start of a longer name."""
        return _found(rf"\b[Tt]he {_flexible(form)}(?! [A-Z\d])", text.letters)

    def _is_derived_in(self, text: Reading, derived: Derived) -> bool:
        word, kind = derived
        form = self.start + word
        if not any(contains_words(part, form) for part in (text.plain, text.spaced)):
            return False
        name = rf"(?<![^\W_]){word.capitalize()}(?![^\W_])"
        if kind is Kind.PEOPLE:
            before = "" if self.start else _NO_NAME
            return self.word.capitalize() in self.letters and _found(f"{before}{name}(?:{_FOR_ALL})", text.letters)
        if kind is Kind.QUALITY:
            return _found(f"(?i:{_WORD.format(word)}){_NOUN_FOLLOWS}", text.letters)
        return kind is Kind.TRADE or _found(name, text.letters)

    def _is_compounded_in(self, text: Reading) -> bool:
        """Whether a Greek or Latin compound ends in the answer: "phytohormones" are hormones."""
        if self.start or len(self.word) < _COMPOUNDED or not self.word.isalpha() or self.word not in text.plain:
            return False
        form = _WORD.format(f"{_COMPOUND}{re.escape(self.word)}").replace(r"(?<![^\W_])", "", 1)
        if _found(form, text.letters):
            return True
        return self.word in self.letters and _found(f"(?i:{form})", text.letters)


def _flexible(form: str) -> str:
    """A pattern of the words of `form`, in any case, however they are set apart."""
    words = _GAP.join(map(re.escape, form.split()))
    return rf"(?i:{words})(?![^\W_])"


def _found(pattern: str, letters: str) -> bool:
    return re.search(pattern, letters) is not None
