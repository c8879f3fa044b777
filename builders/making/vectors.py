"""The vectors that came with the queries, on disk until they are written: they are larger than all other facts of a query."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.known.tasks import canonical_task
from llmfusionbench.builders.making.spill import Settled
from llmfusionbench.builders.reading.limits import whole_bytes
from llmfusionbench.errors import InputError
from llmfusionbench.types import query_id

_ITEM: Final = np.dtype(np.float32)
_MOST_BYTES: Final = 2**33 - 4
"""Arrow counts the numbers of a column by 32 bits."""
_Places = npt.NDArray[np.int64]


class Vectors:
    """Takes vectors in any order, and gives those of a split by key: the first of each kind of each query.

    Args:
        directory: Where their file lies.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "vectors.f32"
        self._keys: list[pa.Table] = []
        self._lengths: list[pa.Array] = []
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._keys)

    def add(self, table: pa.Table) -> None:
        """Take a table as `Embeddings` has it.

        Raises:
            InputError: they take too much memory to be sorted, or one has no number where it should have one.
        """
        vectors = table["embedding"].combine_chunks().cast(pa.list_(pa.float32()))
        values = vectors.flatten()
        if values.null_count:
            raise InputError("a vector lacks one of its numbers. Remedy: correct it, or set --option embeddings=false")
        self._keys.append(pa.table({"query_id": _ids(table), "embedded": table["embedded"]}))
        self._lengths.append(pc.list_value_length(vectors))
        self._bytes += len(values) * _ITEM.itemsize
        most = min(whole_bytes(), _MOST_BYTES)
        if self._bytes > most:
            raise InputError(
                f"the vectors take more than {most >> 20:,} MiB. Remedy: set --option embeddings=false, "
                "or raise --max-record-mib"
            )
        with open(self._path, "ab") as file:
            file.write(values.to_numpy(zero_copy_only=False).astype(_ITEM, copy=False).tobytes())

    def of_splits(self, settled: Settled) -> dict[str, _Places]:
        """Split -> the places of its vectors, by key; for every split that has queries."""
        keys = pa.concat_tables(self._keys)
        pairs = zip(keys["query_id"].to_pylist(), keys["embedded"].to_pylist(), strict=True)
        _, order = np.unique([f"{query} {embedded}" for query, embedded in pairs], return_index=True)
        splits = settled.split_of(keys["query_id"].combine_chunks().take(pa.array(order))).to_numpy(zero_copy_only=False)
        return {split: order[splits == split] for split in settled.present}

    def rows(self, places: _Places) -> pa.Table:
        """The rows of the table `embeddings` at these places."""
        keys = pa.concat_tables(self._keys).take(pa.array(places))
        lengths = pa.chunked_array(self._lengths, pa.int32()).combine_chunks()
        sizes = lengths.fill_null(0).to_numpy().astype(np.int64)
        starts = (np.cumsum(sizes) - sizes)[places]
        ends = np.append(0, np.cumsum(sizes[places]))
        values = np.empty(ends[-1], _ITEM)
        data, size = values.view(np.uint8).data, _ITEM.itemsize
        with open(self._path, "rb", buffering=0) as file:
            for start, first, last in zip(starts.tolist(), ends[:-1].tolist(), ends[1:].tolist(), strict=True):
                file.seek(start * size)
                if file.readinto(data[first * size : last * size]) != (last - first) * size:
                    raise OSError(f"{self._path}: shorter than it was written")
        missing = lengths.take(pa.array(places)).is_null()
        offsets = pa.array(ends.astype(np.int32))
        return keys.append_column("embedding", pa.ListArray.from_arrays(offsets, pa.array(values), mask=missing))


def _ids(table: pa.Table) -> pa.Array:
    """[n] the ids of the queries that the vectors are of."""
    known = table["query_id"].to_pylist() if "query_id" in table.column_names else [None] * len(table)
    named = zip(known, table["task"].to_pylist(), table["prompt"].to_pylist(), strict=True)
    return pa.array([i or query_id(canonical_task(t), p) for i, t, p in named], pa.string())
