"""Scores one response by a named metric, with the rules that all metrics share.

If the response is null, empty or an error, or the ground truth is missing, the value is missing (None). A wrong answer is 0.
No metric raises because of the contents of a response.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.scoring.answers.missing import why_missing
from llmfusionbench.scoring.metrics import METRICS
from llmfusionbench.scoring.metrics.metric import Metric
from llmfusionbench.scoring.outcome import OFFICIAL, Score, missing


def score(metric: str, response: str | None, ground_truth: str | None, *, official: bool = False, **context: object) -> Score:
    """The score of one response.

    `metric` is a name in `METRICS`. In `ground_truth`, several accepted answers, or assert statements, are a JSON array or a
    Python list as text. `official=True` computes the value as the reference pipeline does, defects included.
    Some metrics use a context: `status` (of the response), `choices`, `task`, `prompt`, `entry_point`, `test_setup`, `runner`,
    `judge_score`, `math_deadline_s`, `compare` (False: `math` extracts the answer and leaves its value missing), `symbolic`
    (False: `math` leaves the value missing where only a symbolic comparison can decide).

    Raises:
        UnknownNameError: unknown metric.
        InputError: an argument is not a string or None.
        MissingExtraError: `math` needs math-verify, which is not installed.
    """
    known = METRICS.get(metric)
    if known is None:
        raise UnknownNameError("metric", metric, METRICS)
    result = _score(known, _text("response", response), _text("ground_truth", ground_truth), official, context)
    return replace(result, metric_version=OFFICIAL) if official else result


def _score(metric: Metric, response: str | None, truth: str | None, official: bool, context: Mapping[str, object]) -> Score:
    reason = why_missing(response, truth or "", context.get("status"))
    if reason is not None or response is None:
        return missing(reason or "no response")
    if metric.needs_truth and (truth is None or not truth.strip()):
        return missing("no ground truth")
    return (metric.official if official else metric.scorer)(response, truth or "", context)


def _text(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value != value:  # a missing text in a DataFrame
        return None
    raise InputError(f"{name} is {value!r:.80}, expected a string or None. Remedy: convert it to a string.")
