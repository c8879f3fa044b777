"""The form of the final answer, read off the answers that were scored as good: where it stands and what it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from llmfusionbench.builders.templates.jobs import Job
from llmfusionbench.scoring.answers.booleans.boolean import as_boolean
from llmfusionbench.scoring.answers.marks import answer_field, boxed, final_text, marked_answer
from llmfusionbench.scoring.answers.numbers.numbers import whole_number

_SHORT: Final = 8
"""Words of an answer that is nothing but the answer."""
_LETTER: Final = re.compile(r"\W*([A-Z])\W*")
_BRACKETED: Final = re.compile(r"\(([A-Z])\)")
_WRAPPING: Final = " \t\n.*_`\"'$"


def answer_form(job: Job) -> str:
    """One sentence: the place and the kind of the final answer, as most of the best answers have them.

    Among forms equally frequent the one of the best answer counts.
    """
    if job.metric.lower() == "code_eval":
        return _most([_code_form(answer) for answer in job.answers])
    texts = [final_text(answer) for answer in job.answers]
    kind = _most([_kind(job, text) for text in texts])
    return _most([_place(text) for text in texts]).format(kind)


def _most(values: Sequence[str]) -> str:
    return Counter(values).most_common(1)[0][0]  # equal counts come in the order of their first


def _code_form(answer: str) -> str:
    text = final_text(answer)
    if re.search(r"\[BEGIN\]", text, re.IGNORECASE):
        return "The reply holds the whole program between the tags [BEGIN] and [DONE]."
    if "```" in text:
        return "The reply holds the whole program in one fenced block of code."
    return "The reply is the program itself."


def _place(text: str) -> str:
    """Where the final answer stands; `{}` is its kind."""
    if answer_field(text) is not None:
        return 'The reply is a JSON object whose field "answer" holds {}.'
    if "####" in text:
        return "The reply ends with {} after four hash signs."
    if boxed(text) is not None:
        return "The reply ends with {} in a LaTeX box."
    if len(text.split()) <= _SHORT:
        return "The reply is {} and little else."
    if marked_answer(text) is not None:
        return 'The reply states {} as "the answer".'
    return "The reply ends with {}."


def _kind(job: Job, text: str) -> str:
    """What the final answer is, in words that tell nothing of it."""
    marked = marked_answer(text)
    answer = (marked if marked is not None else _last_line(text)).strip(_WRAPPING)
    if job.choices or job.metric.lower() == "em_mc":
        bracketed = _BRACKETED.search(answer or text) or _BRACKETED.search(_last_line(text))
        if bracketed is not None:
            return "the letter of the chosen option in parentheses"
        return "the letter of the chosen option" if _LETTER.fullmatch(answer) else "the chosen option"
    if as_boolean(answer) is not None or re.match(r"(?:true|false|yes|no)\b", answer.lower()):
        return "yes or no" if re.match(r"yes|no", answer.lower()) else "true or false"
    if whole_number(answer) is not None:
        return "one number"
    if job.metric.lower() in ("gsm8k", "math"):
        return "the result, fully worked out"
    return "a short name or phrase" if len(answer.split()) <= _SHORT else "the result in a few words"


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
