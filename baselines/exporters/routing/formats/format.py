"""The routing format protocol, and the files that several formats write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from llmfusionbench.baselines.exporters.routing.selection import Block, Numbers, Selection
from llmfusionbench.errors import InputError

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
"""One for all records: `json.dumps` with options makes one per call, which takes longer than a short record."""


class RoutingFormat(Protocol):
    """A format of routing data."""

    reader: str | None
    """The source that reads it back; None if it holds no matrix."""
    holds: str
    """What it holds of a release."""
    missing: str
    """How a missing number is written."""
    lost: str
    """What it cannot hold of a release."""

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """Write the files into an existing folder; name -> number of records.

        Raises:
            InputError: The format cannot hold the selection.
        """


@contextmanager
def json_list(path: Path) -> Iterator[JsonWriter]:
    """A file of one JSON list, one record per line."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("[\n")
        yield JsonWriter(file, ",\n")
        file.write("\n]\n")


@contextmanager
def json_lines(path: Path) -> Iterator[JsonWriter]:
    """A file of JSON lines."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        writer = JsonWriter(file, "\n")
        yield writer
        if writer.records:
            file.write("\n")


class JsonWriter:
    """Writes records to a file of JSON."""

    def __init__(self, file: IO[str], between: str) -> None:
        self._file, self._between = file, between
        self.records = 0

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Append records."""
        for record in records:
            text = _ENCODER.encode(record)
            self._file.write(self._between + text if self.records else text)
            self.records += 1


def write_json(
    selection: Selection,
    folder: Path,
    name: str,
    records: Callable[[str, Block], Iterable[Mapping[str, Any]]],
    file_of: Callable[[Path], AbstractContextManager[JsonWriter]] = json_lines,
) -> dict[str, int]:
    """Write the records of each split and block to one file per split, `name` with the split for `{}`; name -> records."""
    written = {}
    for split in selection.splits:
        with file_of(folder / name.format(split)) as file:
            for block in selection.blocks(split):
                file.write(records(split, block))
        written[name.format(split)] = file.records
    return written


def write_csv(
    selection: Selection, folder: Path, name: str, schema: pa.Schema, columns: Callable[[str, Block], Sequence[Any]]
) -> dict[str, int]:
    """The same for CSV, from the columns of each block: texts in quotes where needed, null as an empty cell."""
    written = dict.fromkeys(map(name.format, selection.splits), 0)
    for split in selection.splits:
        quoted = pacsv.WriteOptions(quoting_style="needed")
        with pacsv.CSVWriter(str(folder / name.format(split)), schema, write_options=quoted) as file:
            for block in selection.blocks(split):
                table = pa.table(columns(split, block), schema=schema)
                file.write_table(table)
                written[name.format(split)] += len(table)
    return written


def numbers(values: Sequence[float | None] | Numbers) -> list[Any]:
    """Numbers as JSON holds them: NaN as None, a whole number without a fraction. Nested like `values`."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    return [
        numbers(v) if isinstance(v, list) else None if v is None or v != v else int(v) if v == int(v) else v for v in values
    ]


def check_names(names: Iterable[str], taken: Iterable[str], endings: Iterable[str], what: str) -> None:
    """Refuse candidates that cannot be names of columns.

    Raises:
        InputError: A candidate has the name of a column of the format.
    """
    taken = set(taken)
    for name in names:
        if name in taken or any(name.endswith(ending) for ending in endings):
            raise InputError(
                f'{what}: candidate "{name}" clashes with a column name of this format. Remedy: exclude it with --candidate'
            )
