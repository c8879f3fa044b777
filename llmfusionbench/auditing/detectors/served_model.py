"""Answers of another model than the one that was asked for."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Tally, booleans
from llmfusionbench.auditing.finding import Place
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.llm.model_names import same_model

_ARROW: Final = " -> "


class ServedModel(RowDetector):
    """Compares `served_model` with `requested_model`; see `same_model` for what counts as the same."""

    name = "served_model"
    columns = ("requested_model", "served_model", "prompt", "response")
    title = "Served is not requested"
    remedy = (
        "Name these answers after the model that served them, or collect them again with a dated name; "
        "compute their cost at the price of the model that served them"
    )
    severity = "high"

    def __init__(self) -> None:
        super().__init__()
        self.tally = Tally("llm", "task", "served")

    def judge(self, batch: pa.RecordBatch) -> Judged:
        looked = booleans(pc.and_(batch["requested_model"].is_valid(), batch["served_model"].is_valid()))
        pairs = pc.binary_join_element_wise(batch["requested_model"], batch["served_model"], _ARROW).dictionary_encode()
        other = np.array([not same_model(*pair.split(_ARROW, 1)) for pair in pairs.dictionary.to_pylist()] or [False])
        hits = other[pairs.indices.fill_null(0).to_numpy()] & looked
        return Judged(hits, looked, note=lambda row: pairs[row].as_py())

    def look(self, batch: pa.RecordBatch) -> None:
        """Count by pair of names, too."""
        pairs = pc.binary_join_element_wise(batch["requested_model"], batch["served_model"], _ARROW)
        super().look(batch.append_column("served", pairs))

    def what(self) -> str:
        pairs = [name for name, (count, _) in self.tally.by("served").items() if count]
        return (
            f"{self.tally.count:,} of {self.tally.total:,} answers with both names come from another model than the one "
            f"requested, in {len(pairs)} pairs of names. Their scores and costs are those of the other model."
        )

    def first_places(self) -> list[Place]:
        """The pairs of names, by number of answers."""
        found = [Place("requested -> served", name, *counts) for name, counts in self.tally.by("served").items() if counts[0]]
        return sorted(found, key=lambda place: (-place.count, place.name))
