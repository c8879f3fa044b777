"""Tables as they lie on disk, CSV, TSV, JSON, JSONL or Parquet, as chunks of columns with the numbers of their records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.builders.reading.csv import csv_columns, read_csv
from llmfusionbench.builders.reading.fields import BadRecordError, fields, writable
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.parquet import readable_rows
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import open_binary

_SUFFIXES: Final = {
    ".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_ROWS: Final = 4096


@dataclass(frozen=True)
class Chunk:
    """Some records of a file."""

    batch: pa.RecordBatch
    rows: npt.NDArray[np.int64]
    """[n] number of each record in its file."""

    def keep(self, wanted: npt.NDArray[np.bool_]) -> Chunk:
        """Those of its records that are wanted."""
        return self if wanted.all() else Chunk(self.batch.filter(pa.array(wanted)), self.rows[wanted])

    def with_column(self, name: str, values: pa.Array) -> Chunk:
        """The chunk with other values in a column that it has."""
        place = self.batch.schema.get_field_index(name)
        return Chunk(self.batch.set_column(place, name, values), self.rows)


def _format(path: Path) -> str:
    name = path.name.lower()
    for ending in (".gz", ".zst"):
        name = name.removesuffix(ending)
    known = _SUFFIXES.get(Path(name).suffix)
    if known:
        return known
    with open_binary(path) as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return "parquet"
    return "json" if head.startswith((b"{", b"[")) else "csv"


def column_names(path: Path, file: str) -> list[str]:
    """The names of a file's columns; of JSON all that any record has."""
    match _format(path):
        case "parquet":
            with _parquet(path) as parquet:
                return list(parquet.schema_arrow.names)
        case "json":
            items = (item[1] for item in read_items(path, file) if not isinstance(item, Rejected))
            return list(dict.fromkeys(key for item in items if isinstance(item, dict) for key in item))
        case delimited:
            return csv_columns(path, delimiter="\t" if delimited == "tsv" else ",")


def read_chunks(path: Path, file: str, needed: list[str]) -> Iterator[Chunk | Rejected]:
    """Some columns of a file in their order, and the records that are none.

    Raises:
        InputError: the file cannot be read.
    """
    match _format(path):
        case "parquet":
            yield from _parquet_chunks(path, file, needed)
        case "json":
            yield from _json_chunks(path, file, needed)
        case delimited:
            row = 0
            for part in read_csv(path, delimiter="\t" if delimited == "tsv" else ",", file=file):
                if isinstance(part, Rejected):
                    yield part
                    row += 1
                else:
                    yield Chunk(part.select(needed), np.arange(row, row + part.num_rows))
                    row += part.num_rows


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last of a column's name
        raise InputError(f"{path}: not a readable Parquet file ({error}). Remedy: fetch the file again") from error


def _parquet_chunks(path: Path, file: str, needed: list[str]) -> Iterator[Chunk | Rejected]:
    row = 0
    with _parquet(path) as parquet:
        try:
            for group in range(parquet.num_row_groups):  # one at a time: over all of them, memory grows with the file
                for batch in parquet.iter_batches(batch_size=_ROWS, columns=needed, row_groups=[group]):
                    for part in readable_rows(batch, file, row):
                        if isinstance(part, Rejected):
                            yield part
                            row += 1
                        else:
                            yield Chunk(part, np.arange(row, row + part.num_rows))
                            row += part.num_rows
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path}: cannot be read after record {row} ({error}). Remedy: fetch the file again") from error


def _json_chunks(path: Path, file: str, needed: list[str]) -> Iterator[Chunk | Rejected]:
    rows: list[int] = []
    records: list[dict[str, str | None]] = []
    for item in read_items(path, file):
        if isinstance(item, Rejected):
            yield item
            continue
        row, value = item
        try:
            record = fields(value)
            records.append({name: _cell(record.get(name), name) for name in needed})
        except BadRecordError as error:
            yield Rejected(file, row, str(error), {})
            continue
        rows.append(row)
        if len(rows) >= _ROWS:
            yield _json_chunk(rows, records, needed)
            rows, records = [], []
    if rows:
        yield _json_chunk(rows, records, needed)


def _json_chunk(rows: list[int], records: list[dict[str, str | None]], needed: list[str]) -> Chunk:
    schema = pa.schema([(name, pa.string()) for name in needed])
    return Chunk(pa.RecordBatch.from_pylist(records, schema=schema), np.array(rows, np.int64))


def _cell(value: Any, name: str) -> str | None:
    """A JSON value as text, for cells of one column need not be of one type."""
    if value is None:
        return None
    return writable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), name)
