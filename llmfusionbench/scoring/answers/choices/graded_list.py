"""Finds the one option that a list calls right where it calls the others wrong: "A) False. B) True. C) False."."""

from __future__ import annotations

import re
from typing import Final

from llmfusionbench.scoring.answers.choices.mentions import ANY, label_of
from llmfusionbench.scoring.answers.choices.options import Options

_MENTION: Final = re.compile(ANY)
_TRUE: Final = 3
"""Fewest options called right that make the one called wrong the answer: the question asks for the false statement."""
_SAID: Final = 160
"""Characters after a mention in which its grade is looked for."""
_RIGHT_SIGN, _WRONG_SIGN = re.compile("[\u2705\u2713\u2714\u2611]"), re.compile("[\u274c\u2717\u2718\u2716]")
_WORD: Final = (
    r"(?P<right>true|correct|yes|right|plausible|possible|consistent(?:\swith\s[^\n.;\ue000-\uf76f]{1,40})?)"
    r"|(?P<wrong>false|incorrect|no|wrong|not (?:correct|true|plausible|possible|consistent)|ruled out|eliminated"
    r"|rejected|excluded"
    r"|impossible|implausible|inconsistent)"
)
_FIRST: Final = re.compile(rf"[\s:.)*_|\u2013\u2014-]{{0,6}}(?:{_WORD})(?=[\s.,;!*)_|]{{0,6}}(?:\n|\Z)|[.,;!*)_])")
_LAST: Final = re.compile(rf"[:(\u2013\u2014-]\s{{0,2}}[*_]{{0,2}}(?:{_WORD})[\s.,;!*)_]{{0,6}}\Z")


def graded_options(low: str, options: Options) -> tuple[str, ...] | None:
    """The labels that a list calls right; None if the text is no such list.

    It is one if it calls one option right and two or more wrong, or if it begins with the grade of an option and grades all.
    The one that is called wrong while all others are right is the answer, too.

    Args:
        low: The text in lower case, with mentions (`mentions`).
        options: The options.
    """
    if _RIGHT_SIGN.search(low) is None and not any(
        word in low for word in ("true", "correct", "yes", "right", "false", "consisten", "ossible", "plausible")
    ):
        return None
    grades: dict[str, bool] = {}
    mentions = list(_MENTION.finditer(low))
    first = None
    ends = [*(following.start() for following in mentions[1:]), len(low)][: len(mentions)]
    for found, end in zip(mentions, ends, strict=True):
        said = low[found.end() : min(end, found.end() + _SAID)]
        grade = _grade(said.split("\n", 1)[0] if end == len(low) else said)
        first = grade is not None if first is None else first
        if grade is not None:
            grades[label_of(found[0], options.labels)] = grade
    right = tuple(label for label, good in grades.items() if good)
    whole = first and len(grades) == len(options.labels)
    if whole and len(right) >= _TRUE and len(grades) - len(right) == 1:
        return tuple(label for label, good in grades.items() if not good)
    return right if len(grades) >= 3 and (len(right) == 1 or whole) else None


def _grade(said: str) -> bool | None:
    if _RIGHT_SIGN.search(said):
        return True
    if _WRONG_SIGN.search(said):
        return False
    found = _FIRST.match(said) or _LAST.search(said)
    return None if found is None else found["right"] is not None
