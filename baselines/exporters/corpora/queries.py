"""The queries of a release without their texts, and the reader of its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from llmfusionbench.release import Release
from llmfusionbench.release.row_check import check_rows
from llmfusionbench.schema import table_schema

Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

BATCH_ROWS = 8_192
TRAIN: Final = "train"
UNKNOWN: Final = "unknown"
"""The name of a missing licence."""
PROMPTS: Final = ("prompt", "prompt_think")


@dataclass(frozen=True)
class Coded:
    """A column of names as codes."""

    names: list[str]
    codes: npt.NDArray[np.int32]
    """[n] places in `names`."""

    @classmethod
    def of(cls, values: pa.ChunkedArray) -> Coded:
        whole = values.combine_chunks()
        encoded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
        return cls(encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32))

    def counts(self, rows: Places) -> dict[str, int]:
        """Name -> how many of `rows` have it, if any has; names in order."""
        found = np.bincount(self.codes[rows], minlength=len(self.names))
        return {name: int(n) for name, n in sorted(zip(self.names, found, strict=True)) if n}

    def among(self, wanted: Sequence[str]) -> Mask:
        """[n] whether the name is one of `wanted`."""
        return np.array([name in wanted for name in self.names], bool)[self.codes]


@dataclass(frozen=True)
class Queries:
    """The queries of some splits, in the order of the release."""

    splits: list[str]
    """In the order in which they were read."""
    ids: pa.Array
    """[Q] string"""
    task: Coded
    license: Coded

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def load(cls, release: Release, splits: Sequence[str]) -> Queries:
        columns = ["query_id", "task", "license"]
        rows = pa.concat_tables(release.rows("queries", split, columns=columns) for split in splits)
        licenses = Coded.of(rows["license"].fill_null(UNKNOWN))
        return cls(list(splits), rows["query_id"].combine_chunks(), Coded.of(rows["task"]), licenses)


def batches(release: Release, table: str, splits: Sequence[str], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a table in order, split after split; a split that the table lacks has none.

    Reads one row group at a time, because texts are large.
    """
    for file in files(release, table, splits):
        yield from batches_of(file, table, columns, release.path)


def files(release: Release, table: str, splits: Sequence[str]) -> Iterator[ds.ParquetFileFragment]:
    """The files of a table in order, split after split."""
    present = release.manifest["tables"].get(table, {"splits": {}})["splits"]
    for split in splits:
        if split in present:
            yield from release.table(table, split).get_fragments()


def batches_of(file: ds.ParquetFileFragment, table: str, columns: list[str], release: object) -> Iterator[pa.RecordBatch]:
    """The rows of one file of a table; errors name the release."""
    for group in file.split_by_row_group():
        rows = group.to_table(schema=table_schema(table).arrow, columns=columns)
        yield from check_rows(rows, table, release).to_batches(BATCH_ROWS)


def prompts_of(batch: pa.RecordBatch) -> pa.Array:
    """[n] the prompts of some queries: those of the direct mode, else of the think mode."""
    return pc.coalesce(batch["prompt"], batch["prompt_think"])
