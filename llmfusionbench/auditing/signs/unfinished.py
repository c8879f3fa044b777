"""Texts that stop before their end: in the middle of a sentence, of a JSON object or of a block of code.

A complete answer may well end without a full stop (a number, a list item, a name, a line of code), so the end of a text alone
counts only where it cannot be one: after a comma, an opening bracket, an operator or a word such as "the". A last line that
ends in any other word counts if it is prose and the sentences before it, or the other items of its list, all ended properly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Bools
from llmfusionbench.auditing.signs.columns import confirmed, lengths, matches, tails

TAIL: Final = 1_500
"""Characters at the end of a text that are looked at."""
_SHORTEST: Final = 40
"""Length of a line from which it can be prose, in characters."""

_DANGLING: Final = (
    "a|an|the|of|to|and|or|nor|but|if|because|that|which|whose|with|without|for|from|by|at|into|onto|as|than|is|are"
    "|was|were|be|been|would|may|might|must|has|have|had|these|those|its|their|your|our|my|his"
    "|we|they|he|she|also|very|between|during|when|while"
)
_OPEN_END: Final = rf"(?:[\p{{L}}\d)%*\"] ?[,(\[{{]|\p{{Ll}}{{2}}:|[\p{{L}}\d)] [-+=*/×÷<>]|\p{{Ll}}[,;]? (?:{_DANGLING}))$"
"""What no text ends in, as an RE2 pattern of its last characters. Case matters: "Plan A" is an end."""
_WORD_END: Final = r"[\p{Ll}]{2}$"
_JSON_START: Final = r"^\s*(?:```[^\S\n]*(?:json|JSON)?\s*)?\{"
_MARKED: Final = r"(?i:\.\.\.|…|[\[(<])\s?\(?truncated[\])>]?$"
"""A note of whatever shortened the text, such as "... (truncated)"."""
_CLOSED: Final = re.compile(r"[.!?:;…。！？]['\"”’)*_`\]]*$")
_ITEM: Final = re.compile(r"\s*(?:[-*•–]|(?:\d{1,3}|[A-Za-z])[.)]|\|)\s")
_CODE: Final = re.compile(r"[;{}<>=|\\]|://|(?:^| )#\w|^\s*(?:#|//|def |class |import |from |return |print|\$)|^ {4}|^\t")
_SENTENCE_END: Final = re.compile(r"[a-z)\"”][.!?][\"”)*]* +[A-Z\"“]")
_PAIRS: Final = ("()", "[]", "{}")


@dataclass(frozen=True)
class Endings:
    """How texts end; [n] each. A missing or blank text is in none."""

    open: Bools
    """In an object, a block of code, after a word or sign that no text ends in, or with a note that it was shortened."""
    in_sentence: Bools
    """In a word, where the sentences before it end properly. Logs without any last full stop look the same."""


def endings(texts: pa.Array) -> Endings:
    """How each text ends."""
    ends = tails(texts, 120)
    fences = np.asarray(pc.fill_null(pc.count_substring(texts, "```"), 0).to_numpy(zero_copy_only=False))
    in_json = matches(texts, _JSON_START) & ~matches(ends, r"[}\]`>]$")
    is_open = matches(ends, _MARKED) | confirmed(texts, in_json, _in_json)
    is_open |= confirmed(texts, (fences % 2 == 1) & ~matches(ends, "```$") & ~is_open, _in_code)
    prose = (lengths(texts) >= _SHORTEST) & (fences % 2 == 0) & ~is_open
    is_open |= confirmed(tails(texts, TAIL), prose & matches(ends, _OPEN_END), _is_open)
    in_sentence = confirmed(tails(texts, TAIL), prose & matches(ends, _WORD_END) & ~is_open, _in_sentence)
    return Endings(is_open, in_sentence)


def _in_json(text: str) -> bool:
    """Whether an object or its block is opened and not closed. Brackets are counted: raw quotation marks mislead a parser."""
    return text.count("{") > text.count("}") and text.count("```") < 2


def _in_code(text: str) -> bool:
    """Whether the last block of code is open and lacks a closing bracket; else only its closing mark was forgotten."""
    block = text[text.rfind("```") + 3 :]
    return "\n" in block.strip() and any(block.count(left) > block.count(right) for left, right in _PAIRS)


def _is_open(tail: str) -> bool:
    """Whether the last line of a text is one of prose, or of a formula within it, not of code or verse."""
    line = tail.rstrip().rpartition("\n")[2]
    if " " not in line.strip() or (line.endswith(":") and _ITEM.match(line)):
        return False
    return not re.match(r"\s*(?:#|//|def |class |import |\|)|\t| {4}", line)


def _in_sentence(tail: str) -> bool:
    """Whether the last line stops in a sentence, as all sentences before it, or the other items of its list, are closed."""
    lines = [line.rstrip() for line in tail.rstrip().split("\n") if line.strip()]
    last = lines[-1]
    if len(last) < _SHORTEST or _CODE.search(last):
        return False
    if _ITEM.match(last):
        items = [line for line in lines[:-1] if _ITEM.match(line)]
        return len(items) >= 2 and all(_CLOSED.search(line) for line in items)
    if _SENTENCE_END.search(last):
        return True
    prose = [line for line in lines[:-1] if len(line) >= _SHORTEST and not _ITEM.match(line)]
    return len(prose) >= 2 and all(_CLOSED.search(line) for line in prose)
