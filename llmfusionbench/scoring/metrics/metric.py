"""A metric: our scorer and that of the reference pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmfusionbench.scoring.outcome import Score

Scorer = Callable[[str, str, Mapping[str, object]], Score]


@dataclass(frozen=True, slots=True)
class Metric:
    scorer: Scorer
    official: Scorer
    """The reference pipeline's scorer."""
    needs_truth: bool = True
    empty_is_wrong: bool = False
    """Whether an empty response is 0, as in the published numbers, and not missing."""
