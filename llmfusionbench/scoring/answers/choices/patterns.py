"""The plainest ways to name an option, compiled for one set of labels: a text that is a label, begins or ends with one.

Most responses need no more. All others are read by `mentions` and `commitments`.
Every repetition is bounded or possessive, so the time is linear in the length of the text.
"""

from __future__ import annotations

import re
from functools import lru_cache

_OPEN = r"[(\[*_`\"'$\u2018\u201c]{0,5}+"
_LATEX = r"(?:\\(?:text|textbf|mathrm|mathbf)\s?\{\s?)?+"
_END = r"(?!_{0,3}[^\W_]|['\u2019]\w|-)"
_WRONG = r"\)?\s+(?:(?:is|are|was)\s+(?:not\b|wrong|incorrect|false|ruled)|(?:isn|aren|wasn)['\u2019]t\b)"
_TAIL = 32


class ChoicePatterns:
    """Finds `labels` in a text. Every method returns the label as written in `labels`, or None."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = {label.lower(): label for label in labels}
        one = "|".join(sorted(map(re.escape, labels), key=len, reverse=True)) or "(?!)"
        name = rf"{_LATEX}{_OPEN}(?P<label>{one}){_END}"
        fold = re.IGNORECASE
        self._alone = re.compile(rf"\s*+(?:(?:option|choice|answer)[\s:]{{1,4}})?{name}[)\]}}*_`\"'$.:,;!\s]*+", fold)
        self._opening = re.compile(
            rf"\s*+(?:option\s)?{_OPEN}(?P<label>{one})"
            rf"(?:(?!{_WRONG})[)\].:*_`]++(?!\w)(?!{_WRONG})|\s+[-\u2013\u2014]|,?\s+(?:because|since)\b)",
            fold,
        )
        item = rf"{_OPEN}(?:{one})[)\]*_`\"'.$]{{0,4}}"
        self._several = re.compile(
            rf"\W{{0,6}}(?:(?:the|correct|right|best|final|likely|possible|options?|answers?|choices?|are|is|both|either|it's|it"
            rf"|could|be)[\s:]{{1,4}}){{0,8}}{item}(?:(?:,?\s?(?:&|\band\b|\bor\b|\band/or\b)|\s?/|,)\s{{0,2}}(?:option\s)?{item}){{1,9}}"
            r"(?:\s(?:are|is)\s(?:(?:both|all|the)\s)?(?:correct|right|true|possible)(?:\s(?:answer|option|choice)s?)?)?[\s.!?*)]{0,6}",
            fold,
        )
        upper = "|".join(re.escape(label) for label in labels if len(label) == 1 and label.isupper()) or "(?!)"
        self._closing = re.compile(
            rf"(?:[Aa]nswer(?:\sis|:)|(?<![\w,] )Answer)\s?[*(]{{0,3}}(?P<label>{upper})[)*.]{{0,4}}\s{{0,4}}\Z"
        )

    def _name(self, found: str) -> str:
        # When case is ignored, the long s (U+017F) matches "s", among others: such letters are kept as they are.
        return self.labels.get(found.lower(), found)

    def alone(self, text: str) -> str | None:
        """The label that is the whole of `text`: "(A)", "a.", "**A**", "Option A"."""
        found = self._alone.fullmatch(text)
        return None if found is None else self._name(found["label"])

    def several(self, text: str) -> bool:
        """Whether `text` names two or more options and no more than that: "A and B", "Both (A) and (B) are correct."."""
        return self._several.fullmatch(text) is not None

    def closing(self, text: str) -> tuple[int, str] | None:
        """The place and label of the answer that the last words of `text` mark: "So the answer is (A).", "Answer: A"."""
        start = max(0, len(text) - _TAIL)
        found = self._closing.search(text, start)
        return None if found is None else (found.start(), found["label"])

    def opening(self, text: str) -> str | None:
        """The label that opens `text` ("B. train station"), unless another line begins with another one."""
        first = self._opening.match(text)
        if first is None:
            return None
        named = {self._name(found["label"]) for line in text.splitlines() if (found := self._opening.match(line))}
        return None if len(named) > 1 else self._name(first["label"])


@lru_cache(maxsize=256)
def choice_patterns(labels: tuple[str, ...]) -> ChoicePatterns:
    """The patterns of `labels`, compiled once."""
    return ChoicePatterns(labels)
