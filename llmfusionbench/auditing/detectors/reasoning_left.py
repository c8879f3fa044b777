"""Thoughts that are left in the answer, with the tags around them: closed, unclosed, or without their opening tag."""

from __future__ import annotations

from typing import ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Tally, booleans
from llmfusionbench.auditing.finding import Place
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.auditing.signs.chat_tokens import THOUGHT_CLOSES, THOUGHT_OPENS
from llmfusionbench.auditing.signs.columns import matches, matches_repeated


class ReasoningLeft(RowDetector):
    """Counts answers with a tag of thoughts, unless their prompt asks for that tag or mentions it."""

    name = "reasoning_left"
    columns = ("response", "prompt")
    title = "Reasoning left in the answer"
    remedy = "Read the thoughts into `reasoning` (the readers split a leading <think> block), and score the answer without them"
    severity = "medium"
    shown: ClassVar = {"answer": "response"}

    def __init__(self) -> None:
        super().__init__()
        self.reasons = Tally("reason")

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """The answers with a tag, by whether thoughts are closed."""
        texts = batch["response"]
        opened, closed = matches(texts, THOUGHT_OPENS), matches(texts, THOUGHT_CLOSES)
        asked = matches_repeated(batch["prompt"], THOUGHT_OPENS) | matches_repeated(batch["prompt"], THOUGHT_CLOSES)
        hits = (opened | closed) & ~asked
        kinds = {"closed": opened & closed, "never closed": opened & ~closed, "never opened": ~opened & closed}
        for name, mine in kinds.items():
            self.reasons.add_one(name, count=int((hits & mine).sum()), total=len(hits))
        return Judged(hits, booleans(pc.is_valid(texts)), hits & opened & ~closed)

    def merge(self, other: Self) -> None:
        """Add what `other` has counted, and its examples."""
        super().merge(other)
        self.reasons.merge(other.reasons)

    def what(self) -> str:
        """The number of answers, and how many have no end to their thoughts."""
        unclosed = self.reasons.by("reason")["never closed"][0]
        return (
            f"{self.tally.count:,} of {self.tally.total:,} answers contain the tags of thoughts, such as <think>. In "
            f"{unclosed:,} of them the thoughts never end, so that the answer is missing."
        )

    def first_places(self) -> list[Place]:
        """The kinds of blocks."""
        return self.reasons.places("reason")
