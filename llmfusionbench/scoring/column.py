"""Scores whole Arrow columns: each distinct (response, ground truth, context) once, in several processes if that pays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.engines.engine import in_order
from llmfusionbench.engines.local import Local
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.scoring.metrics import METRICS
from llmfusionbench.scoring.score import CONTEXT, score, unknown_argument

PARALLEL_ROWS = 60_000
"""With fewer distinct answers, starting processes would take longer than scoring."""
PARALLEL_MATH_ROWS = 2_000
"""The same for `math`, where one answer can take a hundred times as long."""
CHUNK = 4096
"""Number of distinct answers that are converted to Python strings at a time."""
LARGE_BYTES = 1 << 30


class ScoredColumn(NamedTuple):
    """Scores of N rows."""

    values: npt.NDArray[np.float64]
    """[N] float64 in [0, 1]; NaN = missing."""
    extracted: pa.Array
    """[N] string: the answers found in the responses; null = none."""
    reasons: pa.Array
    """[N] string, dictionary-encoded."""


def score_column(
    metric: str,
    responses: pa.Array | pa.ChunkedArray,
    ground_truths: pa.Array | pa.ChunkedArray,
    *,
    official: bool = False,
    workers: int = 1,
    **context: object,
) -> ScoredColumn:
    """Scores `responses` against `ground_truths`, both [N] string, row by row as `score` does.

    A context value that is an Arrow array of N rows holds one value per row; any other is used for all rows.
    `workers` > 1 starts that many processes (method "spawn", so call it under `if __name__ == "__main__"`) if there are at
    least `PARALLEL_ROWS` distinct answers, or `PARALLEL_MATH_ROWS` for `math`.
    Raises what `score` raises, also for the names of the context, and InputError for columns of different lengths.
    """
    if metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS)
    if not context.keys() <= CONTEXT.keys():
        raise unknown_argument(score_column, context)
    shared = {name: value for name, value in context.items() if not isinstance(value, (pa.Array, pa.ChunkedArray))}
    own = {name: value for name, value in context.items() if name not in shared}
    columns = [_encoded(column) for column in (responses, ground_truths, *own.values())]
    for name, column in zip(("ground_truths", *own), columns[1:], strict=True):
        if len(column.codes) != len(columns[0].codes):
            raise InputError(f"{name} has {len(column.codes)} rows, expected {len(columns[0].codes)} as in responses.")
    distinct, rows = _distinct(columns)
    run = partial(_score_rows, metric, official, shared, tuple(own))
    parallel = workers > 1 and len(distinct) >= (PARALLEL_MATH_ROWS if metric == "math" else PARALLEL_ROWS)
    scores = [score for chunk in _map(run, columns, distinct, workers if parallel else 1) for score in chunk]
    index = pa.array(rows)
    return ScoredColumn(
        np.array([value for value, _, _ in scores], np.float64)[rows],
        pa.array([extracted for _, extracted, _ in scores], pa.string()).take(index),
        pa.array([reason for _, _, reason in scores], pa.string()).dictionary_encode().take(index),
    )


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A column of N rows as its distinct values and, for every row, the index of its value."""

    values: pa.Array
    codes: npt.NDArray[np.int64]


def _encoded(column: pa.Array | pa.ChunkedArray) -> _Encoded:
    if pa.types.is_string(column.type) and column.nbytes > LARGE_BYTES:
        column = column.cast(pa.large_string())  # offsets of 32 bits reach only 2 GiB
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_nested(column.type):  # Arrow cannot encode these
        return _Encoded(column, np.arange(len(column), dtype=np.int64))
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode(null_encoding="encode")
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    values = encoded.dictionary
    if len(codes) and codes.max() == len(values):
        values = pa.concat_arrays([values, pa.nulls(1, values.type)])
    return _Encoded(values, codes)


def _distinct(columns: Sequence[_Encoded]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The first row of every distinct combination, and for every row the index of its combination."""
    key = columns[0].codes
    for column in columns[1:]:
        paired = key * max(len(column.values), 1) + column.codes
        _, key = np.unique(paired, return_inverse=True)  # dense, so that the product cannot overflow
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    return first.astype(np.int64), place.astype(np.int64)


_Chunk = list[tuple[float, str | None, str]]
"""(value, extracted, reason) of some rows."""


def _map(
    run: Callable[[list[pa.Array]], _Chunk], columns: Sequence[_Encoded], rows: npt.NDArray[np.int64], workers: int
) -> Iterator[_Chunk]:
    chunks = (
        [column.values.take(pa.array(column.codes[rows[start : start + CHUNK]])) for column in columns]
        for start in range(0, len(rows), CHUNK)
    )
    yield from in_order(Local(workers).run(run, chunks))  # only a few chunks ahead, to save memory


def _score_rows(
    metric: str, official: bool, shared: dict[str, object], names: tuple[str, ...], columns: list[pa.Array]
) -> _Chunk:
    """The scores of one chunk. `columns` are the responses, the ground truths and the context values `names`."""
    chunk = []
    for response, truth, *own in zip(*(column.to_pylist() for column in columns), strict=True):
        result = score(metric, response, truth, official=official, **shared, **dict(zip(names, own, strict=True)))
        chunk.append((np.nan if result.value is None else result.value, result.extracted, result.reason))
    return chunk
