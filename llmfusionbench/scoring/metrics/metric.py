"""What a metric is: how it scores one response, and how the published scorer does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmfusionbench.scoring.outcome import Score

Scorer = Callable[[str, str, Mapping[str, object]], Score]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    scorer: Scorer
    official: Scorer
    """The reference pipeline's way."""
    needs_truth: bool = True
