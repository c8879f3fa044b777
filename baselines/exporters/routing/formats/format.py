"""What every routing format is: a writer of files, and in words what they hold and what they cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from llmfusionbench.baselines.exporters.routing.selection import Selection
from llmfusionbench.errors import InputError


class RoutingFormat(Protocol):
    """A format of somebody's routing data."""

    reader: str | None
    """The source that reads it back; None where it holds no matrix."""
    holds: str
    missing: str
    """How a missing number is written."""
    lost: str
    """What of a release it has no place for."""

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """Write the files into a folder that is there; name -> records in it.

        Raises:
            InputError: the format cannot hold what is selected.
        """


@contextmanager
def json_list(path: Path) -> Iterator[JsonWriter]:
    """A file of one JSON list, a record a line."""
    with open(path, "wb") as file:
        file.write(b"[\n")
        yield JsonWriter(file, ",\n")
        file.write(b"\n]\n")


@contextmanager
def json_lines(path: Path) -> Iterator[JsonWriter]:
    """A file of JSON lines."""
    with open(path, "wb") as file:
        writer = JsonWriter(file, "\n")
        yield writer
        if writer.records:
            file.write(b"\n")


class JsonWriter:
    """Puts records that are JSON already into a file, straight from Arrow's memory."""

    def __init__(self, file: IO[bytes], between: str) -> None:
        self._file, self._between = file, between
        self.records = 0

    def write(self, records: pa.Array) -> None:
        """Append records, none of them null."""
        if not len(records):
            return
        separated = pc.binary_join_element_wise(self._between, records, "")
        offsets = np.frombuffer(separated.buffers()[1], np.int32)
        start, end = int(offsets[separated.offset]), int(offsets[separated.offset + len(separated)])
        start += 0 if self.records else len(self._between.encode())
        self._file.write(memoryview(separated.buffers()[2])[start:end])
        self.records += len(records)


def csv_writer(path: Path, schema: pa.Schema) -> pacsv.CSVWriter:
    """A CSV file: texts in quotes, numbers without, nothing at all where a cell is null."""
    return pacsv.CSVWriter(str(path), schema, write_options=pacsv.WriteOptions(quoting_style="needed"))


def check_names(names: Iterable[str], taken: Iterable[str], endings: Iterable[str], what: str) -> None:
    """Candidates can be the names of columns.

    Raises:
        InputError: a candidate has the name of a column that the format has already.
    """
    taken = set(taken)
    for name in names:
        if name in taken or any(name.endswith(ending) for ending in endings):
            raise InputError(
                f'{what}: candidate "{name}" clashes with a column name of this format. Remedy: exclude it with --candidate'
            )
