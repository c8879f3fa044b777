"""Answers that end in a loop: the same passage over and over."""

from __future__ import annotations

from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa

from llmfusionbench.auditing.counting import booleans
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.auditing.score_gap import ScoreGap
from llmfusionbench.auditing.signs.columns import lengths, matches_repeated
from llmfusionbench.auditing.signs.repeating import SHORTEST, Loop, loop

_ASKED: Final = r"(?i)\brepeat|\bover and over|\b(?:write|say|print|type|output)\b[^.]{0,80}\b\d+ times\b"
"""Prompts that may ask for repeats."""


class Loops(RowDetector):
    """Counts answers that end in a loop, unless the prompt asks for repeats; see `signs.repeating` for the rule."""

    name = "loops"
    columns = ("response", "prompt", "performance")
    title = "Answers that end in a loop"
    remedy = "Leave these answers out of latency and cost figures, and check the sampling and the chat template of these LLMs"
    severity = "medium"
    shown: ClassVar = {"answer": "response"}

    def __init__(self) -> None:
        super().__init__()
        self.gap = ScoreGap()

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """Only answers of at least `SHORTEST` bytes are looked at."""
        texts = batch["response"]
        looked = (lengths(texts) >= SHORTEST) & ~matches_repeated(batch["prompt"], _ASKED)
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
            f"{self.tally.count:,} of {self.tally.total:,} answers repeat a passage until they end. The highest share is "
            f"that of {worst.name}: {worst.count:,} of {worst.total:,}" + (f" ({cost})." if cost else ".")
        )
