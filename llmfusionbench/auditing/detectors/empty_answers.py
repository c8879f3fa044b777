"""Answers without a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import booleans, numbers
from llmfusionbench.auditing.row_detector import Judged, RowDetector

_BLANK: Final = r"^\s*$"


class EmptyAnswers(RowDetector):
    """Answers of status `empty`, and those of status `ok` whose text is blank. A text that was not kept is not empty."""

    name = "empty_answers"
    columns = ("response", "status", "output_tokens", "finish_reason", "prompt")
    title = "Empty answers"
    remedy = "Raise the token limit if the tokens went into reasoning, or collect these answers again; else they count as wrong"
    severity = "medium"
    shown: ClassVar[Mapping[str, str]] = {"prompt": "prompt"}

    def __init__(self) -> None:
        super().__init__()
        self.paid = 0
        """Number of empty answers with output tokens."""

    def judge(self, batch: pa.RecordBatch) -> Judged:
        answered = booleans(pc.is_in(batch["status"], pa.array(["ok", "empty"])))
        blank = booleans(pc.match_substring_regex(batch["response"], _BLANK))
        hits = answered & (booleans(pc.equal(batch["status"], "empty")) | blank)
        tokens = np.nan_to_num(numbers(batch["output_tokens"]))
        self.paid += int(np.count_nonzero(hits & (tokens > 0)))
        why = batch["finish_reason"]
        return Judged(hits, answered, tokens, lambda row: f"{tokens[row]:,.0f} output tokens, finish reason {why[row].as_py()}")

    def merge(self, other: Self) -> None:
        super().merge(other)
        self.paid += other.paid

    def what(self) -> str:
        return (
            f"{self.tally.count:,} of {self.tally.total:,} answers have no text; {self.paid:,} of them were charged output "
            "tokens. They count as wrong, at their cost."
        )
