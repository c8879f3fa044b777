"""What became of every record of the input: taken, folded into an earlier one that says the same, or rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.records import Rejected

_Rows = npt.NDArray[np.int64]
Places = dict[str, _Rows]
"""File -> the numbers of some of its records, sorted, each once."""


def places_of(rows: pa.Table | pa.RecordBatch) -> Places:
    """Where log records stand in the input; those that do not state it are skipped."""
    files, numbers = (pa.chunked_array(rows[name]).combine_chunks() for name in ("file", "row"))
    stated = pc.and_(files.is_valid(), numbers.is_valid())
    encoded = files.filter(stated).dictionary_encode()
    codes, numbers = encoded.indices.to_numpy(), numbers.filter(stated).to_numpy()
    return {file: _distinct(numbers[codes == code]) for code, file in enumerate(encoded.dictionary.to_pylist())}


def table_of(places: Iterable[Places]) -> pa.Table:
    """The places of some rows as a table of `file` and `row`, each once; see `places_of`."""
    found: dict[str, list[_Rows]] = {}
    for some in places:
        _add(found, some)
    rows = {file: _whole(parts) for file, parts in found.items()}
    files = pa.array(list(rows), pa.string()).take(pa.array(np.repeat(np.arange(len(rows)), [*map(len, rows.values())])))
    return pa.table({"file": files, "row": pa.array(np.concatenate([*rows.values(), np.zeros(0, np.int64)]))})


class Tally:
    """The records of a build by their places. A record of many answers counts once; it is taken if a row states any of it."""

    def __init__(self) -> None:
        self._read: dict[str, list[npt.NDArray[np.int64]]] = {}
        self._taken: dict[str, list[npt.NDArray[np.int64]]] = {}

    def read(self, places: Places) -> None:
        """Note records that a source gave."""
        _add(self._read, places)

    def taken(self, places: Places) -> None:
        """Note records that are in the release."""
        _add(self._taken, places)

    def counts(self, rejected: Iterable[Rejected]) -> dict[str, int]:
        """Number of records that were taken, folded and rejected, once all were noted."""
        counts = {"taken": 0, "folded": 0, "rejected": 0}
        for _, taken, folded, wrong in self._sorted(rejected):
            for name, found in (("taken", taken), ("folded", folded), ("rejected", wrong)):
                counts[name] += len(found)
        return counts

    def folded(self, rejected: Iterable[Rejected]) -> list[tuple[str, int]]:
        """File and number of each record that says the same as an earlier one, once all were noted."""
        return [(file, row) for file, _, folded, _ in self._sorted(rejected) for row in folded.tolist()]

    def _sorted(self, rejected: Iterable[Rejected]) -> Iterator[tuple[str, _Rows, _Rows, _Rows]]:
        """(file, the records that were taken, folded and rejected)."""
        refused: dict[str, list[int]] = {}
        for record in rejected:
            if record.row is not None:
                refused.setdefault(record.file, []).append(record.row)
        for file in {**self._read, **refused}:
            taken = _whole(self._taken.get(file))
            wrong = np.setdiff1d(np.array(refused.get(file, ()), np.int64), taken)
            folded = np.setdiff1d(np.setdiff1d(_whole(self._read.get(file)), taken, True), wrong, True)
            yield file, taken, folded, wrong


def _add(noted: dict[str, list[npt.NDArray[np.int64]]], places: Places) -> None:
    for file, numbers in places.items():
        noted.setdefault(file, []).append(numbers)


def _whole(parts: list[npt.NDArray[np.int64]] | None) -> npt.NDArray[np.int64]:
    return _distinct(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def _distinct(rows: _Rows) -> _Rows:
    """Sorted, each once. Sorting is faster than the look-ups of `np.unique`, since most rows come in order."""
    rows = np.sort(rows)
    new = np.ones(len(rows), bool)
    new[1:] = rows[1:] != rows[:-1]
    return rows[new]
