"""Columns of a further file, added to a table by a key. The file is held in memory, and each of its keys stands once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.absent import absent_column
from llmfusionbench.builders.reading.cell_texts import cell_texts, plain_numbers
from llmfusionbench.builders.reading.file_names import stem
from llmfusionbench.builders.reading.limits import too_large, whole_bytes
from llmfusionbench.builders.reading.path_columns import SeenPath
from llmfusionbench.builders.reading.paths import find_path
from llmfusionbench.builders.reading.tables import column_names, read_chunks
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_SHOWN: Final = 3


@dataclass(frozen=True)
class Join:
    """A further file, and the keys by which its records belong to those of a table."""

    path: Path
    theirs: str
    """The key in the further file: a column or a path."""
    ours: str
    """The key in the table."""


@dataclass(frozen=True)
class Further:
    """A further file in memory."""

    join: Join
    keys: pa.Array
    numbers: pa.Array | None
    """The keys with 5 for 5.0, by which a key is looked up that is none of `keys`; None if two of them become the same."""
    table: pa.Table
    nested: dict[str, dict[int, Any]]
    """Name in the further file -> row -> the object or list that the table has as a text of JSON."""
    names: tuple[str, ...]
    """Its columns."""

    def joined(self, columns: Sequence[str]) -> Joined:
        """The columns that it adds to a table with `columns`. A name that the table has, too, gets the file's in front."""
        same = self.join.theirs if self.join.theirs == self.join.ours else None
        added = {f"{stem(self.join.path)}.{name}" if name in columns else name: name for name in self.names if name != same}
        return Joined(self, {name: theirs for name, theirs in added.items() if name not in columns})


@dataclass
class Joined:
    """The columns that a further file adds to a table."""

    further: Further
    columns: dict[str, str]
    """Name in the table -> name in the further file."""
    unmatched: int = field(default=0)
    """The number of records of the table without a partner."""

    def of(self, keys: pa.Array, names: Sequence[str]) -> tuple[list[pa.Array], dict[str, dict[int, Any]]]:
        """[n] each, of some of the columns, for the [n] keys of a table's records; and what of them is nested, by position."""
        texts, further = cell_texts(keys), self.further
        places = pc.index_in(texts, further.keys)
        if further.numbers is not None and places.null_count:
            places = pc.coalesce(places, pc.index_in(plain_numbers(texts), further.numbers))
        self.unmatched += places.null_count
        found = {name: further.table[self.columns[name]].combine_chunks().take(places) for name in names}
        rows = places.to_pylist() if any(self.columns[name] in further.nested for name in names) else []
        inner = {
            name: {i: further.nested[theirs][row] for i, row in enumerate(rows) if row in further.nested[theirs]}
            for name in names
            if (theirs := self.columns[name]) in further.nested
        }
        return list(found.values()), inner

    def note(self, records: int) -> str:
        """What was joined."""
        missing = f", {self.unmatched:,} of {records:,} records have no partner" if self.unmatched else ""
        join = self.further.join
        return f"joined with {join.path.name} by {join.ours} ({len(self.further.keys):,} keys){missing}"


def parse_joins(given: Any, folder: Path | None = None) -> tuple[Join, ...]:
    """The joins of texts `FILE:KEY` or `FILE:THEIRKEY=OURKEY`; a relative FILE is looked up in `folder`.

    Raises:
        InputError: one is something else.
    """
    if given is None:
        return ()
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InputError(f"join is {shorten(given)}, expected a list of texts such as questions.jsonl:question_id")
    found = []
    for text in given:
        file, _, keys = text.rpartition(":") if isinstance(text, str) else ("", "", "")
        theirs, equals, ours = keys.partition("=")
        if not file or not theirs or (equals and not ours):
            raise InputError(
                f"join is {shorten(text)}, expected FILE:KEY or FILE:THEIRKEY=OURKEY. "
                "Remedy: write it like questions.jsonl:question_id"
            )
        path = Path(file)
        found.append(Join(path if folder is None else folder / path, theirs, ours or theirs))
    return tuple(found)


def read_join(join: Join) -> Further:
    """The further file of a join.

    Raises:
        InputError: the file cannot be read, is too large, lacks the key, or has a key twice.
    """
    if not join.path.is_file():
        raise InputError(f"{join.path}: no such file to join. Remedy: check the path")
    names = column_names(join.path, join.path.name)
    key = find_path(join.theirs, names)
    if key is None:
        raise absent_column(str(join.path), join.theirs, names, "to join by")
    paths = {join.theirs: SeenPath(key)} if key.steps else {}
    parts: list[pa.RecordBatch] = []
    nested: dict[str, dict[int, Any]] = {}
    size = rows = 0
    for chunk in read_chunks(join.path, join.path.name, [*dict.fromkeys([*names, join.theirs])], paths):
        if isinstance(chunk, Rejected):
            raise InputError(f"{join.path} record {chunk.row}: {chunk.reason}. Remedy: correct the file to join")
        size += chunk.batch.nbytes
        if size > whole_bytes():
            raise too_large(join.path, "the file to join takes more in memory", whole_bytes())
        keys = cell_texts(chunk.batch.column(join.theirs))
        chunk = chunk.filter(pc.fill_null(pc.not_equal(keys, ""), False).to_numpy(zero_copy_only=False))
        for name, inner in chunk.nested.items():
            nested.setdefault(name, {}).update({rows + i: value for i, value in inner.items()})
        parts.append(chunk.batch)
        rows += len(chunk.rows)
    if not rows:
        raise InputError(f"{join.path}: no records to join. Remedy: check the file")
    table = pa.concat_tables([pa.Table.from_batches([part]) for part in parts], promote_options="permissive")
    keys = cell_texts(table[join.theirs].combine_chunks())
    counts = pc.value_counts(keys)
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist()
    if twice:
        more = f" and {len(twice) - _SHOWN:,} more" if len(twice) > _SHOWN else ""
        raise InputError(
            f"{join.path}: several records have the same {join.theirs}: {', '.join(map(shorten, twice[:_SHOWN]))}{more}, "
            "expected each value once. Remedy: drop the repeated records"
        )
    numbers = plain_numbers(keys)
    are_apart = pc.count_distinct(numbers).as_py() == len(keys)
    return Further(join, keys, numbers if are_apart else None, table, nested, tuple(names))
