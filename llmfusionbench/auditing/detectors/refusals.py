"""Answers that decline to help, which a scorer counts as wrong and a router learns as a weakness in the subject."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import booleans
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.auditing.signs.refusing import refusals


class Refusals(RowDetector):
    """Counts short answers that open with a refusal; see `signs.refusing` for the rule. It knows English only."""

    name = "refusals"
    columns = ("response", "prompt")
    title = "Refusals"
    remedy = "Report refusals apart from wrong answers, and decide whether a router should avoid an LLM because of them"
    severity = "low"
    shown: ClassVar = {"prompt": "prompt", "answer": "response"}

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """The shortest refusals are the most telling ones."""
        texts = batch["response"]
        return Judged(refusals(texts), booleans(pc.is_valid(texts)), pc.negate(pc.fill_null(pc.utf8_length(texts), 0)))

    def what(self) -> str:
        """The number of answers, and the LLM with the highest share."""
        worst = self.tally.places("llm")[0]
        return (
            f"{self.tally.count:,} of {self.tally.total:,} answers decline to answer. The highest share is that of "
            f"{worst.name}: {worst.count:,} of {worst.total:,}."
        )
