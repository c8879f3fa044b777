"""Answers in JSON that no parser reads, or that hold two answers: their score depends on how forgiving the reader is."""

from __future__ import annotations

from typing import ClassVar, Final, Self

import pyarrow as pa

from llmfusionbench.auditing.counting import Tally, lower_share
from llmfusionbench.auditing.finding import Place
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.auditing.score_gap import ScoreGap
from llmfusionbench.auditing.signs.json_objects import json_faults

_SHARE: Final = 0.03
"""Share of an LLM's answers in JSON, by the lower end of its interval, from which its mean is said to depend on the reader."""
_BROKEN, _SEVERAL = "cannot be read", "two objects disagree"
_NAMED: Final = 6
"""LLMs that the finding describes."""


class BrokenJson(RowDetector):
    """Counts answers that open with a JSON object which cannot be read, or which a later object contradicts."""

    name = "broken_json"
    columns = ("response", "performance")
    title = "Answers in JSON that cannot be read, or that disagree with themselves"
    remedy = "Compare these LLMs only under a scorer that states how it reads such answers, or ask again with structured output"
    severity = "medium"
    shown: ClassVar = {"answer": "response"}

    def __init__(self) -> None:
        super().__init__()
        self.gap, self.reasons = ScoreGap(), Tally("reason")

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """Only answers that open with an object are looked at."""
        opens, broken, several = json_faults(batch["response"])
        self.gap.add(batch, broken | several)
        for name, hits in {_BROKEN: broken, _SEVERAL: several}.items():
            self.reasons.add_one(name, count=int(hits.sum()), total=int(opens.sum()))
        return Judged(broken | several, opens, note=lambda row: _BROKEN if broken[row] else _SEVERAL)

    def merge(self, other: Self) -> None:
        """Add what `other` has counted, and its examples."""
        super().merge(other)
        self.gap.merge(other.gap)
        self.reasons.merge(other.reasons)

    def what(self) -> str:
        """The numbers, and the LLMs of whose answers more than `_SHARE` are concerned, with what that costs."""
        broken, several = (self.reasons.by("reason")[name][0] for name in (_BROKEN, _SEVERAL))
        what = (
            f"Of {self.tally.total:,} answers that open with a JSON object, no JSON parser reads {broken:,}, and "
            f"{several:,} hold a second object with another answer. Their scores depend on how the reader treats them."
        )
        described = []
        for place in self.tally.places("llm")[:_NAMED]:
            if lower_share(place.count, place.total) >= _SHARE:
                cost = self.gap.sentence(place.name)
                described.append(f"{place.name}: {place.count:,} of {place.total:,}" + (f" ({cost})" if cost else ""))
        return what + (f" {'; '.join(described)}." if described else "")

    def last_places(self) -> list[Place]:
        """The kinds of faults."""
        return self.reasons.places("reason")
