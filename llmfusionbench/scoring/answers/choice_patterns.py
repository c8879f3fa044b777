"""The patterns in which an LLM names an option, compiled for one set of labels.

Every repetition is bounded or possessive, so the time is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from llmfusionbench.scoring.answers.marks import lowered

_OPEN = r"[(\[*_`\"'$\u2018\u201c]{0,5}+"
_CLOSE = r"[)\]}*_`\"'$.:,\u2019\u201d]{0,6}+"
_LATEX = r"(?:\\(?:text|textbf|mathrm|mathbf)\s?\{\s?)?+"
_NOT_APPLICABLE = r"(?<![nN]/)(?<![nN] / )"
"""Before a label: the A of "N/A" does not name an option."""
_BEFORE = rf"(?<![\w'\u2019-]){_NOT_APPLICABLE}"
_END = r"(?!_{0,3}[^\W_]|['\u2019]\w|-)"
# "a" and "I" look like labels: before another word they are the article and the pronoun.
_NO_WORD = (
    r"(?!(?<=\b[aA])\s+(?!because\b|since\b|as\b|is\b|and\b|or\b|for\b|due\b|with\b)[a-z])"
    r"(?!(?<=\b[iI])\s+(?!because\b|since\b|is\b|and\b|or\b)[a-z])"
)
_RULED_OUT = re.compile(
    r"(?:\b(?:not|than|instead\s+of|except|rule\s+out|eliminate|exclude|neither|nor)|n['\u2019]t|\bcannot)"
    r"\s+(?:(?:be|choose|pick|select|guess|say)\s+)?(?:option\s+)?[(*]{0,3}\Z",
    re.IGNORECASE,
)
_REACH = 24
_VERDICT_WORDS = ("correct", "right", "best", "answer", "likely", "appropriate", "accurate", "suitable")
_COMMIT_WORDS = (
    "choose", "pick", "select", "go with", "going with", "go for", "going for", "opt for", "settle on", "conclude",
    "must be", "think it", "think that it", "choice", "option", "correct ", "right ", "best ", "final ", "guess",
    "correction", "wait", "actually", "no, it", "no. it",
)  # fmt: skip
_WRONG = r"\)?\s+(?:(?:is|are|was)\s+(?:not\b|wrong|incorrect|false|ruled)|(?:isn|aren|wasn)['\u2019]t\b)"
_VERDICT = (
    r"(?:is|seems|appears)\s+(?:to\s+be\s+)?"
    r"(?:(?:indeed|clearly|therefore|thus|probably|most)\s+){0,2}(?:the\s+|my\s+)?(?:most\s+)?(?:only\s+)?"
    r"(?:correct|right|best|answer|likely|appropriate|accurate|suitable)\b"
)
_DENIALS = ("not", "n't", "never", "n\u2019t", "than", "though", " nor")
"""Ends of the words before a verdict that does not count: "not B is right", "although B is right"."""
_NONE_OF = re.compile(r"\b(?:neither|none of)\s(?:\W|\b(?:or|nor|and|options?|[a-z])\b)*\Z")
_COMMITS = (
    r"\b(?:choose|pick|select|go(?:ing)?\s+(?:with|for)|opt\s+for|settle\s+on|conclude\s+(?:that\s+)?it\s+is|must\s+be"
    r"|(?:correct|right|best|final)\s+(?:(?:option|choice|one)\s*)?(?:is|would\s+be|:)"
    r"|(?:\bi\s+would|\bi['\u2019]d)\s+guess|(?:my|best)\s+guess\s+(?:is|would\s+be)|correction"
    r"|(?:wait|actually|no)[,.]?\s+(?:no[,.]\s+)?it(?:'s|\u2019s|\s+is)(?:\s+actually)?"
    r"|think\s+(?:it(?:'|\u2019)s|it\s+is|that\s+it(?:'|\u2019)s)|(?:my|the)\s+(?:choice|option|pick)\s+is)"
    r"[\s:]{1,4}(?:(?:option|choice|letter|answer)[\s:]{1,4})?"
)


class ChoicePatterns:
    """Finds `labels` in a text. Every method returns the label as written in `labels`, or None."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = {label.lower(): label for label in labels}
        one = "|".join(sorted(map(re.escape, labels), key=len, reverse=True)) or "(?!)"
        name = rf"{_LATEX}{_OPEN}(?P<label>{one}){_END}"
        fold = re.IGNORECASE
        self._alone = re.compile(rf"\s*+(?:(?:option|choice|answer)[\s:]{{1,4}})?{name}[)\]}}*_`\"'$.:,;!\s]*+", fold)
        filler = r"(?:(?:most likely|probably|clearly|definitely|simply|option|choice|letter|either)[\s:]{1,4})?+"
        self._leading = re.compile(rf"\s*+{_OPEN}{filler}{name}{_NO_WORD}", fold)
        self._hop = re.compile(rf"{_CLOSE}\s{{0,4}}(?:or|and|/)\s{{0,4}}{name}{_NO_WORD}(?!\)?\s+(?:is|are)\b)", fold)
        self._opening = re.compile(
            rf"\s*+(?:option\s)?{_OPEN}(?P<label>{one})"
            rf"(?:(?!{_WRONG})[)\].:*_`]++(?!\w)(?!{_WRONG})|\s+[-\u2013\u2014]|,?\s+(?:because|since)\b)",
            fold,
        )
        # These two run on lower-cased text, since ignoring case is slow.
        low = one.lower()
        self._verdict = re.compile(_VERDICT)
        self._subject = re.compile(rf"{_BEFORE}(?P<label>{low})[)\]*_`\"'.]{{0,4}}\s{{1,4}}\Z")
        self._commit = re.compile(rf"{_COMMITS}{name.replace(one, low)}{_NO_WORD}")
        self._bracketed = re.compile(
            rf"(?:\(\s?(?P<round>{one})\s?\)|\[\s?(?P<square>{one})\s?\]"
            rf"|\*\*\(?(?P<bold>{one})[).:]?\*\*|(?<![\w('\u2019-]){_NOT_APPLICABLE}(?P<half>{one})\))(?P<after>{_WRONG})?",
            fold,
        )
        self._line = re.compile(rf"^[ \t*_#>(-]{{0,6}}(?P<label>{one})[)*_.:]{{0,4}}[ \t]*+$", re.MULTILINE)
        self._bare = re.compile(rf"{_BEFORE}(?P<label>{one}){_END}{_NO_WORD}(?P<after>{_WRONG})?")

    def _name(self, found: str) -> str:
        # When case is ignored, the long s (U+017F) matches "s", among others: such letters are kept as they are.
        return self.labels.get(found.lower(), found)

    def alone(self, text: str) -> str | None:
        """The label that is the whole of `text`: "(A)", "a.", "**A**", "Option A"."""
        found = self._alone.fullmatch(text)
        return None if found is None else self._name(found["label"])

    def leading(self, marked: str) -> str | None:
        """The label that opens a marked answer; the last one of "A or B"."""
        found = self._leading.match(marked)
        if found is None:
            return None
        label, place = found["label"], found.end()
        while (hop := self._hop.match(marked, place)) is not None:
            label, place = hop["label"], hop.end()
        return self._name(label)

    def opening(self, text: str) -> str | None:
        """The label that opens `text` ("B. train station"), unless a line or a bracket names another one."""
        named = {self._name(found["label"]) for line in text.splitlines() if (found := self._opening.match(line))}
        first = self._opening.match(text)
        if first is None or len(named | set(self.bracketed(text))) > 1:
            return None
        return self._name(first["label"])

    def last_sentence(self, text: str) -> str | None:
        """The label of the last "B is correct" or "I choose B"."""
        low = lowered(text)
        found = [*self._verdicts(text, low), *self._commitments(low)]
        return max(found)[1] if found else None

    def _verdicts(self, text: str, low: str) -> Iterator[tuple[int, str]]:
        if not any(word in low for word in _VERDICT_WORDS):
            return
        for verdict in self._verdict.finditer(low):
            start = max(0, verdict.start() - _REACH)
            found = self._subject.search(low[start : verdict.start()])
            if found is None:
                continue
            place = start + found.start("label")
            if _denied(low, place):
                continue
            # A lower-case "a" is the article, unless it is in brackets or bold.
            if text[place] not in ("a", "i") or text[max(0, place - 1) : place] in ("(", "*"):
                yield verdict.end(), self._name(found["label"])

    def _commitments(self, low: str) -> Iterator[tuple[int, str]]:
        if any(word in low for word in _COMMIT_WORDS):
            for found in self._commit.finditer(low):
                if not _denied(low, found.start()):
                    yield found.end(), self._name(found["label"])

    def bracketed(self, text: str) -> list[str]:
        """Every label in brackets or bold that is not ruled out, in order."""
        if ")" not in text and "[" not in text and "**" not in text:
            return []
        return [
            self._name(found["round"] or found["square"] or found["bold"] or found["half"])
            for found in self._bracketed.finditer(text)
            if not found["after"] and not _ruled_out(text, found)
        ]

    def last_line(self, text: str) -> str | None:
        """The label of the last line that consists of a label."""
        labels = [found["label"] for found in self._line.finditer(text)]
        return labels[-1] if labels else None

    def last_bare(self, text: str) -> str | None:
        """The last label that is a word of its own, written as in `labels`, and not ruled out."""
        labels = [found["label"] for found in self._bare.finditer(text) if not found["after"] and not _ruled_out(text, found)]
        return labels[-1] if labels else None


def _denied(low: str, place: int) -> bool:
    before = low[max(0, place - _REACH) : place]
    return before.rstrip(" (*").endswith(_DENIALS) or _NONE_OF.search(before) is not None


def _ruled_out(text: str, found: re.Match[str]) -> bool:
    return _RULED_OUT.search(text[max(0, found.start() - _REACH) : found.start()]) is not None


@lru_cache(maxsize=256)
def choice_patterns(labels: tuple[str, ...]) -> ChoicePatterns:
    """The patterns of `labels`, compiled once."""
    return ChoicePatterns(labels)
