"""MATH: the answer of a response equals the ground truth, as text, as a number, or symbolically (math-verify).

The first two comparisons decide most pairs in microseconds; only the rest reach the child process of `symbolic`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from llmfusionbench.errors import InputError
from llmfusionbench.scoring.answers.marks import final_text
from llmfusionbench.scoring.answers.math import in_radians, math_answer, math_truth, plain_math
from llmfusionbench.scoring.answers.numbers.numbers import whole_number
from llmfusionbench.scoring.answers.refusal import no_answer_reason
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.outcome import Score, missing, right, wrong
from llmfusionbench.scoring.symbolic.comparer import Verdict, compare_symbolically

DEADLINE_S = 5.0
"""Processor time for one symbolic comparison, seconds; `math_deadline_s` of the context overrides it."""
DIGITS = 6
"""Digits that a repeating decimal must be given with: 0.333333 is 1/3. As in math-verify."""
PRODUCT = 3
"""Letters up to which a word may be a product: "ab" is "ba"."""
SYMBOLIC_LIMIT = 400
"""Longest answer that is compared symbolically, in characters."""

_BASE = re.compile(r"\d_\{?(\d+)\}?$")
_WORDS = re.compile(r"[a-zA-Z]{2,}")


def math(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """1 if the answers are equal; 0, with a reason, if they could not be shown equal in time.

    With `compare=False` in the context the answer is only extracted, in microseconds, and the value is missing. With
    `symbolic=False` the value is missing where neither text nor numbers decide, also in microseconds.

    Raises MissingExtraError if a symbolic comparison is needed and math-verify is not installed.
    """
    truths = [math_truth(answer) for answer in accepted_answers(ground_truth)]
    if not truths:
        return missing("the ground truth has no answer")
    if response.strip() == ground_truth.strip():
        return right(truths[0])
    answer = math_answer(response)
    if not answer:
        return wrong(None, no_answer_reason(final_text(response), "answer"))
    if context.get("compare") is False:
        return missing("not compared with the ground truth", answer)
    deadline_s = _deadline(context)
    late = starved = undecided = False
    for truth in truths:
        verdict = _quick(truth, answer)
        if verdict is None and context.get("symbolic") is False:
            undecided = True
            continue
        verdict = verdict or _compared(truth, answer, deadline_s)
        if verdict == "equal":
            return right(answer)
        late = late or verdict == "late"
        starved = starved or verdict == "starved"
    if undecided:
        return missing("only a symbolic comparison can decide", answer)
    if starved:
        _symbolic.cache_clear()  # another time it may be compared
        return missing("not compared with the ground truth: the machine was too busy", answer)
    if late:
        return wrong(answer, f"not shown equal to the ground truth within {deadline_s:g} s")
    return wrong(answer)


def _deadline(context: Mapping[str, object]) -> float:
    value = context.get("math_deadline_s", DEADLINE_S)
    if not isinstance(value, (int, float)) or value <= 0:
        raise InputError(f"math_deadline_s is {value!r}, expected seconds above 0.")
    return float(value)


def _quick(truth: str, answer: str) -> Verdict | None:
    """The verdict, if texts or numbers decide it, else None."""
    expected, given = plain_math(truth), plain_math(answer)
    if truth == answer:
        return "equal"
    # Before the plain forms, which have no white space: 3 1/2 is not 31/2.
    truth_number, answer_number = whole_number(truth), whole_number(answer)
    if truth_number is not None and answer_number is not None:
        return "equal" if truth_number.equals(answer_number, digits=DIGITS) else "unequal"
    if expected and expected == given:
        return "equal"
    if max(len(expected), len(given)) > SYMBOLIC_LIMIT or not expected or not given:
        return "unequal"
    bases = _BASE.search(expected), _BASE.search(given)
    if bases[0] and bases[1] and bases[0][1] != bases[1][1]:  # math-verify ignores the base: 1010_2 equals 1010_3
        return "unequal"
    if "\\" not in expected and _WORDS.fullmatch(expected):  # a word such as "Tuesday" or "even"
        if expected.lower() == given.lower():
            return "equal"
        return None if len(expected) <= PRODUCT else "unequal"
    return None


def _compared(truth: str, answer: str, deadline_s: float) -> Verdict:
    verdict = _symbolic(plain_math(truth), plain_math(answer), deadline_s)
    if verdict == "unequal" and ("=" in truth or "=" in answer):  # y = 2x + 1 and y - 2x - 1 = 0
        verdict = _symbolic(plain_math(truth, named=True), plain_math(answer, named=True), deadline_s)
    angles = in_radians(truth), in_radians(answer)
    if verdict == "unequal" and angles != (truth, answer):
        return _symbolic(*map(plain_math, angles), deadline_s)
    return verdict


@lru_cache(maxsize=65536)
def _symbolic(truth: str, answer: str, deadline_s: float) -> Verdict:
    return compare_symbolically(truth, answer, deadline_s=deadline_s)
