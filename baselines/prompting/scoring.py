"""Scoring answers to the queries of a release: by their own metric, by another one, or by a user's function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.dataset as ds

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.redaction import harmless
from llmfusionbench.release import Release
from llmfusionbench.scoring import METRICS, Score, score

UserScorer = Callable[[str, Mapping[str, Any]], "Score | float | bool | None"]
"""(answer, row of `queries`) -> a performance from 0 to 1, or None if it is unknown."""

_COLUMNS = ["query_id", "task", "domain", "split", "prompt", "ground_truth", "choices", "metric", "license"]


@dataclass(frozen=True)
class Scorer:
    """Scores answers.

    Args:
        metric: Replaces every query's own metric.
        function: Replaces all metrics.
        runner: Executes programs (see `llmfusionbench.sandbox`); without one their performance is missing.
    """

    metric: str | None = None
    function: UserScorer | None = None
    runner: Any = None

    def __post_init__(self) -> None:
        if self.metric is not None and self.metric not in METRICS:
            raise UnknownNameError("metric", self.metric, METRICS)

    def __call__(self, response: str | None, error: str | None, query: Mapping[str, Any]) -> tuple[float | None, str]:
        """(performance, reason); None if it is missing.

        Raises:
            InputError: The user's function failed, or returned anything else.
        """
        if error is not None or response is None:
            return None, "the call failed"
        if self.function is not None:
            return self._of_function(self.function, response, query)
        told = score(
            self.metric or query["metric"],
            response,
            query["ground_truth"],
            choices=query["choices"],
            task=query["task"],
            prompt=query["prompt"],
            runner=self.runner,
        )
        return told.value, told.reason

    def _of_function(self, function: UserScorer, response: str, query: Mapping[str, Any]) -> tuple[float | None, str]:
        name = getattr(function, "__name__", type(function).__name__)
        place = f"scorer {name}, query {query['query_id']}"
        try:
            value: Any = function(response, query)
        except Exception as error:  # whatever a user's function raises is the function's fault
            raise InputError(f"{place}: {type(error).__name__}: {error}. Remedy: fix the function") from harmless(error)
        reason = f"by {name}"
        if isinstance(value, Score):
            value, reason = value.value, value.reason
        if value is None:
            return None, reason
        if isinstance(value, str) or not hasattr(value, "__float__") or not 0 <= float(value) <= 1:
            raise InputError(f"{place}: gave {value!r:.80}, expected a number from 0 to 1, or None")
        return float(value), reason


def query_rows(release: Release, query_ids: list[str], split: str) -> dict[str, dict[str, Any]]:
    """Query -> its row: query_id, task, domain, split, prompt, ground_truth, choices, metric, license."""
    table = release.rows("queries", split, columns=_COLUMNS, filter=ds.field("query_id").isin(query_ids))
    return {row["query_id"]: row for row in table.to_pylist()}
