"""Scores one response by a named metric: the one door to all of them, and the rules they share.

A response that is null, empty or an error is missing (None), and so is everything when the ground truth is; a wrong
answer is 0. No metric raises for what a response holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.scoring.answers.responses import why_missing
from llmfusionbench.scoring.metrics import METRICS
from llmfusionbench.scoring.metrics.metric import Metric
from llmfusionbench.scoring.outcome import OFFICIAL, Score, missing


def score(metric: str, response: str | None, ground_truth: str | None, *, official: bool = False, **context: object) -> Score:
    """The score of one response.

    `metric` is a name in `METRICS`. `ground_truth` is a text; several accepted answers, or assert statements, are the
    text of a JSON array or of a Python list. `official=True` gives the reference pipeline's own number, defects
    included; `metric_version` tells which. Context, where a metric uses it: `status` (of the response), `choices`,
    `task`, `prompt`, `entry_point`, `test_setup`, `runner`, `judge_score`, `math_deadline_s`.

    Raises UnknownNameError for an unknown metric, InputError for arguments that are no text and MissingExtraError
    where `math` needs math-verify and it is not installed.
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
    if isinstance(value, float) and value != value:  # NaN is how a DataFrame writes a missing text
        return None
    raise InputError(f"{name} is {value!r:.80}, expected a text or None. Remedy: turn it into text first.")
