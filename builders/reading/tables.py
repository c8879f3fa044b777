"""Tables in CSV, TSV, JSON, JSONL or Parquet as chunks of columns, with the number of each record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.builders.reading.csv import csv_columns, read_csv
from llmfusionbench.builders.reading.fields import writable
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.json_records import BATCH_CHARACTERS, characters_in, each_record
from llmfusionbench.builders.reading.limits import check_columns, open_limited
from llmfusionbench.builders.reading.parquet import parquet_columns, read_parquet
from llmfusionbench.builders.records import Rejected
from llmfusionbench.validation.issue import shorten

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

    def with_column(self, name: str, values: pa.Array) -> Chunk:
        """The chunk with other values in a column that it has."""
        place = self.batch.schema.get_field_index(name)
        return Chunk(self.batch.set_column(place, name, values), self.rows)

    def refuse(
        self, problems: Mapping[int, str], file: str, names: Sequence[str], show: Callable[[Any], Any] = shorten
    ) -> tuple[Chunk, list[Rejected]]:
        """The chunk without the records at positions that have problems, and these, identified by their cells of `names`."""
        if not problems:
            return self, []
        rejected = [
            Rejected(file, int(self.rows[i]), reason, {n: show(self.batch.column(n)[i].as_py()) for n in names})
            for i, reason in sorted(problems.items())
        ]
        kept = np.ones(len(self.rows), bool)
        kept[list(problems)] = False
        return Chunk(self.batch.filter(pa.array(kept)), self.rows[kept]), rejected


def numbered(parts: Iterable[pa.RecordBatch | Rejected]) -> Iterator[Chunk | Rejected]:
    """Batches that hold every record of a file, except for the rejected ones between them, as chunks."""
    row = 0
    for part in parts:
        if isinstance(part, Rejected):
            yield part
            row += 1
        else:
            yield Chunk(part, np.arange(row, row + part.num_rows))
            row += part.num_rows


def file_format(path: Path) -> str:
    """`csv`, `tsv`, `json` (lines, too) or `parquet`, by the name of a file, else by how it begins."""
    name = path.name.lower()
    for ending in (".gz", ".zst"):
        name = name.removesuffix(ending)
    known = _SUFFIXES.get(Path(name).suffix)
    if known:
        return known
    with open_limited(path) as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return "parquet"
    return "json" if head.startswith((b"{", b"[")) else "csv"


def column_names(path: Path, file: str) -> list[str]:
    """The names of a file's columns; of JSON all that any record has."""
    match file_format(path):
        case "parquet":
            return parquet_columns(path)
        case "json":
            found: dict[str, None] = {}
            for item in read_items(path, file):
                if not isinstance(item, Rejected) and isinstance(item[1], dict):
                    found |= dict.fromkeys(item[1])
                    check_columns(path, len(found))
            return list(found)
        case delimited:
            return csv_columns(path, delimiter="\t" if delimited == "tsv" else ",")


def read_chunks(path: Path, file: str, needed: list[str]) -> Iterator[Chunk | Rejected]:
    """Some columns of a file in their order, and the rejected records.

    Raises:
        InputError: the file cannot be read.
    """
    match file_format(path):
        case "parquet":
            yield from numbered(read_parquet(path, file, needed))
        case "json":
            yield from _json_chunks(path, file, needed)
        case delimited:
            parts = read_csv(path, delimiter="\t" if delimited == "tsv" else ",", file=file)
            yield from numbered(part if isinstance(part, Rejected) else part.select(needed) for part in parts)


def _json_chunks(path: Path, file: str, needed: list[str]) -> Iterator[Chunk | Rejected]:
    def read(record: dict[str, Any]) -> list[dict[str, str | None]]:
        return [{name: _cell(record.get(name), name) for name in needed}]

    rows: list[int] = []
    records: list[dict[str, str | None]] = []
    characters = 0
    for item in each_record(read_items(path, file), file, read):
        if isinstance(item, Rejected):
            yield item
            continue
        rows.append(item[0])
        records.append(item[1])
        characters += characters_in(item[1])
        if len(rows) >= _ROWS or characters >= BATCH_CHARACTERS:
            yield _json_chunk(rows, records, needed)
            rows, records, characters = [], [], 0
    if rows:
        yield _json_chunk(rows, records, needed)


def _json_chunk(rows: list[int], records: list[dict[str, str | None]], needed: list[str]) -> Chunk:
    schema = pa.schema([(name, pa.string()) for name in needed])
    return Chunk(pa.RecordBatch.from_pylist(records, schema=schema), np.array(rows, np.int64))


def _cell(value: Any, name: str) -> str | None:
    """A JSON value as text, since the cells of a column may differ in type."""
    if value is None:
        return None
    return writable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), name)
