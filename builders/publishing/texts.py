"""Looks through all texts of a release once: simulated rows, rows that are too large, and personal data that no audit saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmfusionbench.auditing.signs.columns import matches
from llmfusionbench.auditing.signs.personal import CANDIDATES, masked_around, personal_data
from llmfusionbench.release import Release
from llmfusionbench.release.row_sizes import row_sizes
from llmfusionbench.schema import table_schema
from llmfusionbench.types import Progress

Rows = npt.NDArray[np.int64]

MAX_ROW_BYTES: Final = 2_000_000
"""Largest row that the Hub's viewer and streaming readers handle well, bytes."""

AUDITED: Final = {"logs": ("prompt", "response", "reasoning"), "responses": ("response", "reasoning")}
"""Columns in which the audit looks for personal data."""

_BATCH_ROWS: Final = 512
_AROUND: Final = 40


@dataclass
class Found:
    """What was found in the texts of a release. A place is the table and the key of a row."""

    simulated: Counter[str] = field(default_factory=Counter)
    """Table -> number of rows whose provenance is simulated."""
    first_simulated: str | None = None
    large: int = 0
    """Number of rows of more than `MAX_ROW_BYTES`."""
    largest: tuple[int, str] = (0, "")
    """Bytes and place of the largest row."""
    personal: Counter[str] = field(default_factory=Counter)
    """Kind and column -> number of texts, without the columns that the audit looks at."""
    personal_example: tuple[str, str] | None = None
    """Place and masked surroundings of the first of them."""


def look(release: Release, progress: Progress | None = None) -> Found:
    """Look through all tables of a release. Raises ReleaseError if a file differs from the manifest."""
    tell = progress or (lambda *_: None)
    found = Found()
    files = [(table, file) for table in release.tables for file in release.checked(release.files(table))]
    for done, (table, path) in enumerate(files):
        tell("files looked through", done, len(files))
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS):
                _look(found, table, batch)
    tell("files looked through", len(files), len(files))
    return found


def _look(found: Found, table: str, batch: pa.RecordBatch) -> None:
    keys = [name for name in table_schema(table).key if name in batch.schema.names]
    skipped = {*keys, *AUDITED.get(table, ())}

    def place(row: int) -> str:
        return f"{table} ({', '.join(f'{key} {batch[key][row].as_py()}' for key in keys)})"

    for name in batch.schema.names:
        if name not in skipped:
            for values, rows in _texts(batch[name], np.arange(batch.num_rows)):
                _look_for_personal_data(found, f"{table}.{name}", values, rows, place)
    sizes = row_sizes(batch)
    found.large += int((sizes > MAX_ROW_BYTES).sum())
    if batch.num_rows and sizes.max() > found.largest[0]:
        found.largest = int(sizes.max()), place(int(sizes.argmax()))
    if "provenance" in batch.schema.names:
        marked = np.flatnonzero(pc.equal(batch["provenance"], "simulated").fill_null(False).to_numpy(zero_copy_only=False))
        if len(marked):
            found.simulated[table] += len(marked)
            found.first_simulated = found.first_simulated or place(int(marked[0]))


def _look_for_personal_data(found: Found, column: str, values: pa.Array, rows: Rows, place: Callable[[int], str]) -> None:
    hits = np.flatnonzero(matches(values, CANDIDATES))
    for row, text in zip(rows[hits].tolist(), values.take(pa.array(hits)).to_pylist(), strict=True):
        seen = list(personal_data(text))
        found.personal.update(f"{kind} in {column}" for kind in sorted({kind for kind, _, _ in seen}))
        if seen and found.personal_example is None:
            found.personal_example = place(row), masked_around(text, seen[0][1], _AROUND)


def _texts(values: pa.Array, rows: Rows) -> Iterator[tuple[pa.Array, Rows]]:
    """(texts, row of each) of all texts in a column, also of those within lists and objects; `rows` has that of each value."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        values, kind = values.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield values, rows
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _texts(pc.list_flatten(values), rows[pc.list_parent_indices(values).to_numpy()])
    elif pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            yield from _texts(pc.struct_field(values, index), rows)
