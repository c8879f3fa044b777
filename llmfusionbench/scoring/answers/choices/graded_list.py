"""Finds the one option that a list calls right where it calls the others wrong: "A) False. B) True. C) False."."""

from __future__ import annotations

from typing import Final

from llmfusionbench.scoring.answers.choices.mentions import ANY, CLEAR, label_of
from llmfusionbench.scoring.answers.choices.options import Options
from llmfusionbench.texts.lazy_pattern import lazy_pattern

_MENTION: Final = lazy_pattern(ANY)
_BEFORE: Final = lazy_pattern(rf"(?<![\w)\ue000-\uf76f]\s)\bcorrect:\s{{1,2}}(?P<mention>{CLEAR})")
_TRUE: Final = 3
"""Fewest options called right that make the one called wrong the answer: the question asks for the false statement."""
_SAID: Final = 160
"""Characters after a mention in which its grade is looked for."""
_RIGHT_SIGN, _WRONG_SIGN = lazy_pattern("[\u2705\u2713\u2714\u2611]"), lazy_pattern("[\u274c\u2717\u2718\u2716]")
_WORD: Final = (
    r"(?P<true>true|correct|right)|(?P<right>yes|plausible|possible|consistent(?:\swith\s[^\n.;\ue000-\uf76f]{1,40})?)"
    r"|(?P<false>false|incorrect|wrong|not (?:correct|true|right))|(?P<wrong>no|not (?:plausible|possible|consistent)"
    r"|ruled out|eliminated|rejected|excluded|impossible|implausible|inconsistent)"
)
_FIRST: Final = lazy_pattern(rf"[\s:.)*_|\u2013\u2014-]{{0,6}}(?:{_WORD})(?=[\s.,;!*)_|]{{0,6}}(?:\n|\Z)|[.,;!*)_])")
_LAST: Final = lazy_pattern(rf"[:(\u2013\u2014-]\s{{0,2}}[*_]{{0,2}}(?:{_WORD})[\s.,;!*)_]{{0,6}}\Z")


def graded_options(low: str, options: Options) -> tuple[str, ...] | None:
    """The labels that a list calls right; None if the text is no such list.

    It is one if it calls one option right and two or more wrong, or if it begins with the grade of an option and grades all.
    The one statement that is called false while all others are true is the answer, too. Other grades are not turned around: an
    option that is "ruled out" or "no" is not the answer though all others are "possible" or "yes".

    Args:
        low: The text in lower case, with mentions (`mentions`).
        options: The options.
    """
    if _RIGHT_SIGN.search(low) is None and not any(
        word in low for word in ("true", "correct", "yes", "right", "false", "consisten", "ossible", "plausible")
    ):
        return None
    grades: dict[str, bool] = {}
    statements = True
    mentions = list(_MENTION.finditer(low))
    first = None
    ends = [*(following.start() for following in mentions[1:]), len(low)][: len(mentions)]
    for found, end in zip(mentions, ends, strict=True):
        said = low[found.end() : min(end, found.end() + _SAID)]
        grade = _grade(said.split("\n", 1)[0] if end == len(low) else said)
        first = grade is not None if first is None else first
        if grade is not None:
            grades[label_of(found[0], options.labels)] = grade in ("true", "right")
            statements = statements and grade in ("true", "false")
    right = tuple(label for label, good in grades.items() if good)
    whole = first and len(grades) == len(options.labels)
    if statements and whole and len(right) >= _TRUE and len(grades) - len(right) == 1:
        return tuple(label for label, good in grades.items() if not good)
    return right if len(grades) >= 3 and (len(right) == 1 or whole) else None


def graded_before(low: str, options: Options) -> dict[int, tuple[str, ...]]:
    """Where options end that follow the grade "correct:", each with the labels of all of them: "Correct: A. Correct: C."."""
    found = list(_BEFORE.finditer(low)) if low.count("correct: ") > 1 else []
    labels = tuple(dict.fromkeys(label_of(match["mention"], options.labels) for match in found))
    return {match.end(): labels for match in found}


def _grade(said: str) -> str | None:
    """The grade: "true" or "false" of a statement, "right" or "wrong" of an option, or None."""
    if _RIGHT_SIGN.search(said):
        return "right"
    if _WRONG_SIGN.search(said):
        return "wrong"
    found = _FIRST.match(said) or _LAST.search(said)
    return None if found is None else found.lastgroup
