"""GSM8K: the number an LLM gives as its answer equals the number after "####" in the ground truth."""

from __future__ import annotations

from collections.abc import Mapping

from llmfusionbench.scoring.answers.marks import answer_field, below, final_text, last_mark, marked_answer
from llmfusionbench.scoring.answers.numbers.numbers import Number, last_number, leading_number
from llmfusionbench.scoring.answers.numbers.results import concluded_number, corrected_number, result_number
from llmfusionbench.scoring.answers.numbers.words import in_digits
from llmfusionbench.scoring.answers.refusal import declines, no_answer_reason
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.outcome import Score, binary, missing, right, wrong

_SHORT = 400


def gsm8k(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """1 if the response's number equals the ground truth's; None if the ground truth has no number."""
    truths = [number for answer in accepted_answers(ground_truth) if (number := truth_number(answer)) is not None]
    if not truths:
        return missing("the ground truth has no number")
    if response.strip() == ground_truth.strip():
        return right(truths[0].text)
    text = final_text(response)
    number = answer_number(text)
    if number is None:
        return wrong(None, no_answer_reason(text, "number"))
    return binary(any(number.equals(truth) for truth in truths), number.text)


def truth_number(ground_truth: str) -> Number | None:
    """The number of a ground truth: after "####", in \\boxed{}, or the last one."""
    marked = marked_answer(ground_truth) if len(ground_truth) > 24 or "#" in ground_truth else None
    number = result_number(marked) if marked is not None else None
    return number if number is not None else last_number(ground_truth)


def answer_number(text: str) -> Number | None:
    """The number of a response: the marked one, else that of the conclusion, else the last; None for a short refusal."""
    field = answer_field(text)
    if field is not None:
        # A field should hold only the answer. If it has a calculation, its first number counts, as in the published
        # accuracies of ZeroEval. In prose ("the answer is 5 + 3 = 8") the result of the calculation counts.
        return leading_number(field) or leading_number(in_digits(field))
    mark = last_mark(text)
    if mark is not None:
        following = below(text, mark)
        number = corrected_number(f"{mark[1]}\n{following}") or result_number(mark[1], following)
        if number is not None:
            return number
    if len(text) < _SHORT and declines(text):
        return None
    return concluded_number(text) or last_number(text) or (last_number(in_digits(text)) if len(text) < _SHORT else None)
