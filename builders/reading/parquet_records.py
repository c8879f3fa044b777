"""Records of a file of any kind that harnesses write: JSON, JSON lines, or the rows of a Parquet file with their structs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llmfusionbench.builders.reading.json import Item, read_items
from llmfusionbench.builders.reading.parquet import read_parquet
from llmfusionbench.builders.records import Rejected


def read_any(path: Path, file: str) -> Iterator[Item]:
    """The records of a file with their numbers from 0, by its name: Parquet, else JSON.

    Raises:
        InputError: as `read_parquet` and `read_items`.
    """
    if path.name.lower().endswith((".parquet", ".pq")):
        return _rows(path, file)
    return read_items(path, file)


def _rows(path: Path, file: str) -> Iterator[Item]:
    row = 0
    for part in read_parquet(path, file):
        if isinstance(part, Rejected):
            yield part
            row += 1
            continue
        for record in part.to_pylist():
            yield row, record
            row += 1
