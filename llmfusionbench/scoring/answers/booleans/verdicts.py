"""The ways in which English gives a verdict: "No, ...", "the statement is false", "I would say yes".

A word such as "no" or "true" is often only a word of its sentence ("no evidence", "a true story"). It is a verdict where it
stands for a whole clause. All texts are in lower case with straight apostrophes, and are read in linear time.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from llmfusionbench.texts.lazy_pattern import lazy_pattern

WORDS: Final = {
    **dict.fromkeys(("yes", "true", "yeah", "yep", "yup", "correct", "accurate"), True),
    **dict.fromkeys(("no", "false", "nope", "nah", "incorrect", "inaccurate", "wrong"), False),
}
"""Word -> the verdict that it stands for."""
_ANY = "|".join(WORDS)
REACH: Final = 300
"""Number of characters in which a clause must come to its verdict."""

_QUOTE = r"[\s\"'*_`(\[{\u2018\u201c$]*+"
_CLOSE = r"[\"'*_`)\]}\u201d$]{0,4}"
_ADVERB = (
    r"(?:(?:most|very|quite|still|simply|just|then|therefore|thus|also|indeed|likely|probably|certainly|definitely|clearly|"
    r"obviously|surely|actually|generally|usually|technically|basically|a|an|resounding|definite|clear|definitive|firm|"
    r"in fact|of course|essentially|absolutely|completely|entirely)[\s,:]++){0,3}"
)
_NEXT = (
    r"(?:it|he|she|they|we|you|i|this|these|those|there|the|an?|his|her|its|their|my|because|since|as|due|given|based|according|"
    r"for|but|not|although|though|while|so|that's|in (?:this|that|the)|is (?:the|my|our))\b"
)
"""Words that go on after a verdict. A noun does not: "no evidence", "false alarm"."""
_VERDICT = lazy_pattern(
    rf"(?:[-#>]{{1,6}}\s)?{_QUOTE}{_ADVERB}{_QUOTE}(?P<not>not\s++)?{_QUOTE}(?P<word>(?P<yes>yes)|{_ANY})\b(?!['-]\w|[*_\"']{{0,3}}\.\s?\d)"
    rf"(?(yes)|{_CLOSE}(?:\s*+\Z|\s*?[.,;:!?(\n\u2013\u2014]|\s-|\s++{_NEXT}))"
)
_BE_ANY = (
    r"(?:(?:'s|\s(?:is|was|are|were|equals|returns|evaluates to|(?:would|must|should|will|has to) be))"
    r"(?P<not>n't|\snot|\snever)?"
    r"|(?P<never>\s(?:can(?:not|'t|\snot)|could(?:n't|\snot)|would(?:n't|\snot)) be))(?=[\s:=])[\s:=]*+"
    rf"(?={_QUOTE}{_ADVERB}{_QUOTE}(?:not\s)?{_QUOTE}(?:{_ANY})\b)"
)
_BE = _BE_ANY.replace(_ANY, "yes|no|true|false")
"""A verb before what may be a verdict; `_BE_ANY` takes every word for one."""
_THINK = r"(?:(?:i|we|one)(?: can| would| must|'d)? (?:think|believe|conclude|find|say|see)\s(?:that\s)?)?"
_SUBJECT = (
    rf"{_QUOTE}{_THINK}(?:(?:the|this|that|your|given|above|following|original|whole)\s){{0,3}}{_QUOTE}"
    r"(?:it|this|that|(?:statement|claim|assertion|proposition|sentence|hypothesis|premise|expression|result|output)\b"
    r"[^.?!;\n]{0,120}?)"
)
_CLAIM = lazy_pattern(_SUBJECT + _BE)
"""A subject that stands for what was asked, and its verb."""
_CLAIM_ANY = lazy_pattern(_SUBJECT + _BE_ANY)
_SAY = lazy_pattern(
    r"\W{0,4}(?:i|we)(?:'d|'ll|\s(?:would|will|must|can|have to)|(?P<not>\s(?:can(?:not|'t|\snot)|would(?:n't|\snot)|won't)))?"
    r"\s(?:have to\s)?(?:say|answer|respond with|answer with|conclude)\b[\s:,]*+"
)
_ANSWER = lazy_pattern(rf"\banswer\b[^.\n]{{0,160}}?{_BE}")
"""An answer and its verb, with the question between them: "the answer to whether it can is"."""
_OPEN = lazy_pattern(
    r"\banswer\b(?:\s(?:to|for)\s[^.,;\n]{0,80}?|[^\w.,;\n]{0,8})(?:\b(?:is|was|remains|would be)(?:n't)?\s"
    r"(?:(?<=n't\s)|not\s|un(?:known|clear|certain|determined|available)\b|inconclusive|indeterminate|impossible)(?!yes|no\b|true|false)"
    r"|\b(?:can(?:not|'t|\snot)|could not)\sbe\s(?!yes|no\b|true|false))"
)
"""An answer that commits to neither: "the answer is not known"."""
_CONCLUSION = lazy_pattern(
    r"(?:\b(?:therefore|thus|hence|so|consequently|accordingly|in conclusion|in short|in summary|to conclude|overall|finally|"
    r"as a result|ultimately|in the end|which means(?: that)?)\b|\b(?:conclusion|verdict|final answer|result|judge?ment|output|"
    r"label|prediction|decision|response)\b[\"'*_]{0,4}\s?[:=]|(?:^|\n)[*_]{0,3}a[*_]{0,3}:)[\s,:;*_\u2013\u2014-]{0,6}"
)
_LEAD_IN = lazy_pattern(r"\W{0,4}(?:based on|according to|given|from)\b[^.?!\n]{0,120}?,\s*+|")
_CLAUSE = lazy_pattern(r"(?:[,;:=\u2013\u2014]|\s-\s|\b(?:and|but|means)\b(?:\sthat\b)?|(?:true|false)[\s)]{1,3}is\b)\s*+")
_OTHER = lazy_pattern(r"\b(?:if|whether|unless|when|while|although|though|even|assuming|suppose|which|what)\b|\?")
"""Words of a condition, a concession or a question."""
_SENTENCE = lazy_pattern(r"(?:[.!?][\"')\]*_]{0,3}\s|\n)\s*+")
STEP = lazy_pattern(r"[\s*_#>-]{0,6}(?:step\s)?\d\d?[.):][*_]{0,2}\s+")
"""The number of a step: "1. ", "Step 2: "."""
_REST = lazy_pattern(r"[\s.!\"'*_`)\]}\u201d$<>/]*+(?:</\w+>\s*+)*")


class Answered(NamedTuple):
    """What a sentence about the answer says."""

    place: int
    value: bool | None
    """None: neither is the answer, or it is not known."""


def verdict_at(low: str, place: int = 0) -> bool | None:
    """The verdict that a clause starting at `place` comes to, or None."""
    end = place + REACH
    found = _VERDICT.match(low, place, end)
    if found is not None:
        return _value(found, found["not"])
    for lead in (_CLAIM, _SAY, _CLAIM_ANY):
        start = lead.match(low, place, end)
        if start is not None:
            return _verdict_after(low, start)
    return None


def leads_in(low: str) -> int:
    """Where the first clause begins: after "Based on the passage, "."""
    found = _LEAD_IN.match(low)
    return 0 if found is None else found.end()


def concluded(low: str) -> tuple[bool | None, bool]:
    """The verdict of the last conclusion that comes to one ("Therefore, no"), and whether it uses the words yes and no."""
    value, plain = None, False
    for lead in _CONCLUSION.finditer(low):
        found = verdict_at(low, lead.end())
        if found is not None:
            value, plain = found, low.startswith(("yes", "no"), lead.end())
    return value, plain


def closing(low: str) -> bool | None:
    """The verdict of the last sentence: at its start, or as its last clause."""
    text = low.rstrip()
    start = 0
    for found in _SENTENCE.finditer(text):
        start = found.end()
    line = text.rfind("\n", 0, start) + 1
    if line and STEP.match(text, line) is not None:
        return None  # one of several steps, without a conclusion
    value = verdict_at(text, start)
    if value is not None or _OTHER.search(text, start) is not None:
        return value
    for lead in _CLAUSE.finditer(text, start):
        claim = _CLAIM.match(text, lead.end()) or _CLAIM_ANY.match(text, lead.end())
        bare = _VERDICT.match(text, lead.end() if claim is None else claim.end())
        if bare is not None and _REST.fullmatch(text, bare.end("word")) is not None:
            value = verdict_at(text, lead.end())
    return value


def answered(low: str, start: int = 0) -> Answered | None:
    """The last sentence from `start` on about an answer: "the answer to that is no", "the answer is not known"."""
    if low.find("answer", start) < 0:
        return None
    last = None
    for lead in _ANSWER.finditer(low, start):
        value = _verdict_after(low, lead)
        if value is not None:
            last = Answered(lead.start(), value)
    for found in _OPEN.finditer(low, start if last is None else last.place + 1):
        last = Answered(found.start(), None)
    return last


def _verdict_after(low: str, lead: re.Match[str]) -> bool | None:
    """The verdict right after a subject and its verb, which may be negated: "is not" + "true" is False."""
    found = _VERDICT.match(low, lead.end(), lead.end() + REACH)
    if found is None:
        return None
    groups = lead.groupdict()
    return _value(found, groups.get("not") or groups.get("never") or found["not"])


def _value(found: re.Match[str], negation: str | None) -> bool:
    return WORDS[found["word"]] != bool(negation)
