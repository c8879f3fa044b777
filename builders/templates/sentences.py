"""Prose out of answers: without wrapping, code and markup, in sentences; and sentences made general."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from llmfusionbench.scoring.answers.marks import final_text

MAX_ANSWER: Final = 20_000
"""Characters of an answer, from its beginning, that are read."""

NUMBER: Final = "[number]"
NAME: Final = "[name]"

_REASONING: Final = re.compile(r"""["']reasoning["']\s{0,8}:\s{0,80}""", re.IGNORECASE)
_ANSWER_FIELD: Final = re.compile(r"""["']answer["']\s{0,8}:""", re.IGNORECASE)
_FENCED: Final = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
_TAGGED: Final = re.compile(r"\[BEGIN\].*?(?:\[DONE\]|\Z)", re.DOTALL | re.IGNORECASE)
_DISPLAY: Final = re.compile(r"\\\[.{0,2000}?\\\]|\$\$.{0,2000}?\$\$|\\begin\{(\w+\*?)\}.{0,2000}?\\end\{\1\}", re.DOTALL)
_BULLET: Final = re.compile(r"^\s*(?:#{1,6}\s+|[-*+•>|]\s+|\(?\d{1,2}[.)]\s+)+")
_STEP: Final = re.compile(r"^(?:#+\s*)?step\s*\d*\s*[:.)-]\s*", re.IGNORECASE)
_LATEX: Final = (
    (re.compile(r"\\[dt]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox|boxed)\s?\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:times|cdot)\b"), " * "),
    (re.compile(r"\\div\b"), " / "),
    (re.compile(r"\\[()]|\\(?=[$%#&_{}])|\$(?=[^\d\s])|(?<=[^\s])\$(?!\d)"), ""),
    (re.compile(r"\\[,;!: ]"), " "),
)
_END: Final = re.compile(r"(?<=[.!?])[\"'”’)\]*]*\s+(?=[\"'“‘(\[$]*[A-Z0-9])")
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|vs|No|Nr|approx|e\.g|i\.e|etc|Fig|Eq|cf|(?<![\d\]] )[A-Z])|^\W*\d{1,2})\.[\"'”’)\]]*\Z"
)
_DIGITS: Final = re.compile(
    r"[$€£]?(?<![\w.])-?(?:\d+(?:[.,]\d+)*|\.\d+)(?:(?:st|nd|rd|th)\b)?|(?<=[a-zA-Z_])\d+(?:\.\d+)?|\d+"
)
_TOKEN: Final = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_CAPITAL: Final = re.compile(r"(?<![\w'’-])(?<!^)(?<!^[\"'(\[])(?<![:.!?] )[A-Z][a-z]+(?!\w)")
_NAMED: Final = re.compile(r"[A-Z][a-z]+")
_NAMES: Final = re.compile(r"(?:\[name\]\s+)+\[name\]")
_NUMBERS: Final = (
    (re.compile(r"(?:\[number\]\s*(?:,|and|or|, and)\s+){2,}\[number\]"), "[numbers]"),
    (re.compile(r"\[number\](?:[.:]\[number\])+"), NUMBER),
    (re.compile(r"(=\s*\[number\]\s*){2,}"), "= [number] "),
)
_GAP: Final = re.compile(r"\s+([.,;:?!])")
_WORD: Final = re.compile(r"[a-z]{3,}")
_STOP_WORDS: Final = (
    "the and for that this with are was were will has have had not but they them their there then than from into onto each "
    "all any can how what which who why when where its it's her his she him our your you one two also been being does did "
    "doing such some more most much many other only over under very just about after before between both because since while "
    "would could should may might must let lets here these those per during thing things alright okay sure great an in on at "
    "of to by it he is if as or we do so no up be my me us am"
)
_STOP: Final = frozenset(_STOP_WORDS.split())


def prose(answer: str) -> str:
    """The reasoning of an answer in plain words: out of JSON, without code, displayed formulas, `<think>` and marks."""
    text = unwrap(final_text(answer[:MAX_ANSWER]))
    for pattern in (_FENCED, _TAGGED, _DISPLAY):
        text = pattern.sub("\n", text)
    if "\\" in text or "$" in text:
        for latex, plain in _LATEX:
            text = latex.sub(plain, text)
    return text.replace("**", "").replace("__", "").replace("`", "")


def unwrap(text: str) -> str:
    """`text` with the field "reasoning" of a JSON object, whole or broken, in place of the object."""
    found = _REASONING.search(text)
    if found is None:
        return text
    fields = [m.start() for m in _ANSWER_FIELD.finditer(text, found.end())]
    body = text[found.end() : fields[-1] if fields else len(text)].strip().strip(",{}`").strip().strip("\"'")
    before = re.sub(r"(?:```(?:json)?\s*)?\{\s*\Z", "", text[: found.start()])
    return before + "\n" + body.replace("\\n", "\n").replace('\\"', '"')


def sentences(text: str) -> list[str]:
    """The sentences of a text, a line never being part of two lines' sentence; without bullets and step numbers."""
    found: list[str] = []
    for line in text.splitlines():
        rest = _STEP.sub("", _BULLET.sub("", line)).strip()
        if rest:
            found += split(" ".join(rest.split()))
    return found


def split(text: str) -> list[str]:
    """The sentences of one paragraph; an abbreviation or an initial ends none."""
    parts: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if _ABBREVIATION.search(text[max(start, end.start() - 16) : end.start()]) is None:  # the end tells
            parts.append(text[start : end.end()].strip())
            start = end.end()
    rest = text[start:].strip()
    return [*parts, rest] if rest else parts


def names_in(given: Iterable[str]) -> frozenset[str]:
    """Words of sentences that are written with a capital letter, and not only at the beginning, and never without."""
    inner: set[str] = set()
    small: set[str] = set()
    for sentence in given:
        words = _TOKEN.findall(sentence)
        small.update(word for word in words if word[0].islower())
        inner.update(_CAPITAL.findall(sentence, 1))
    return frozenset(word for word in inner if word.lower() not in small and word.lower() not in _STOP)


def generalise(sentence: str, names: frozenset[str]) -> str:
    """The sentence with `[number]` for every number and `[name]` for every name."""
    text = _DIGITS.sub(NUMBER, unicodedata.normalize("NFKC", sentence)).replace("$", "")
    if not names.isdisjoint(_NAMED.findall(text)):
        text = _TOKEN.sub(lambda m: _general_word(m[0], names), text)
        text = _NAMES.sub(NAME, text)
    if NUMBER in text:
        for pattern, plain in _NUMBERS:
            text = pattern.sub(plain, text)
    return " ".join(_GAP.sub(r"\1", text).split())


def _general_word(word: str, names: frozenset[str]) -> str:
    for ending in ("'s", "’s"):
        if word.endswith(ending) and word.removesuffix(ending) in names:
            return f"{NAME}'s"
    return NAME if word in names else word


def content_words(text: str) -> frozenset[str]:
    """The words that say what a sentence is about, in lower case, singular by rule of thumb."""
    words = set(map(_stem, _WORD.findall(text.lower().replace(NUMBER, " ").replace(NAME, " "))))
    words.discard("")
    return frozenset(words)


@lru_cache(maxsize=2**16)
def _stem(word: str) -> str:
    """Singular by rule of thumb; nothing for a word that says little."""
    if word in _STOP:
        return ""
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def count_sentences(text: str) -> int:
    """How many sentences a template has; a line or list item without an end counts as one."""
    return len(sentences(text))
