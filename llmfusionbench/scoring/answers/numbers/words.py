"""Writes English number words as digits: "two hundred and five apples" -> "205 apples"."""

from __future__ import annotations

import re
from typing import Final

from llmfusionbench.texts.lazy_pattern import lazy_pattern
from llmfusionbench.texts.number_names import TEENS, TENS, UNITS

_NAMES: Final = ("zero", *UNITS, *TEENS)
_SMALL: Final = {name: value for value, name in enumerate(_NAMES)} | {
    name: 10 * value for value, name in enumerate(TENS, start=2)
}
_LARGE: Final = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_LONGEST: Final = 24
"""Most words of one number."""

_ONE: Final = "|".join((*_NAMES, *TENS))
_WORD: Final = rf"(?:{_ONE}|hundred|thousand|million|billion)"
_PHRASE: Final = lazy_pattern(
    rf"(?<![\w-])(?:(?P<half>(?<!and )(?:half a|a half) dozen)|(?P<dozen>a dozen)"
    rf"|(?:(?:a(?=\s(?:hundred|thousand|million|billion)\b)|{_ONE})\b)"
    rf"(?:(?:\s|-|\s?,\s|\sand\s){_WORD}\b){{0,{_LONGEST}}}+(?:\spoint(?P<part>(?:\s(?:{_ONE}))++))?+"
    r"(?P<dozens>\sdozen\b)?+(?P<fraction>\sand\s(?:a|one)\s(?:half|quarter)\b(?!\s(?:dozen|hundred|thousand|million|billion)\b))?+)(?![\w-])"
    # Parts ("two thirds") and ranks are no whole numbers.
    r"(?!\s(?:and\s)?(?:an?\s)?(?:half|halves|thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?)\b)",
    re.IGNORECASE,
)
_PRONOUN: Final = lazy_pattern(r"one", re.IGNORECASE)
_OF: Final = lazy_pattern(r"\s(?:of|another|who|that|which|by|way|can|could|may|might|must|should)\b")
_OPENING: Final = lazy_pattern(r"[\s*_\"'(]*+(?:(?:exactly|only|just|about|minus|negative)\s)?")


def in_digits(text: str) -> str:
    """`text` with its number words as digits. "One" stays if it may be a pronoun: only as the first word is it a number."""
    opening = _OPENING.match(text)
    start = 0 if opening is None else opening.end()

    def digits(found: re.Match[str]) -> str:
        if found["dozen"] is not None:
            return "12"
        if found["half"] is not None:
            return "6"
        if found["dozens"] is not None:
            if found["fraction"] is not None:
                return found[0]
            count = _value(found[0][: found.start("dozens") - found.start()].lower())
            return str(12 * int(count)) if count is not None and count.isdecimal() else found[0]
        if _PRONOUN.fullmatch(found[0]) and (found.start() != start or _OF.match(text, found.end())):
            return found[0]
        whole, fraction = found[0].lower(), found["fraction"]
        value = _value(whole if fraction is None else whole[: -len(fraction)])
        if value is None or (fraction is not None and "." in value):
            return found[0]
        return value if fraction is None else value + (".5" if fraction.endswith("half") else ".25")

    return _PHRASE.sub(digits, text)


def _value(phrase: str) -> str | None:
    """The digits of a number in words; None if they do not make one number ("five six")."""
    whole, _, part = phrase.partition(" point ")
    words = [word for word in re.split(r"[\s,-]+", whole) if word not in ("and", "")]
    total = group = 0
    last = 10**12  # the value that the next word has to stay below
    for word in words:
        if word == "a":
            group, last = 1, 1
        elif word == "hundred":
            if not 0 < group < 100 or last > 99:
                return None
            group, last = 100 * group, 100
        elif word in _LARGE:
            if not group or (total and _LARGE[word] >= total):
                return None
            total, group, last = total + group * _LARGE[word], 0, 10**12
        else:
            value = _SMALL[word]
            if group and not (value < last and (last >= 100 or (last >= 20 and 0 < value < 10))):
                return None
            group, last = group + value, value
    pieces = part.split()
    if any(_SMALL[piece] > 9 for piece in pieces):
        return None
    return f"{total + group}{'.' if pieces else ''}{''.join(str(_SMALL[piece]) for piece in pieces)}"
