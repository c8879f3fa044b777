"""The scoring of the reference pipeline (FusionFactory, arXiv 2507.10540), defects included, for published numbers only.

Written from its behaviour. Known defects: gsm8k deletes full stops (18.00 is 1800); cem accepts any substring, even within
words, and anything if the normalised truth is empty; em_mc finds only letters in brackets, and accepts a truth that is part
of the match; a list of answers is compared as one text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from llmfusionbench.scoring.answers.normalise import normalise
from llmfusionbench.scoring.metrics.code_eval import NOT_ALLOWED, CodeRunner, code_program, run_program
from llmfusionbench.scoring.metrics.f1 import token_f1
from llmfusionbench.scoring.official.math import boxed_content, plain_form
from llmfusionbench.scoring.outcome import Score, binary, graded, missing, wrong

COVER_TASKS = frozenset(("natural_qa", "trivia_qa", "squad", "boolq"))
"""Tasks that are always scored by cem."""

_DIGITS = re.compile(r"-?[0-9.,]+")
_BRACKETED = re.compile(r"\(\s*[a-zA-Z]\s*\)")
_BEGIN_DONE = re.compile(r"\[BEGIN\](.*?)(?:\[DONE\]|\Z)", re.DOTALL | re.IGNORECASE)


def em(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """Normalised equality; cem for the tasks of `COVER_TASKS`."""
    if context.get("task") in COVER_TASKS:
        return cem(response, ground_truth, context)
    return binary(normalise(response) == normalise(ground_truth), response)


def cem(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """The normalised truth is a substring of the normalised response."""
    return binary(normalise(ground_truth) in normalise(response), response)


def f1_score(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """Token F1; cem for the tasks of `COVER_TASKS`."""
    if context.get("task") in COVER_TASKS:
        return cem(response, ground_truth, context)
    return graded(token_f1(normalise(response), normalise(ground_truth)), response, "overlap of words")


def em_mc(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """The truth is part of the last bracketed letter."""
    found = _BRACKETED.findall(response)
    if not found:
        return binary(not ground_truth.strip(), None)
    return binary(ground_truth.strip().lower() in found[-1].lower(), found[-1])


def gsm8k(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """The digits of the last number, full stops and commas deleted, are those of the truth."""
    truth = re.sub(r"[,$.]", "", ground_truth.split("####")[-1]).strip()
    found = _DIGITS.findall(response)
    if not found:
        return wrong(None, "no number in the response")
    # The reference's loop ends at the first match if all of them are full stops.
    last = next((match for match in reversed(found) if match != "."), found[0])
    answer = re.sub(r"[,.]", "", last)
    return binary(answer == truth, answer)


def math(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """The last boxed answers have the same plain form (Hendrycks). Unboxed answers are wrong."""
    truth, answer = boxed_content(ground_truth), boxed_content(response)
    if truth is None:
        return missing("the ground truth has no \\boxed{}")
    if answer is None:
        return wrong(None, "no \\boxed{} in the response")
    return binary(plain_form(answer) == plain_form(truth), answer)


def code_eval(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """The text between [BEGIN] and [DONE], else the stripped response, run with the tests."""
    runner = context.get("runner")
    if runner is None:
        return missing(NOT_ALLOWED)
    program = code_program("pass", ground_truth, context)
    if isinstance(program, Score):
        return program
    found = _BEGIN_DONE.search(response)
    code = (response if found is None else found[1]).strip()
    if program.setup and "def check" in ground_truth:
        if found is not None and not code.startswith("def "):
            code = "    " + code.replace("\n", "\n    ")
        code = f"{program.setup}\n{code}\n"
    return run_program(replace(program, code=code), cast(CodeRunner, runner))
