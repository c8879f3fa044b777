"""EmbedLLM: a CSV (or Parquet) file with one answer per row and its label, 0 or 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


class EmbedLLM:
    """Reads EmbedLLM's answers. A missing label stays missing, while its own loaders set it to 0.

    Args:
        split: The split of every query; by default the one that a file's name states (`val` is `partial_test`), else `train`.
        provenance: How the answers came about; by default what an export of ours next to the file states, else `imported`.
    """

    def __init__(self, *, split: str | None = None, provenance: str | None = None) -> None:
        self.split = split
        self.provenance = provenance

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files.

        Raises:
            InputError: a file cannot be read, or lacks a column of the format.
        """
        mapping = TableMapping(columns=COLUMNS, own_names=False)
        for path, file in labelled(paths):
            reading = Reading.of(
                path, file, column_names(path, file), mapping,
                split=self.split or split_of_name(path), provenance=provenance_beside(path, self.provenance),
            )  # fmt: skip
            yield from reading.read(partial(refuse_but_labels, file=file, columns=["label"], names=["prompt_id", "model_name"]))
