"""Scores of Langfuse: those of observations and traces, in files of their own or within a trace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from llmfusionbench.builders.reading.client_logs import LeftOut
from llmfusionbench.builders.reading.fields import writable
from llmfusionbench.builders.reading.loose import first_of, is_true, loose_moment, loose_number

_UNNAMED: Final = re.compile(r"[^a-z0-9]+")
_TRUE_OR_FALSE: Final = ("true", "false")


@dataclass(frozen=True)
class Score:
    """One score of an answer."""

    name: str
    source: str
    """`eval`, `annotation` or `api`; empty where it is not stated."""
    value: float | None
    """Null for a category."""
    comment: str | None
    created_at: str | None


@dataclass
class Scores:
    """The scores that were read, by what they are of."""

    of_observation: dict[str, list[Score]] = field(default_factory=dict)
    of_trace: dict[str, list[Score]] = field(default_factory=dict)

    def add(self, record: Mapping[str, Any]) -> None:
        """Keep a score of an observation or a trace."""
        observation, trace = (
            first_of(record, *names) for names in (("observationId", "observation_id"), ("traceId", "trace_id"))
        )
        score = _score(record)
        if score is not None and isinstance(observation, str):
            self.of_observation.setdefault(observation, []).append(score)
        elif score is not None and isinstance(trace, str):
            self.of_trace.setdefault(trace, []).append(score)


def is_score(record: Any) -> bool:
    """Whether a record is a score rather than an observation or a trace."""
    return isinstance(record, dict) and isinstance(record.get("name"), str) and _has_value(record) and "model" not in record


def _has_value(record: Mapping[str, Any]) -> bool:
    stated = any(name in record for name in ("value", "stringValue", "string_value"))
    return stated and any(name in record for name in ("traceId", "trace_id", "observationId", "observation_id"))


def _score(record: Mapping[str, Any]) -> Score | None:
    name = record.get("name")
    if not isinstance(name, str) or not name:
        return None
    comment = record.get("comment")
    when = first_of(record, "timestamp", "createdAt", "created_at")
    return Score(
        writable(name, "the name of a score"),
        str(record.get("source") or "").lower(),
        _value(record),
        writable(comment, "comment") if isinstance(comment, str) and comment else None,
        loose_moment(when),
    )


def _value(record: Mapping[str, Any]) -> float | None:
    kind = str(first_of(record, "dataType", "data_type") or "").upper()
    value = record.get("value")
    if kind in ("CATEGORICAL", "TEXT"):
        return None
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in _TRUE_OR_FALSE):
        return float(is_true(value))
    return loose_number(value)


def flat_scores(record: Mapping[str, Any], name: str | None) -> list[Score]:
    """The scores in the record of an observation: its list `scores`, its object `scores`, and its column `name`."""
    given = record.get("scores")
    if isinstance(given, list):
        return [score for item in given if isinstance(item, dict) and (score := _score(item)) is not None]
    named = dict(given) if isinstance(given, dict) else {}
    if name is not None and name in record:  # the web page exports a column for each name
        named.setdefault(name, record[name])
    found = []
    for title, values in named.items():
        numbers = [n for v in (values if isinstance(values, list) else [values]) if (n := _value({"value": v})) is not None]
        if numbers:
            found.append(Score(writable(str(title), "the name of a score"), "", sum(numbers) / len(numbers), None, None))
    return found


def metric_name(name: str) -> str:
    """A score's name as that of a metric: small letters, digits and underscores."""
    words = _UNNAMED.sub("_", name.lower()).strip("_")
    return words if words[:1].isalpha() else f"score_{words}".rstrip("_")


def scored(answer: dict[str, Any], scores: Iterable[Score], chosen: str | None, left: LeftOut) -> list[dict[str, Any]]:
    """The records of an answer: with the score `chosen` as its performance, and one for each other score, of a judge."""
    judged = []
    for score in scores:
        if score.name == chosen:
            if score.value is not None:
                answer = answer | {"performance": score.value, "metric": metric_name(score.name)}
        elif score.value is None:
            left.remarks[f"the score {score.name[:80]} is a category, and is left out"] += 1
        elif not 0 <= score.value <= 1:
            left.remarks[f"the score {score.name[:80]} is not from 0 to 1, and is left out"] += 1
        else:
            judged.append(
                {
                    "judge": f"{score.source}:{score.name}" if score.source else score.name,
                    "judge_score": score.value,
                    "judge_reason": score.comment,
                    "judge_created_at": score.created_at,
                }
            )
    return [answer | judgement for judgement in judged] or [answer]
