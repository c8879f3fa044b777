"""Tables in CSV, TSV, JSON, JSONL or Parquet as chunks of columns, with the number of each record."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.builders.reading.csv import csv_columns, read_csv
from llmfusionbench.builders.reading.fields import BadRecordError, named, writable
from llmfusionbench.builders.reading.json import Item, read_items
from llmfusionbench.builders.reading.json_records import BATCH_CHARACTERS
from llmfusionbench.builders.reading.limits import check_columns, open_limited
from llmfusionbench.builders.reading.parquet import parquet_columns, read_parquet
from llmfusionbench.builders.reading.path_columns import SeenPath, at_path
from llmfusionbench.builders.reading.usage import USAGE
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_SUFFIXES: Final = {
    ".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_ROWS: Final = 4096
_SHOWN: Final = 10
_COUNTS: Final = "{}"
"""Stands for the text of an object of counts, which is read as an object."""
_NUMBERS: Final = (int, float, NoneType)
_FEW: Final = 32
_encoded: Final = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class Chunk:
    """Some records of a file."""

    batch: pa.RecordBatch
    rows: npt.NDArray[np.int64]
    """[n] number of each record in its file."""
    nested: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)
    """Column -> position -> value, of the objects and lists of JSON, which the batch has as texts."""

    def with_column(self, name: str, values: pa.Array) -> Chunk:
        """The chunk with other values in a column that it has."""
        place = self.batch.schema.get_field_index(name)
        others = {column: inner for column, inner in self.nested.items() if column != name}
        return Chunk(self.batch.set_column(place, name, values), self.rows, others)

    def filter(self, kept: npt.NDArray[np.bool_]) -> Chunk:
        """The chunk with the records at which `kept` [n] is true."""
        if kept.all():
            return self
        place = np.cumsum(kept) - 1
        nested = {name: {int(place[i]): v for i, v in inner.items() if kept[i]} for name, inner in self.nested.items()}
        return Chunk(self.batch.filter(pa.array(kept)), self.rows[kept], nested)

    def without(self, positions: Iterable[int]) -> Chunk:
        """The chunk without the records at some positions."""
        kept = np.ones(len(self.rows), bool)
        kept[list(positions)] = False
        return self.filter(kept)

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
        return self.without(problems), rejected


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
            for item in read_items(path, file, keys_once=False):
                if not isinstance(item, Rejected) and isinstance(item[1], dict) and not item[1].keys() <= found.keys():
                    found |= dict.fromkeys(item[1])
                    check_columns(path, len(found))
            return list(found)
        case delimited:
            return csv_columns(path, delimiter="\t" if delimited == "tsv" else ",")


def read_chunks(
    path: Path, file: str, needed: Sequence[str], paths: Mapping[str, SeenPath] | None = None
) -> Iterator[Chunk | Rejected]:
    """Some columns of a file in their order, and the rejected records. Those in `paths` are made of what is at the paths.

    Raises:
        InputError: the file cannot be read.
    """
    inside = paths or {}
    names = list(dict.fromkeys([*(n for n in needed if n not in inside), *(seen.path.column for seen in inside.values())]))
    match file_format(path):
        case "json":
            yield from _json_chunks(path, file, [n for n in needed if n not in inside], inside)
            return
        case "parquet":
            parts: Iterator[pa.RecordBatch | Rejected] = read_parquet(path, file, names)
        case delimited:
            rows = read_csv(path, delimiter="\t" if delimited == "tsv" else ",", file=file)
            parts = (part if isinstance(part, Rejected) else part.select(names) for part in rows)
    for chunk in numbered(parts):
        if not inside or isinstance(chunk, Rejected):
            yield chunk
            continue
        broken: dict[int, str] = {}
        columns = chunk.batch
        made = [
            at_path(columns.column(inside[n].path.column), inside[n], broken) if n in inside else columns.column(n)
            for n in needed
        ]
        yield from (Rejected(file, int(chunk.rows[i]), reason, {}) for i, reason in sorted(broken.items()))
        yield Chunk(pa.RecordBatch.from_arrays(made, names=list(needed)), chunk.rows).without(broken)


def read_rows(path: Path, file: str, wanted: Collection[str]) -> Iterator[Item]:
    """The records of a file as dictionaries, with their numbers from 0; of CSV and Parquet the `wanted` columns alone.

    Raises:
        InputError: the file cannot be read, or it is CSV or Parquet and has no such column.
    """
    if file_format(path) == "json":
        yield from read_items(path, file)
        return
    columns = column_names(path, file)
    needed = [name for name in columns if name in wanted]
    if not needed:
        shown = ", ".join(shorten(name) for name in columns[:_SHOWN]) or "none"
        raise InputError(
            f"{path}: none of its columns is known, they are {shown}. Remedy: check the file, or use another source"
        )
    for chunk in read_chunks(path, file, needed):
        if isinstance(chunk, Rejected):
            yield chunk
        else:
            yield from zip(chunk.rows.tolist(), chunk.batch.to_pylist(), strict=True)


def _json_chunks(path: Path, file: str, names: Sequence[str], paths: Mapping[str, SeenPath]) -> Iterator[Chunk | Rejected]:
    made = _JsonColumns(file, [*names, *paths])
    for item in read_items(path, file):
        if isinstance(item, Rejected):
            yield item
            continue
        row, record = item
        if not isinstance(record, dict):
            yield Rejected(file, row, f"the record is {named(record)}, expected a JSON object", {})
            continue
        values = [record.get(name) for name in names]
        if paths:
            values += [seen.of(record) for seen in paths.values()]
        made.add(row, values)
        if len(made.rows) >= _ROWS or made.characters >= BATCH_CHARACTERS:
            yield from made.chunk()
            made = _JsonColumns(file, made.names)
    if made.rows:
        yield from made.chunk()


class _JsonColumns:
    """Values of JSON as columns of texts, since the cells of a column may differ in type."""

    def __init__(self, file: str, names: Sequence[str]) -> None:
        self.file, self.names = file, names
        self.rows: list[int] = []
        self.characters = 0
        self._texts: list[list[str | None]] = [[] for _ in names]
        self._nested: dict[str, dict[int, Any]] = {}

    def add(self, row: int, values: Sequence[Any]) -> None:
        """Take a record with its number."""
        place = len(self.rows)
        self.rows.append(row)
        for name, column, value in zip(self.names, self._texts, values, strict=True):
            kind = type(value)
            if kind is str:
                self.characters += len(value)
            elif kind is dict or kind is list:
                self._nested.setdefault(name, {})[place] = value
                value = _COUNTS if name == USAGE and _are_counts(value) else _encoded(value)
                self.characters += len(value)
            elif kind is bool:
                value = "true" if value else "false"
            elif value is not None:
                value = repr(value)
            column.append(value)

    def chunk(self) -> Iterator[Chunk | Rejected]:
        """The records; those that UTF-8 cannot write are rejected."""
        broken: dict[int, str] = {}
        columns = [self._column(name, texts, broken) for name, texts in zip(self.names, self._texts, strict=True)]
        numbers = np.array(self.rows, np.int64)
        yield from (Rejected(self.file, int(numbers[i]), reason, {}) for i, reason in sorted(broken.items()))
        whole = Chunk(pa.RecordBatch.from_arrays(columns, names=list(self.names)), numbers, self._nested)
        yield whole.without(broken)

    def _column(self, name: str, texts: Sequence[str | None], broken: dict[int, str]) -> pa.Array:
        try:
            return pa.array(texts, pa.string())
        except UnicodeEncodeError:
            return pa.array([_text(text, name, i, broken) for i, text in enumerate(texts)], pa.string())


def _are_counts(value: Any) -> bool:
    """Whether an object holds nothing but some numbers, and objects of numbers."""
    return (
        type(value) is dict
        and len(value) <= _FEW
        and all(
            type(part) in _NUMBERS
            or (type(part) is dict and len(part) <= _FEW and all(type(p) in _NUMBERS for p in part.values()))
            for part in value.values()
        )
    )


def _text(text: str | None, name: str, row: int, broken: dict[int, str]) -> str | None:
    try:
        return None if text is None else writable(text, name)
    except BadRecordError as error:
        broken.setdefault(row, str(error))
        return None
