"""Everything that the report has about one judge."""

from __future__ import annotations

from dataclasses import dataclass

from llmfusionbench.evaluation.judges.against_metric import AgainstMetric
from llmfusionbench.evaluation.judges.biases import Length, Position, Retest, SelfPreference
from llmfusionbench.evaluation.judges.corrected import Corrected
from llmfusionbench.evaluation.judges.told import Told
from llmfusionbench.evaluation.judges.worth import Worth


@dataclass(frozen=True)
class JudgeFigures:
    """Everything about one judge."""

    name: str
    family: str | None
    rubrics: tuple[str, ...]
    models: tuple[str, ...]
    """Models that judged, as endpoints state them."""
    rows: int
    """Rows of `judge_scores`. A comparison has two, one of each answer."""
    judgements: int
    """Judgements, those without a score too. A comparison is one."""
    unscored: int
    """Judgements without a score: they count nowhere."""
    answers: int
    """Answers that it scored alone."""
    comparisons: int
    mean: Told
    """Mean score."""
    verdict: tuple[str, ...]
    """Whether it is worth its price, and what it would say if it were right, in sentences."""
    worth: Worth
    metric: AgainstMetric | None
    """Against the metrics of the tasks; None where no answer has both."""
    corrected: Corrected | None
    right_pairs: Told
    """Share of comparisons that the answer of higher performance won."""
    retest: Retest
    position: Position
    length: Length
    self_preference: SelfPreference
