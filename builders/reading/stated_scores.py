"""What the results of a run state of its samples, and whether the samples of a file agree with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from llmfusionbench.builders.reading.harness_metrics import Metric

_ROUNDING: Final = 1e-3

Made = TypeVar("Made")


@dataclass(frozen=True)
class Stated:
    """What a results file states of one task."""

    samples: int | None
    """How many samples were evaluated."""
    means: Mapping[str, float]
    """Name of a metric, `metric,filter` or `metric`, -> its mean over the samples."""


@dataclass
class Scored:
    """The records of a file that are read."""

    records: int = 0
    scores: int = 0
    total: float = 0.0

    def counted(self, read: Callable[[dict[str, Any]], Iterable[Made]], record: dict[str, Any]) -> list[Made]:
        """What `read` makes of a record, which is counted even if it raises an error; its score is that of the answers."""
        self.records += 1
        found = list(read(record))
        scores = [one["performance"] for one in found if isinstance(one, dict) and one["performance"] is not None]
        if scores:
            self.scores += 1
            self.total += sum(scores) / len(scores)
        return found

    def against(self, stated: Stated | None, metric: Metric | None, filtered: str | None = None) -> str | None:
        """How the records differ from what is stated, for the user; None if they agree, or nothing comparable is stated.

        Args:
            stated: What the results state.
            metric: The metric that was read.
            filtered: The filter that was read.
        """
        if stated is None or not self.records:
            return None
        if stated.samples is not None and stated.samples != self.records:
            if self.records < stated.samples:
                return f"the file has {self.records:,} of the {stated.samples:,} samples that its results state"
            return f"the file has {self.records:,} samples, and its results state {stated.samples:,}"
        if metric is None or metric.in_parts or self.scores < self.records:
            return None
        mean = stated.means.get(f"{metric.name},{filtered}", stated.means.get(metric.name))
        if mean is None:
            return None
        ours = self.total / self.scores
        if abs(ours - mean) <= _ROUNDING * max(1.0, abs(mean)):
            return None
        return f"the mean of {metric.name} in the file is {ours:.4g}, and its results state {mean:.4g}"


def numbers_in(scores: Any, left_out: Sequence[str] = ()) -> dict[str, float]:
    """The finite numbers among the fields of an object, without those of some metrics."""
    return {
        name: float(value)
        for name, value in (scores.items() if isinstance(scores, dict) else ())
        if isinstance(value, (int, float)) and abs(value) < 1e300 and name.partition(",")[0] not in left_out
    }


def positive(value: Any) -> int | None:
    """A whole number above 0; None for anything else."""
    is_count = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf and value == int(value)
    return int(value) if is_count else None
