"""Recognises a response that refuses to answer, so that its 0 gets the right reason."""

from __future__ import annotations

import re

_OPENING = 80
_DECLINES = re.compile(
    r"i(?:'|\u2019)?m sorry|i am sorry|i apologi[sz]e|i can(?:no|'|\u2019)t|i am (?:unable|not able)|"
    r"i(?:'|\u2019)m (?:unable|not able)|as an ai\b|i (?:do not|don(?:'|\u2019)t) know|unable to (?:answer|determine)|"
    r"cannot be determined|not enough information|i won(?:'|\u2019)t|sorry, (?:but )?i\b"
)


def declines(text: str) -> bool:
    """Whether `text` opens with a refusal or with "I don't know"."""
    return _DECLINES.search(text[:_OPENING].lower()) is not None


def no_answer_reason(text: str, looked_for: str) -> str:
    """The reason for a 0 if no answer was found: "refusal" or "no `looked_for` in the response"."""
    return "refusal" if declines(text) else f"no {looked_for} in the response"
