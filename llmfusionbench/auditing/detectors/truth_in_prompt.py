"""Prompts that hold their own ground truth: a column was joined into the prompt, or the answer follows the question."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa

from llmfusionbench.auditing.counting import Tally, booleans
from llmfusionbench.auditing.finding import Finding, Place
from llmfusionbench.auditing.query_detector import QueryDetector
from llmfusionbench.auditing.row_detector import Judged
from llmfusionbench.auditing.signs.leaked_truths import leak

_BY_DESIGN: Final = ("em_mc", "code_eval", "commongen_coverage", "judge")
"""Metrics whose truth may stand in the prompt: an option, the tests of a program, the words to be used, a reference answer."""


class TruthInPrompt(QueryDetector):
    """Counts prompts that hold the ground truth, by the rule of `signs.leaked_truths`; multiple choice is not looked at."""

    name = "truth_in_prompt"
    columns = ("prompt", "ground_truth", "choices", "metric")
    title = "Prompts that hold the ground truth"
    remedy = "Remove the truth from these prompts and ask again, or exclude these queries"
    severity = "low"
    shown: ClassVar = {"prompt": "prompt", "ground truth": "ground_truth"}

    def __init__(self) -> None:
        super().__init__()
        self.reasons = Tally("reason")

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """The queries with a prompt, a truth, no choices and a metric that compares answers with the truth."""
        looked = booleans(batch["prompt"].is_valid()) & booleans(batch["ground_truth"].is_valid())
        looked &= ~booleans(batch["choices"].is_valid()) & ~np.isin(batch["metric"].to_pylist(), _BY_DESIGN)
        hits = np.zeros(len(looked), np.bool_)
        notes: dict[int, str] = {}
        rows = np.flatnonzero(looked)
        pairs = batch.select(["prompt", "ground_truth"]).take(pa.array(rows)).to_pylist()
        for row, pair in zip(rows.tolist(), pairs, strict=True):
            how = leak(pair["prompt"], pair["ground_truth"])
            if how is not None:
                hits[row], notes[row] = True, how
        for name in ("stated", "contained"):
            self.reasons.add_one(name, count=sum(note == name for note in notes.values()), total=len(rows))
        return Judged(hits, looked, [notes.get(row) == "stated" for row in range(len(hits))], notes.get)

    def merge(self, other: Self) -> None:
        """Add what `other` has counted, and its examples."""
        super().merge(other)
        self.reasons.merge(other.reasons)

    def what(self) -> str:
        """The number of prompts."""
        stated = self.reasons.by("reason")["stated"][0]
        return (
            f"{self.tally.count:,} of {self.tally.total:,} prompts hold the ground truth: {stated:,} after words such as "
            f"'Answer:', the others as a long text elsewhere, as in reading comprehension. The former only measure copying."
        )

    def first_places(self) -> list[Place]:
        """How the prompts hold the truth."""
        return self.reasons.places("reason")

    def findings(self) -> list[Finding]:
        """One finding; `high` where the truth is stated as the answer, however rarely."""
        stated = self.reasons.by("reason").get("stated", (0, 0))[0]
        return [replace(found, severity="high" if stated else found.severity) for found in super().findings()]
