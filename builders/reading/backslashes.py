"""Doubled backslashes in a CSV: recognised from the whole file, and undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.limits import open_limited
from llmfusionbench.storage.files import reading


def has_doubled_backslashes(path: Path) -> bool:
    """Whether the writer of a CSV doubled every backslash, as Python's does since 3.10 if its `escapechar` is a backslash.

    Then every run of backslashes in the file has an even length; in a correct file, the first `\\frac` has an odd one.
    """
    seen = False
    run = 0  # backslashes at the end of the last chunk, whose run may go on
    with reading(path), open_limited(path) as stream:
        while chunk := stream.read(8 << 20):
            places = np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\\")) + run
            places = np.concatenate([np.arange(run), places])
            length = len(chunk) + run
            seen = seen or bool(len(places))
            ends = np.flatnonzero(np.diff(places, append=-1) != 1)
            runs = np.diff(ends, prepend=-1)
            open_end = bool(len(places)) and places[-1] == length - 1
            run = int(runs[-1]) if open_end else 0
            if (runs[: len(runs) - open_end] % 2).any():
                return False
    return seen and run % 2 == 0


def undoubled(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The texts of a batch with every pair of backslashes as one. Vectors are skipped, since they have none."""
    columns = [
        column if name.endswith("_embedding") or not _has_backslash(column) else pc.replace_substring(column, "\\\\", "\\")
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _has_backslash(texts: pa.StringArray) -> bool:
    """Whether one of the texts may have a backslash; those beside a slice count, too."""
    data = texts.buffers()[2]
    return data is not None and bool((np.frombuffer(data, np.uint8) == ord("\\")).any())
