"""Answers of another model than the one that was asked for."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Tally, booleans
from llmfusionbench.auditing.finding import Place
from llmfusionbench.auditing.row_detector import Judged, RowDetector

_ARROW: Final = " -> "
_OWNER: Final = re.compile(r"(?:[a-z]{2,4}\.)?(?:amazon|anthropic|ai21|cohere|deepseek|meta|mistral|openai|qwen)\.")
"""The head of a name on a platform that hosts several owners' models."""
_SNAPSHOT: Final = re.compile(r"[-@:_](?:\d{8}|\d{6}|\d{4}|\d{3}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{2}-\d{4})(?:-v\d+(?::\d+)?)?")
"""The date or number of a snapshot at the end of a name, as in `-2024-08-06`, `-0613`, `@20240620`, `-001`."""
_LATEST: Final = re.compile(r"[-@:]latest$")


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


@cache
def same_model(requested: str, served: str) -> bool:
    """Whether two names are of the same model.

    The prefix of a provider (`openai/`, `us.anthropic.`), case, `-latest` and a snapshot (a date or number at the end) that
    only one of the names states make no difference. Two different snapshots do.
    """
    ours, theirs = _plain(requested), _plain(served)
    if ours == theirs:
        return True
    longer, shorter = (theirs, ours) if len(theirs) > len(ours) else (ours, theirs)
    return longer.startswith(shorter) and _SNAPSHOT.fullmatch(longer, len(shorter)) is not None


def _plain(name: str) -> str:
    short = name.strip().rstrip("/").rpartition("/")[2].casefold()
    return _LATEST.sub("", _OWNER.sub("", short))
