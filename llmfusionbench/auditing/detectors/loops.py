"""Answers that end in a loop: the same passage over and over."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa

from llmfusionbench.auditing.counting import booleans, lower_share
from llmfusionbench.auditing.finding import Finding
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.auditing.score_gap import ScoreGap
from llmfusionbench.auditing.signs.columns import lengths, matches
from llmfusionbench.auditing.signs.repeating import SHORTEST, Loop, loop

_ASKED: Final = r"(?i)\brepeat|\bover and over|\b(?:write|say|print|type|output)\b[^.]{0,80}\b\d+ times\b"
"""Prompts that may ask for repeats."""
_SEVERE: Final = 0.01
"""Share of an LLM's answers, by the lower end of its interval, from which the severity is high."""


class Loops(RowDetector):
    """Counts answers that end in a loop, unless the prompt asks for repeats; see `signs.repeating` for the rule."""

    name = "loops"
    columns = ("response", "prompt", "performance")
    title = "Answers that end in a loop"
    remedy = "Exclude these answers from latency and cost figures, and check the temperature and the chat template of these LLMs"
    severity = "low"
    shown: ClassVar = {"answer": "response"}

    def __init__(self) -> None:
        super().__init__()
        self.gap = ScoreGap()

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """Only answers of at least `SHORTEST` bytes are looked at."""
        texts = batch["response"]
        looked = (lengths(texts) >= SHORTEST) & ~matches(batch["prompt"], _ASKED)
        loops: dict[int, Loop] = {}
        rows = np.flatnonzero(looked)
        for row, text in zip(rows.tolist(), texts.take(pa.array(rows)).to_pylist(), strict=True):
            found = loop(text)
            if found is not None:
                loops[row] = found
        hits, sizes = np.zeros(len(texts), np.bool_), np.zeros(len(texts))
        for row, found in loops.items():
            hits[row], sizes[row] = True, found.repeats * len(found.passage)
        self.gap.add(batch, hits)
        notes = {row: f"{found.repeats:,} repeats of {len(found.passage):,} characters" for row, found in loops.items()}
        return Judged(hits, booleans(batch["response"].is_valid()), sizes, notes.get)

    def merge(self, other: Self) -> None:
        """Add what `other` has counted, and its examples."""
        super().merge(other)
        self.gap.merge(other.gap)

    def what(self) -> str:
        """The number of answers, and the LLM with the highest share."""
        worst = self.tally.places("llm")[0]
        cost = self.gap.sentence(worst.name)
        return (
            f"{self.tally.count:,} of {self.tally.total:,} answers repeat a passage until they end. The highest share is that of "
            f"{worst.name}: {worst.count:,} of {worst.total:,}" + (f" ({cost})." if cost else ".")
        )

    def findings(self) -> list[Finding]:
        """One finding, whose severity depends on the highest share of an LLM's answers."""
        severe = any(lower_share(place.count, place.total) >= _SEVERE for place in self.tally.places("llm"))
        return [replace(finding, severity="high" if severe else "low") for finding in super().findings()]
