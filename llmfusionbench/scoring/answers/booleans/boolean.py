"""Finds the true/false answer that a response commits to, for tasks such as BoolQ and StrategyQA.

A marked answer decides; if it commits to neither, no stray word replaces it. Without a mark, the conclusion decides
("Therefore, no"), then the opening, then the last sentence. A word within another sentence ("no evidence") never counts.
"""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.booleans.verdicts import STEP, WORDS, answered, closing, concluded, leads_in, verdict_at
from llmfusionbench.scoring.answers.marks import SPAN_LIMIT, answer_field, last_mark, lowered
from llmfusionbench.texts.lazy_pattern import lazy_pattern

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_EDGE = 4 * SPAN_LIMIT
_ANY = lazy_pattern(rf"(?:{'|'.join(WORDS)})\b")
_MORE = lazy_pattern(r"(?:true|yes|false|no)\b")
_SURE = "absolutely|definitely|certainly|of course|indeed"
_ALONE = lazy_pattern(
    rf"[\s\"'*_`#(\[]{{0,9}}(?:({'|'.join(WORDS)})|(?:{_SURE})(?P<not> not)?|(?P<never>not at all))[\s\"'*_`)\].!]{{0,9}}"
)
_ALONE_LENGTH = 33
_OPTION = r"[\"'`*\u2018\u2019\u201c\u201d]{0,3}(?:yes|no|true|false)\b[\"'`*\u2018\u2019\u201c\u201d]{0,3}"
_PAIRED = rf"(?:\s?[/|]\s?|,?\s(?:or|nor)\s|,?\s\(?b[).:]\s?|\n- |,\s?(?={_OPTION}\s?\])|\sand\s(?={_OPTION}\s?(?:[.,;)]|\Z)))"
_PAIR = lazy_pattern(rf"[\[({{]?(?:either\s)?{_OPTION}{_PAIRED}{_OPTION}\s?[\])}}]?", re.IGNORECASE)
"""Both options named as a pair, as instructions do: "(Yes or No)", "true/false"."""
_NEXT_STEP = lazy_pattern(r"\n[\s*_#>-]{0,6}(?:step\s)?\d\d?[.):][*_]{0,2}\s")
_LETTER = lazy_pattern(r"[\s*_#>-]{0,6}(?:option\s)?\(?[a-e][.):]\)?\s+")
_LATEX = lazy_pattern(r"\\(?:text|textbf|textit|mathrm|mathbf|boxed)\s?\{")
_OPEN = lazy_pattern(
    r"[\s\"'*_`]{0,9}(?:(?:it )?depends|un(?:known|clear|certain|determined|sure)|not\b(?! (?:true|false|yes|no)\b)|"
    r"can(?:not|'t)\b|maybe|perhaps|possibly|n/?a\b|none\b|neither|"
    r"both|i (?:do not|don't) know|there is no|it is (?:not|un|impossible)|"
    r"insufficient)"
)
"""The start of an answer that commits to neither."""
_SOURCE = ("based on", "in the", "found in", "given in")
"""After "the answer is", these name where it was found."""


def as_boolean(truth: str) -> bool | None:
    """The boolean that a ground truth stands for ("True", "no."), else None."""
    return _TRUTHS.get(truth.strip(" \t\n.\"'()").lower())


def read_boolean(text: str) -> bool | None:
    """The boolean that a response commits to, or None."""
    low = lowered(text)
    alone = _ALONE.fullmatch(low) if len(low) <= _ALONE_LENGTH else None
    if alone is not None:
        return WORDS[alone[1]] if alone[1] else not (alone["not"] or alone["never"])
    if _ANY.search(low) is None:
        return None
    field = answer_field(text) if "answer" in low else None
    if field is not None:
        content = _plain(lowered(field))
        return _marked(content, content)
    first = _MORE.search(low)
    more = first is not None and _MORE.search(low, first.end()) is not None
    if more and _PAIR.search(low) is not None:
        text = _PAIR.sub("", text)
        low = lowered(text)
    mark = last_mark(text) if "answer" in low or "####" in low or "\\" in low else None
    if mark is None or mark[1][:9].lower().startswith(_SOURCE):
        return _unmarked(_plain(_ends(low)), more)
    place, content = mark[0], _plain(lowered(mark[1]))
    if text[place] in "<\\":  # a tag or \\boxed{} ends its answer
        return _marked(content, content)
    rest = _plain(_ends(low[place:]))
    later = answered(rest, 1)
    return _marked(content, rest) if later is None else later.value


def _ends(low: str) -> str:
    return low if len(low) <= 2 * _EDGE else f"{low[:_EDGE]}\n{low[-_EDGE:]}"


def _plain(low: str) -> str:
    low = low.replace("\u2019", "'")
    return _LATEX.sub("{", low) if "\\" in low else low


def _marked(content: str, rest: str) -> bool | None:
    """The verdict of a marked answer, whose text goes on in `rest`."""
    place = rest.find(content)
    is_step = place > 0 and STEP.fullmatch(rest, rest.rfind("\n", 0, place) + 1, place) is not None
    value = None if is_step else _opening(content, rest)
    if value is None and _OPEN.match(content) is None:
        value, _ = concluded(rest)
        return closing(rest) if value is None else value
    return value


def _opening(low: str, rest: str, place: int = 0) -> bool | None:
    """The verdict of `low` at `place`, after "1." or "A)"; None if that is the first of several steps."""
    number = STEP.match(low, place)
    if number is not None:
        if _NEXT_STEP.search(rest, 1) is not None:
            return None
        place = number.end()
    letter = _LETTER.match(low, place)
    return verdict_at(low, place if letter is None else letter.end())


def _unmarked(low: str, more: bool) -> bool | None:
    """The verdict of a text without a mark; `more`: with more than one of the words."""
    sentence = answered(low)
    if sentence is not None:
        return sentence.value
    opening = _opening(low, low, leads_in(low))
    if opening is not None and not more:
        return opening
    value, plain = concluded(low)
    if opening is not None and not (plain and value is not None):
        return opening
    return closing(low) if value is None else value
