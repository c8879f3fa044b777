"""EmbedLLM: a CSV (or Parquet) of one answer a row with its label, 0 or 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from llmfusionbench.builders.reading.file_names import labels, provenance_beside, split_of_name
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import TableMapping
from llmfusionbench.builders.reading.right_or_wrong import refuse_but_labels
from llmfusionbench.builders.reading.tables import column_names, read_chunks
from llmfusionbench.builders.records import Part, Rejected

COLUMNS: Final = {
    "prompt": "prompt", "task": "category", "llm": "model_name", "performance": "label", "source_id": "prompt_id",
}  # fmt: skip
"""Our column -> theirs."""


class EmbedLLM:
    """Reads EmbedLLM's answers. A missing label stays missing, where its own loaders take it for 0.

    Args:
        split: The split of every query; by default told from the name of each file (`val` is `partial_test`), else `train`.
        provenance: How the answers came about; by default `imported`, or what an export of ours says beside the file.
    """

    def __init__(self, *, split: str | None = None, provenance: str | None = None) -> None:
        self.split = split
        self.provenance = provenance

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files.

        Raises:
            InputError: a file cannot be read, or lacks a column of the format.
        """
        for path, file in zip(paths, labels(paths), strict=True):
            made = provenance_beside(path, self.provenance)
            mapping = TableMapping(columns=COLUMNS, constants={} if made is None else {"provenance": made})
            split = self.split or split_of_name(path)
            reading = Reading.of(path, file, column_names(path, file), mapping, split)
            for chunk in read_chunks(path, file, list(COLUMNS.values())):
                if isinstance(chunk, Rejected):
                    yield chunk
                    continue
                kept, rejected = refuse_but_labels(chunk, file, ["label"], ["prompt_id", "model_name"])
                yield from rejected
                yield from reading.parts(kept)
