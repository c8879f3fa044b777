"""Calculations in words or signs that start with a number: 42 is the result of "6 tins = 42 litres"."""

from __future__ import annotations

import re
from typing import Final

from llmfusionbench.scoring.answers.numbers.numbers import Found
from llmfusionbench.texts.lazy_pattern import lazy_pattern

GAP: Final = 120
"""Longest text between two numbers of a calculation, in characters."""
_UNITS: Final = (
    r"[)\s*\\/]{0,3}(?!(?:because|since|as|if|so|or|where|when|and|who|that|which)\b)(?:[^\W\d][\w'/-]{0,30}[)\s*]{1,3}){0,5}"
)
"""Up to five words between a number and what is done with it."""
_OPERATION: Final = lazy_pattern(
    rf"{_UNITS}(?:[-+*/\u00d7\u00f7\u2212x^]|\\(?:times|cdot|div)|times(?: as (?:many|much) as)?|plus|minus|added to"
    r"|subtracted from|(?:multiplied|divided|increased|reduced) by"
    r"|(?:divided|split|shared) (?:equally )?(?:among|between|into)|\)\s?\(|(?:per|each|an?) [a-z]+ (?:for|over|in)"
    r"|(?:more|less|fewer|greater|larger|smaller) than)[\s($*]{0,4}"
)
_AND: Final = lazy_pattern(r"\s[a-z]{1,30}(?:\s[a-z]{1,30})?,?\s(?:(?:and|of|with|in|at|for|per|among|between)\s)?\$?")
"""Words that join two amounts, of which a calculation may follow: "4 hours and 30 minutes"."""
_OR: Final = lazy_pattern(r".*,?\sor\s\$?", re.DOTALL)
_SHARE: Final = lazy_pattern(r"\sof\s(?:the\s|those\s)?\$?")
_AMOUNT: Final = r"(?:\s(?:equal to|about|approximately|exactly|only|just|still|a total of))?[\s*($\\]{1,4}"
_EQUALS: Final = lazy_pattern(rf"{_UNITS}(?:=|\\approx|\u2248)(?:{_AMOUNT})?+")
_MAKES: Final = lazy_pattern(
    rf"{_UNITS}(?:[^\W\d][\w'/-]{{0,30}})?,?\s?(?:(?:which|that|and that|this)\s)?(?:is|are|was|were|equals?|gives?|makes?"
    r"|totals?|means|leaves?|yields?|costs?|pays?|earns?|giving|making|leaving"
    r"|comes? (?:out )?to|results? in|equates? to|(?:will|would) (?:be|cost|make|give|equal)"
    rf"|(?:for )?a total of)(?:\s(?:us|him|her|them|you))?(?:\swith)?{_AMOUNT}"
)
_COSTS: Final = lazy_pattern(
    rf"{_UNITS}(?:is|are|equals?|makes?|costs?|weighs?|totals?|(?:will|would) (?:be|cost|make|weigh|equal)){_AMOUNT}"
)
_COMPARED: Final = lazy_pattern(
    r"\s?(?:[a-z]+\s)?(?:(?:more|less|fewer|times|greater|older|longer|away)\b|% (?:of|more|less)|out of\b)"
)
SENTENCE_END: Final = lazy_pattern(r"(?<!\bNo)(?<!\bRs)(?<!\b[A-Z])[.!?;][*_)\"']{0,3}\s+(?=\S)")


def result_place(text: str, found: list[Found], place: int = 0) -> int:
    """The index of the result of a calculation that starts with number `place`; `place` itself if none does."""
    result, counts, joined = place, False, False
    for at in range(place, len(found) - 1):
        gap = text[found[at].end : found[at + 1].start]
        if len(gap) > GAP:
            break
        if _OPERATION.fullmatch(gap) or (found[at].is_share and _SHARE.fullmatch(gap)):
            counts = True
        elif _EQUALS.fullmatch(gap):
            if not counts and calculates(text, found, at + 1):
                break  # 18 = 9 * 2
            result, counts = at + 1, False
        elif ((counts or joined) and _MAKES.fullmatch(gap)) or (counts and _OR.fullmatch(gap)):
            result, counts, joined = at + 1, False, False
        elif at == place and _COSTS.fullmatch(gap) and not is_compared(text, found[at + 1]):
            result = at + 1
        elif _AND.fullmatch(gap):
            joined = True
        elif not (counts or joined) or SENTENCE_END.search(gap):
            break
    return result


def calculates(text: str, found: list[Found], place: int) -> bool:
    """Whether an operation follows number `place` directly."""
    if place + 1 >= len(found):
        return False
    gap = text[found[place].end : found[place + 1].start]
    return len(gap) <= GAP and _OPERATION.fullmatch(gap) is not None


def is_compared(sentence: str, number: Found) -> bool:
    """Whether a number only measures a difference or a share: "5 more than", "60% of"."""
    return _COMPARED.match(sentence, number.end) is not None or (number.is_share and sentence.startswith(" of ", number.end))
