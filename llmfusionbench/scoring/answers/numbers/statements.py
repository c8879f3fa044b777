"""The number that a sentence states: each is weighed by the words around it, and the heaviest counts."""

from __future__ import annotations

import re
from typing import Final

from llmfusionbench.scoring.answers.numbers.calculations import calculates, is_compared, result_place
from llmfusionbench.scoring.answers.numbers.numbers import Found, Number, numbers_in
from llmfusionbench.texts.lazy_pattern import lazy_pattern

NUMBERS: Final = 40
"""Most numbers of a sentence that are weighed."""
DIGIT: Final = lazy_pattern(r"[\d\u00bc-\u00be\u2150-\u215e]")
LEAD: Final = lazy_pattern(
    r"[\s*_`\"'(\[=:~\u2248$\\]*+(?:(?:about|approximately|around|roughly|nearly|almost|exactly|precisely|only|just|simply|now|still"
    r"|equal to|a total of|the number|usd|us|rs\.?)[\s:*$]{1,3})*+[*_`\"'(\[$\\]*+",
    re.IGNORECASE,
)
"""What may stand between a mark and its number."""
_DRAWN: Final = lazy_pattern(
    r"(?:(?<!after )(?<!by )(?<!before )(?<!for )(?<!of )(?<!without )\b|(?=, or\b))"
    r"(?:so(?! that\b)|therefore|thus|hence|which (?:means|is|gives|makes|leaves)|meaning|leaving"
    r"|giving|making|getting|earning|totaling|resulting in"
    r"|and now (?:has|have|is|are)|for a total of|, or(?= \$?\d))\b(?!\s\w+\s(?:more|less|fewer)\b)",
    re.IGNORECASE,
)
_REASON: Final = lazy_pattern(r",? \(?(?:because|since|where|if|as)\b")
_CONDITION: Final = lazy_pattern(
    r"[\s*]*+(?:after|if|when|since|because|as|before|while|given|with|for|by|in|on|at|to|out of|of|from|once|during|assuming"
    r"|every|each|among|considering|instead of|without|starting)\b",
    re.IGNORECASE,
)
_CLAUSE: Final = lazy_pattern(
    r",\s(?!\d[\d.,]*+\s(?![a-z]+\s(?:remain|are|is|were|was|will|would|can|must)\b)|and\b|or\b)(?=[^,]*\d)"
)
_ASIDE: Final = lazy_pattern(
    r",? \(?(?:because|since|if|when|after|before|while|given|assuming|compared|instead of|rather than|as long as|where|once"
    r"|until|even though|although|but|who|whose|which)\b",
    re.IGNORECASE,
)
_BEFORE: Final = lazy_pattern(
    r"([\w'\u2019]+)[\s:*$(]+(?:(?:about|approximately|around|exactly|only|just|roughly|still|now|also|nearly|almost|another|additional"
    r"|up to|at least|USD|him|her|them|us|you|a total of)[\s$]+){0,3}\$?$"
)
_PURPOSE: Final = lazy_pattern(
    r"(?<!need)(?<!needs)(?<!ha[sd])(?<!have)(?<!able)(?<!going)(?<!left)(?:\s|\A)[Tt]o\s(?!get|give|obtain|reach|yield)[a-z]+[\s$*]+$"
)
_OWNED: Final = lazy_pattern(r"\w+['\u2019]s?")
_LABEL: Final = lazy_pattern(r"step|day|week|month|year|room|part|number|no|question|problem|chapter|grade|level|group|case")
_VERB: Final = 2
_WEIGHTS: Final = {
    word: weight
    for weight, words in {
        4: "is are was were equals equal be been totals totaling totalling giving making leaving",
        3: "has have had gets get got needs need remain remains leaves left cost costs",
        0: "to with",
        -1: "and or for of",
        -2: "in on at by within after before per every each than from into over during between against without times across",
        -3: "the these those all both his her their its my our your first last next other",
    }.items()
    for word in words.split()
}
"""What the word before a number says of it; any other word is `_VERB`."""
_SUM_OF: Final = lazy_pattern(r"(?:total|sum|average|profit|cost|price|loss|amount|balance|rest|maximum|minimum|result) of$")
_IN_TOTAL: Final = lazy_pattern(r"(?:\s[\w'-]{1,30}){0,4}?\s(?:in total|altogether|in all|total|left|remaining)\b")
_HYPHEN: Final = lazy_pattern(r"-[a-zA-Z]")


def stated_number(sentence: str) -> Number | None:
    """The number that weighs most in a sentence; of equal ones the first."""
    for drawn in reversed([*_DRAWN.finditer(sentence)][-3:]):
        again = drawn[0] == ", or" and "=" in sentence[: drawn.start()]  # 20 + 40 = 60 minutes, or 1 hour
        if DIGIT.search(sentence, drawn.end()) and not again:
            sentence = sentence[drawn.start() :]
            break
    reason = _REASON.search(sentence)
    if reason is not None and DIGIT.search(sentence, 0, reason.start()):
        sentence = sentence[: reason.start()]
    found = numbers_in(sentence, NUMBERS)
    for place in range(len(found) - 1, -1, -1):
        if sentence[: found[place].start].rstrip(" $(*").endswith(("=", "equals")) and not calculates(sentence, found, place):
            return found[place].number
    if not found:
        return None
    lead = LEAD.match(sentence)
    if lead is not None and lead.end() >= found[0].start and (result := result_place(sentence, found)) > 0:
        return found[result].number
    start = _main_clause(sentence, found)
    aside = _ASIDE.search(sentence, next((each.end for each in found if each.start >= start), len(sentence)))
    end = len(sentence) if aside is None else aside.start()
    inside = [place for place, each in enumerate(found) if start <= each.start < end]
    best = max(inside, key=lambda place: _weight(sentence, found[place]))
    return found[result_place(sentence, found, best)].number


def _main_clause(sentence: str, found: list[Found]) -> int:
    """Where the main clause starts: behind an opening clause ("After 3 days, "), if numbers follow it."""
    if _CONDITION.match(sentence) is None:
        return 0
    comma = _CLAUSE.search(sentence)
    return comma.end() if comma is not None and comma.end() <= found[-1].start else 0


def _weight(sentence: str, number: Found) -> int:
    """How much the words around a number speak for it as a result."""
    before = _BEFORE.search(sentence[max(0, number.start - 60) : number.start])
    word = "" if before is None else before[1].lower()
    weight = _WEIGHTS.get(word, _VERB)
    if before is not None and word == "of" and _SUM_OF.search(sentence[: number.start].rstrip(" $*").lower()[-20:]):
        weight = 3
    if _OWNED.fullmatch(word) or _PURPOSE.search(sentence[max(0, number.start - 40) : number.start]):
        weight = -3
    if _LABEL.fullmatch(word) or _HYPHEN.match(sentence, number.end):
        weight -= 6
    if is_compared(sentence, number):
        weight -= 1
    return weight + 2 * (_IN_TOTAL.match(sentence, number.end) is not None)
