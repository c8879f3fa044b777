"""Looks through all texts of a release once: simulated rows, rows that are too large, and personal data that no audit saw.

The texts that describe a release, such as its manifest and its card, are looked through, too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmfusionbench.auditing.signs.columns import matches
from llmfusionbench.auditing.signs.personal import CANDIDATES, masked, masked_around, personal_data
from llmfusionbench.release import Release
from llmfusionbench.release.card_text import part_names, with_parts
from llmfusionbench.release.row_sizes import row_sizes
from llmfusionbench.schema import table_schema
from llmfusionbench.storage.kinds import CARD
from llmfusionbench.types import Progress

Rows = npt.NDArray[np.int64]

MAX_ROW_BYTES: Final = 2_000_000
"""Largest row that the Hub's viewer and streaming readers handle well, bytes."""

AUDITED: Final = {"logs": ("prompt", "response", "reasoning")}
"""Columns in which the audit looks for personal data. Other tables are files of their own, and their texts can differ."""

_BATCH_ROWS: Final = 512
_AROUND: Final = 40
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
"""Punctuation that Markdown shows without the backslash before it."""


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
    """Kind and place -> number of texts, without the columns that the audit looks at. A place is a column, or a file."""
    personal_texts: int = 0
    """Number of these texts; one can hold several kinds."""
    personal_example: tuple[str, str] | None = None
    """Place and masked surroundings of the first of them."""

    def add(self, text: str, column: str, place: Callable[[], str], *, allowed: Collection[str] = ()) -> None:
        """Look for personal data in one text. Finds that are among `allowed`, word for word, do not count."""
        seen = [(kind, start) for kind, start, end in personal_data(text) if text[start:end] not in allowed]
        self.personal.update(f"{kind} in {column}" for kind in sorted({kind for kind, _ in seen}))
        self.personal_texts += bool(seen)
        if seen and self.personal_example is None:
            self.personal_example = masked(place()), masked_around(text, seen[0][1], _AROUND)


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


def look_at_files(found: Found, files: Mapping[str, str], own: str | None = None) -> None:
    """Look for personal data in the files that describe a release, and add it to what was found.

    Args:
        found: What was found in the tables.
        files: Path -> text, as it is published.
        own: The card that the user wrote. The e-mail addresses of its prose are their contact, and do not count in the card.
    """
    mine = "" if own is None else _ESCAPED.sub(r"\1", with_parts(own, dict.fromkeys(part_names(own), "")))
    contact = {mine[start:end] for kind, start, end in personal_data(mine) if kind == "e-mail address"}
    for name, text in files.items():
        parts = _strings(json.loads(text)) if name.endswith(".json") else (_ESCAPED.sub(r"\1", text),)
        for part in parts:
            found.add(part, name, partial(str, name), allowed=contact if name == CARD else ())


def _strings(data: Any) -> Iterator[str]:
    """All texts of JSON data, names of fields too: in the file, an escape can hide where a word begins."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for name, value in data.items():
            yield name
            yield from _strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _strings(value)


def _look(found: Found, table: str, batch: pa.RecordBatch) -> None:
    keys = [name for name in table_schema(table).key if name in batch.schema.names]
    skipped = AUDITED.get(table, ())

    def place(row: int) -> str:
        return masked(f"{table} ({', '.join(f'{key} {batch[key][row].as_py()}' for key in keys)})")

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
        found.add(text, column, partial(place, row))


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
