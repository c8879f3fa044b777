"""EmbedLLM: a CSV (or Parquet) file with one answer per row and its label, 0 or 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from llmfusionbench.builders.reading.file_names import labelled, provenance_beside, split_of_name
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import TableMapping
from llmfusionbench.builders.reading.right_or_wrong import refuse_but_labels
from llmfusionbench.builders.reading.tables import column_names
from llmfusionbench.builders.records import Part

COLUMNS: Final = {
    "prompt": "prompt", "task": "category", "llm": "model_name", "performance": "label", "source_id": "prompt_id",
}  # fmt: skip
"""Our column -> theirs."""


@dataclass(frozen=True, kw_only=True)
class EmbedLLM:
    """Reads EmbedLLM's answers. A missing label stays missing, while its own loaders set it to 0.

    Args:
        split: The split of every query; by default the one that a file's name states (`val` is `partial_test`), else `train`.
        provenance: How the answers came about; by default what an export of ours next to the file states, else `imported`.
    """

    split: str | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        mapping = TableMapping(columns=COLUMNS, own_names=False)
        for path, file in labelled(paths):
            split, made = self.split or split_of_name(path), provenance_beside(path, self.provenance)
            reading = Reading.of(path, file, column_names(path, file), mapping, split, made)
            yield from reading.read(partial(refuse_but_labels, file=file, columns=["label"], names=["prompt_id", "model_name"]))
