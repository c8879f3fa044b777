"""The rows of a shard of `logs` as detectors see them: whole queries, with the scores of each judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from llmfusionbench.auditing.detector import JUDGE_SCORES
from llmfusionbench.release.row_check import check_rows
from llmfusionbench.release.shard_files import shard_dataset
from llmfusionbench.types import ANSWER_KEY

_SCORE: Final = pa.struct([("judge", pa.string()), ("score", pa.float64())])


def shard_batches(path: Path, judged: Sequence[Path], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a file of `logs`, about a row group at a time. All answers to a query are in one batch.

    Args:
        path: The file.
        judged: The files of `judge_scores` that may have scores of its answers.
        columns: Columns of `logs`, and `JUDGE_SCORES`.

    Raises:
        ReleaseError: a number is not allowed by the schema, or a value that the table requires is missing.
    """
    wanted = [column for column in columns if column != JUDGE_SCORES]
    rows = shard_dataset([path], "logs").to_batches(columns=wanted, use_threads=False)
    scores = shard_dataset(judged, "judge_scores") if judged else None
    for batch in whole_queries(check_rows(batch, "logs", path) for batch in rows):
        yield with_judge_scores(batch, scores) if JUDGE_SCORES in columns else batch


def whole_queries(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that end where a query ends; the rows must be sorted by query."""
    rest: pa.RecordBatch | None = None
    for part in batches:
        batch = part if rest is None else pa.concat_batches([rest, part])
        if batch.num_rows:
            start = pc.index(batch["query_id"], batch["query_id"][-1]).as_py()
            if start:
                yield batch.slice(0, start)
            rest = batch.slice(start)
    if rest is not None:
        yield rest


def with_judge_scores(batch: pa.RecordBatch, scores: ds.Dataset | None) -> pa.RecordBatch:
    """`batch` with `JUDGE_SCORES`: the scores that judges gave to each answer alone, not to pairs; an empty list for none."""
    places, values = np.zeros(0, np.int64), pa.array([], _SCORE)
    if scores is not None:
        ids = batch["query_id"]
        within = (pc.field("query_id") >= ids[0]) & (pc.field("query_id") <= ids[-1]) & pc.field("opponent").is_null()
        table = scores.to_table(columns=[*ANSWER_KEY, "judge", "score"], filter=within)
        found = pc.index_in(_keys(table).combine_chunks(), value_set=_keys(batch))
        table, places = table.filter(found.is_valid()), found.drop_null().to_numpy().astype(np.int64)
        values = pa.StructArray.from_arrays(
            [table["judge"].combine_chunks(), table["score"].combine_chunks()], fields=list(_SCORE)
        )
    offsets = np.concatenate([[0], np.cumsum(np.bincount(places, minlength=batch.num_rows))])
    ordered = values.take(pa.array(np.argsort(places, kind="stable")))
    return batch.append_column(JUDGE_SCORES, pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), ordered))


def _keys(rows: pa.RecordBatch | pa.Table) -> pa.Array | pa.ChunkedArray:
    columns = (rows[column].cast(pa.string()) for column in ANSWER_KEY)
    return pc.binary_join_element_wise(*columns, "\x1f")
