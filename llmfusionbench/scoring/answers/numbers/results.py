"""The number that a marked text states as its result: 41 of "After 16 more inches, the vine is 41 inches long".

A number directly behind the mark is the result, unless a calculation starts with it ("6 tins = 42 litres").
"""

from __future__ import annotations

import re
from typing import Final

from llmfusionbench.scoring.answers.numbers.calculations import GAP, SENTENCE_END, calculates, result_place
from llmfusionbench.scoring.answers.numbers.numbers import Number, leading_number, numbers_in, plain_numbers
from llmfusionbench.scoring.answers.numbers.statements import DIGIT, LEAD, NUMBERS, stated_number
from llmfusionbench.scoring.answers.numbers.words import in_digits
from llmfusionbench.texts.lazy_pattern import lazy_pattern

_SENTENCES: Final = 20
"""Most sentences that are read."""
_ALONE: Final = lazy_pattern(r"[*$]{0,4}-?\d[\d,]*+(?:\.\d++)?\.?[*$]{0,4}")
"""A number and nothing else: the usual case, which needs no further look."""
_MINUS: Final = lazy_pattern(r"\A([\W_]{0,8})minus (?=\$?\d)", re.IGNORECASE)
_PREMISE: Final = lazy_pattern(
    r"\s(?:[a-z]+\s)?(?:were|was|are|went|came|have|had)\b[^.]{0,80}?,\s(?:so|leaving|thus|therefore)\b[^.]{0,80}?\d"
)
"""What follows a number that is not yet the result: "6 were eaten, so 42 remain"."""
_CONCLUDES: Final = lazy_pattern(
    r"[\s*#>-]*+(?:so|therefore|thus|hence|in total|altogether|in all|finally"
    r"|(?:this|that) (?:means|gives|makes|is(?= \$?\d[\d.,]*+(?! \w+ than| more| less| times)))"
    r"|as a result"
    r"|the (?:final |total )?(?:answer|result|total)|consequently|overall)\b",
    re.IGNORECASE,
)
_COMMENT: Final = lazy_pattern(
    r"[\s*#>-]*+(?:note|check|explanation|reason|because|verif|remember|also|here|let me know)", re.IGNORECASE
)
_VERB: Final = r"(?:earn(?:s|ed)|ha[sd]|is|are|was|were|costs?|left|makes?|made|pa(?:ys|id)|spen[dt]s?|needs?|equals?|totals?)"
_STATES: Final = lazy_pattern(
    rf"[\s*]*+(?:he|she|they|it|we|the (?:total|result|whole|cost|price|sum|rest)(?: \w+)?|that)\s(?:now )?{_VERB}\b",
    re.IGNORECASE,
)
"""The start of a sentence with a result, after one that only tells what was given."""
_VERDICT: Final = lazy_pattern(rf"[-+*/=\u00d7\u00f7]|\b{_VERB}\b", re.IGNORECASE)
"""What a sentence with a result of its own has: a verb of `_STATES`, or a sign of a calculation."""
_CORRECTION: Final = lazy_pattern(
    r"(?<![^\W\d])(?:actually|wait|no|correction|sorry|oops|hmm|i meant?|make that|(?:or )?rather|scratch that)"
    r"[,:;.!\u2014-]++\s+"
    r"(?:(?:actually|no|wait|sorry|i mean|make that|that(?:'s| is) (?:wrong|not right|incorrect))[,:;.!]?\s+){0,3}"
    r"(?:(?:it|that|this)(?:['\u2019]s| is| should be| must be| would be| was)\s"
    r"|the (?:correct |right |actual |true |real )?(?:answer|number|value|result|total|amount) (?:is|was|should be|must be)\s"
    r")?",
    re.IGNORECASE,
)
_CORRECTED: Final = 8
"""Length of the shortest text with a correction: "1. No, 2"."""
_ENDS: Final = lazy_pattern(
    r"(?:\s(?!of\b|more\b|less\b|fewer\b)[a-z]+){0,2}[*_)\"'$]*(?:\s*+\Z|\s*\n|[.!;](?:\s|\Z)|,?\s(?:because|since|as|not)\b)"
)
_SO: Final = lazy_pattern(r"[\s*#>-]*+(?:so|therefore|thus|hence|consequently|as a result)\b(?![^\n]*\bnot\b)", re.IGNORECASE)
_LAST: Final = 600
"""Length of the end of a text whose last sentence is read."""
_BOLD: Final = lazy_pattern(r"\*\*([^*\n]{0,60}\d[^*\n]{0,60})\*\*")
_PARAGRAPH: Final = lazy_pattern(r"\n[^\S\n]*\n")


def result_number(marked: str, following: str = "") -> Number | None:
    """The number that `marked` states as its result, or None.

    Args:
        marked: The text after a mark, mostly one line.
        following: The text below it. Its first lines are read, if `marked` is a sentence or a calculation.
    """
    if _ALONE.fullmatch(marked):
        return leading_number(marked)
    line, _, rest = marked.partition("\n")
    text = _plain(line)
    found = numbers_in(text, NUMBERS)
    lead = LEAD.match(text)
    opens = bool(found) and lead is not None and lead.end() >= found[0].start
    if (
        opens
        and result_place(text, found) == 0
        and not calculates(text, found, 0)
        and _PREMISE.match(text, found[0].end) is None
    ):
        return found[0].number
    sentence = _concluding(text, f"{rest}\n{following}" if rest else following)
    return None if sentence is None else stated_number(sentence)


def concluded_number(text: str) -> Number | None:
    """The number of the last sentence with one, if it is in bold or the sentence opens with "so"; None otherwise."""
    sentences = [each for line in text[-_LAST:].split("\n") for each in SENTENCE_END.split(line) if DIGIT.search(each)]
    if not sentences:
        return None
    bold = _BOLD.findall(sentences[-1])
    if len(bold) == 1 and (number := leading_number(bold[0])) is not None:
        return number
    sentence = _plain(sentences[-1])
    return stated_number(sentence) if _SO.match(sentence) else None


def corrected_number(text: str) -> Number | None:
    """The number that takes the place of the marked one in the text below the mark: "Actually, 18", "Wait, it should be 18".

    None if there is none, or if more is said of the number than its unit: "Actually, 18 of these were apples".
    """
    if len(text) < _CORRECTED:
        return None
    number = None
    for correction in _CORRECTION.finditer(text):
        tail = plain_numbers(text[correction.end() : correction.end() + GAP])
        found = numbers_in(tail, NUMBERS)
        lead = LEAD.match(tail)
        if found and lead is not None and lead.end() >= found[0].start:
            result = found[result_place(tail, found)]
            number = result.number if _ENDS.match(tail, result.end) else number
    return number


def _plain(text: str) -> str:
    if DIGIT.search(text) is None:
        text = in_digits(text)
    return _MINUS.sub(r"\1-", plain_numbers(text), count=1)


def _concluding(text: str, following: str) -> str | None:
    """The sentence with the result: one that opens with "so", else the first with a number, or the last of calculations.

    "Ned worked 8 hours at $12 an hour. He earned $96.": the first one only tells what was given.
    """
    first = last = None
    for sentence in _sentences(text, following):
        if first is not None and _COMMENT.match(sentence):
            break
        if DIGIT.search(sentence) is None:
            continue
        if first is not None and last is first and _states_result(first, sentence):
            last = sentence
        if first is None or _CONCLUDES.match(sentence) or ("=" in sentence and last is not None and "=" in last):
            last = sentence
        first = first or sentence
    return last


def _states_result(given: str, sentence: str) -> bool:
    """Whether `sentence` has one number and is the result of the two or more numbers of the sentence before it."""
    return (
        _STATES.match(sentence) is not None
        and _VERDICT.search(given) is None
        and len(numbers_in(given, 2)) == 2
        and len(numbers_in(sentence, 2)) == 1
    )


def _sentences(text: str, following: str) -> list[str]:
    paragraph = _PARAGRAPH.split(following, maxsplit=1)[0]
    lines = [text, *(_plain(line) for line in paragraph.split("\n"))]
    return [sentence for line in lines for sentence in SENTENCE_END.split(line)][:_SENTENCES]
