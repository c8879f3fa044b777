"""Results files of OpenCompass: the score of each record of a dataset, by its number in the predictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.harness_metrics import Metric, choose
from llmfusionbench.builders.reading.json import read_fields
from llmfusionbench.builders.reading.stated_scores import Stated, numbers_in, positive

_SCORES: Final = ("correct", "is_correct", "score", "acc", "accuracy", "pass", "passed", "exact_match", "judge_score")
"""What the details of a record call its score, in the order of preference."""
_RIGHT: Final = ("correct", "is_correct")
_LIST: Final = "details"
_NOT_A_RECORD: Final = ("type",)

Scores = Mapping[str, Mapping[str, Any]]
"""Number of a record as text -> its details."""


def results_fields(path: Path, file: str) -> dict[str, Any] | None:
    """The fields of a results file; None for any other file, such as one of predictions."""
    fields, _ = read_fields(path, file, "\0")
    if not fields or any(isinstance(value, dict) and "prediction" in value for value in fields.values()):
        return None
    if "prediction" in fields or not any(_is_score(value) for value in fields.values()):
        return None
    return fields


def _is_score(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def scores_of(fields: Mapping[str, Any]) -> Scores:
    """The details by number: of an object as they are, and of a list by their place."""
    details = fields.get(_LIST)
    if isinstance(details, list):
        return {str(i): detail for i, detail in enumerate(details) if isinstance(detail, dict)}
    if not isinstance(details, dict):
        return {}
    return {name: d for name, d in details.items() if name not in _NOT_A_RECORD and isinstance(d, dict)}


def stated_in(fields: Mapping[str, Any], scores: Scores, metric: Metric | None) -> Stated:
    """What a results file states of its dataset: the number of its records, and the accuracy, which is a percentage.

    A share of 1 or less may be either, and is not compared.
    """
    share = numbers_in(fields).get("accuracy", 0.0) / 100
    is_stated = metric is not None and metric.name in _RIGHT and 0.01 < share <= 1
    return Stated(positive(sum(map(str.isdecimal, scores))), {metric.name: share} if metric is not None and is_stated else {})


def metric_of_details(asked: str | None, scores: Scores) -> Metric | None:
    """The score of each record that becomes the performance: the one asked for, or the first that is known."""
    flat = [{k: v for k, v in detail.items() if k == asked or k in _SCORES} for detail in scores.values()]
    return choose(asked, _SCORES, [{k: _flag(v) for k, v in detail.items()} for detail in flat])


def score_in(metric: Metric, detail: Mapping[str, Any], answers: int) -> list[float | None]:
    """The score of each answer of a record."""
    return metric.read(_flag(detail.get(metric.name)), answers)


def _flag(value: Any) -> Any:
    """A word for a truth value as such, and those of a list: details may be written as texts."""
    return [_word(part) for part in value] if isinstance(value, list) else _word(value)


def _word(value: Any) -> Any:
    word = value.strip().lower() if isinstance(value, str) else ""
    return {"true": True, "false": False}.get(word, value)
