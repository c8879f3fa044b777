"""Finds the true/false answer in a response, for tasks such as BoolQ."""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.marks import SPAN_LIMIT, lowered, marked_answer

_WORDS = {"true": True, "yes": True, "false": False, "no": False}
_WORD = re.compile(r"\b(true|false|yes|no)\b(?!\s+(?:one|longer|matter|doubt|information|evidence|mention)\b)")
_LEADING = re.compile(r"[\s\"'*_`#([]*+(true|false|yes|no)\b(?!\s+(?:one|longer|matter|doubt)\b)")
_NEGATED = re.compile(r"(?:\bnot|\bcannot|n't|n\u2019t|\bnever|\bhardly)[^\S\n]+(?:\w+[^\S\n]+)?[\"'*]*$")
_EDGE = 4 * SPAN_LIMIT


def as_boolean(truth: str) -> bool | None:
    """The boolean that a ground truth stands for ("True", "no."), else None."""
    return _WORDS.get(truth.strip(" \t\n.\"'()").lower())


def read_boolean(text: str) -> bool | None:
    """The boolean that a response commits to: the marked one, the one it opens with, else the last one."""
    marked = marked_answer(text)
    if marked is not None:
        found = _WORD.search(lowered(marked[:80]))
        if found is not None:
            return _value(found, lowered(marked[:80]))
    opening = _LEADING.match(text[:_EDGE].lower())
    if opening is not None:
        return _WORDS[opening[1]]
    low = lowered(text[-_EDGE:])
    last = None
    for last in _WORD.finditer(low):  # noqa: B007 - only the last one counts
        pass
    return None if last is None else _value(last, low)


def _value(found: re.Match[str], low: str) -> bool:
    value = _WORDS[found[1]]
    return value != bool(_NEGATED.search(low[max(0, found.start() - 30) : found.start()]))
