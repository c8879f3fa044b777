"""Scores one response by a named metric, with the rules that all metrics share.

If the response is null, empty or an error, or the ground truth is missing, the value is missing (None). A wrong answer is 0.
No metric raises because of the contents of a response.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from inspect import signature
from typing import Final

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.scoring.answers.missing import EMPTY, why_missing
from llmfusionbench.scoring.metrics import METRICS
from llmfusionbench.scoring.metrics.metric import Metric
from llmfusionbench.scoring.outcome import OFFICIAL, Score, missing, wrong

CONTEXT: Final = {
    "status": "of the response, as the table `responses` has it",
    "choices": "the options of a multiple-choice question, as a list, a dictionary or the text of one",
    "task": "name of the task; some official metrics depend on it",
    "prompt": "of a programming task, whose code a response may continue, or of a multiple-choice question, for its options",
    "entry_point": "name of the function that the tests of a programming task call",
    "test_setup": "code that comes before the tests of a programming task",
    "runner": "runs a program with its tests; without one, programs are not scored",
    "judge_score": "from 0 to 1, the score that a judge gave",
    "math_deadline_s": "seconds that a symbolic comparison may take",
    "compare": "False: `math` extracts the answer and leaves its value missing",
    "symbolic": "False: `math` leaves the value missing where only a symbolic comparison can decide",
}
"""The context that metrics use: name -> what it holds. No other keyword argument is taken."""


def score(metric: str, response: str | None, ground_truth: str | None, *, official: bool = False, **context: object) -> Score:
    """The score of one response.

    `metric` is a name in `METRICS`. In `ground_truth`, several accepted answers, or assert statements, are a JSON array or a
    Python list as text. `official=True` computes the value as the reference pipeline does, defects included.
    Some metrics use a context; its names are those of `CONTEXT`.

    Raises:
        UnknownNameError: unknown metric.
        InputError: an argument is not a string or None, or `CONTEXT` has no such name.
        MissingExtraError: `math` needs math-verify, which is not installed.
    """
    known = METRICS.get(metric)
    if known is None:
        raise UnknownNameError("metric", metric, METRICS)
    if not context.keys() <= CONTEXT.keys():
        raise unknown_argument(score, context)
    result = _score(known, _text("response", response), _text("ground_truth", ground_truth), official, context)
    return replace(result, metric_version=OFFICIAL) if official else result


def unknown_argument(function: Callable[..., object], context: Iterable[str]) -> InputError:
    """The error for the first name that `CONTEXT` does not have, among the keyword arguments of a function."""
    name = next(name for name in context if name not in CONTEXT)
    known = [*CONTEXT, *signature(function).parameters]
    near = difflib.get_close_matches(name, known, n=1) or [one for one in known if name in one.split("_")]
    hint = f" Did you mean {near[0]}?" if near else ""
    return InputError(f"{function.__name__} has no argument {name}.{hint} Known: {', '.join(CONTEXT)}.")


def _score(metric: Metric, response: str | None, truth: str | None, official: bool, context: Mapping[str, object]) -> Score:
    reason = why_missing(response, truth or "", context.get("status"))
    if metric.needs_truth and (truth is None or not truth.strip()):
        return missing(reason or "no ground truth")
    if reason == EMPTY and metric.empty_is_wrong:
        return wrong(None, EMPTY)
    if reason is not None or response is None:
        return missing(reason or "no response")
    return (metric.official if official else metric.scorer)(response, truth or "", context)


def _text(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value != value:  # a missing text in a DataFrame
        return None
    raise InputError(f"{name} is {value!r:.80}, expected a string or None. Remedy: convert it to a string.")
