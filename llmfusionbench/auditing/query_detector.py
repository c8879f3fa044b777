"""A detector that looks at each query once, for what concerns its prompt and not the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pyarrow as pa

from llmfusionbench.auditing.counting import Tally
from llmfusionbench.auditing.finding import Example
from llmfusionbench.auditing.row_detector import RowDetector
from llmfusionbench.auditing.signs.columns import first_of_query


class QueryDetector(RowDetector):
    """Subclasses are called with the first row of each query; counts and examples are of queries."""

    shown: ClassVar[Mapping[str, str]] = {"prompt": "prompt"}
    by: ClassVar[tuple[tuple[str, ...], ...]] = (("task",), ("split",))

    def __init__(self) -> None:
        super().__init__()
        self.tally = Tally("task", "split")

    def look(self, batch: pa.RecordBatch) -> None:
        """Judge the first row of each query in a batch."""
        super().look(batch.take(pa.array(np.flatnonzero(first_of_query(batch)))))

    def example(self, batch: pa.RecordBatch, row: int, note: str | None) -> Example:
        """A query as an example, which names no LLM."""
        return replace(super().example(batch, row, note), llm=None, mode=None, replicate=None)
