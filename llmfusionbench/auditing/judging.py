"""The scores of judges in a batch, as flat arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Floats, numbers
from llmfusionbench.auditing.detector import JUDGE_SCORES


class JudgeRows(NamedTuple):
    """S scores of judges, in the order of the answers."""

    rows: npt.NDArray[np.int64]
    """[S] the row of the answer in the batch."""
    judges: list[str]
    """[J] the names of the judges."""
    judge: npt.NDArray[np.int64]
    """[S] the place of the judge in `judges`."""
    scores: Floats
    """[S] 0 to 1."""


def judge_rows(batch: pa.RecordBatch) -> JudgeRows:
    """The scores in the column `JUDGE_SCORES`, without missing ones."""
    lists = batch[JUDGE_SCORES]
    flat = pc.list_flatten(lists)
    rows = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    scores = numbers(flat.field("score"))
    names = flat.field("judge").dictionary_encode()
    known = ~np.isnan(scores)
    judge = names.indices.to_numpy().astype(np.int64)
    return JudgeRows(rows[known], names.dictionary.to_pylist(), judge[known], scores[known])
