"""Files of rows as Arrow batches under a table's schema: Parquet as it is, JSONL and CSV converted column by column.

What cannot be converted is set aside row by row for the judge to word; nothing is coerced.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError
from ..files import open_binary
from ..schema import Column, TableSchema, json_types
from . import judge
from .issue import Issue, shorten

BATCH_ROWS: Final = 65_536
MAX_LINE_BYTES: Final = 256 * 2**20
"""A longer line of a text file is an issue; it would be read into memory whole."""

_PYTHON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@dataclass
class Rows:
    """Consecutive rows of a file."""

    first: int
    """Number of the first row in the file, from 0."""
    batch: pa.RecordBatch
    invalid: dict[int, Any] = field(default_factory=dict)
    """Row in the batch -> the row as it was read, for rows that no Arrow column of the right type can hold."""
    lines: list[int] | None = None
    """Line of each row, from 1, in a text file."""
    issues: list[Issue] = field(default_factory=list)
    """Issues of lines that are no rows at all."""

    def as_row(self, i: int) -> Any:
        return self.invalid[i] if i in self.invalid else self.batch.slice(i, 1).to_pylist()[0]


def read_rows(path: Path, name: str, table: TableSchema) -> Iterator[Rows]:
    """The rows of a Parquet, JSONL or CSV file (`.gz` and `.zst` too), in batches.

    Raises:
        InputError: the file cannot be read, or is of another kind.
    """
    kind = next((s for s in reversed(path.suffixes) if s.lower() not in (".gz", ".zst")), "").lower()
    if kind in (".parquet", ".pq"):
        yield from _parquet(path, name, table)
    elif kind in (".jsonl", ".ndjson"):
        yield from _converted(_json_lines(path, name), name, table)
    elif kind == ".csv":
        yield from _converted(_csv_lines(path, name, table), name, table)
    else:
        found = f"ends in {kind}" if kind else "has no ending"
        raise InputError(f"{name}: the file {found}, expected .parquet, .jsonl or .csv (or the directory of a release)")


def _parquet(path: Path, name: str, table: TableSchema) -> Iterator[Rows]:
    try:
        with pq.ParquetFile(path, read_dictionary=table.dictionary_columns) as file:
            first = 0
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                yield Rows(first, batch)
                first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{name}: not a readable Parquet file ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


Line = tuple[int, Any]
"""(line number from 1, the row as read; an Issue where the line is none)."""


def _json_lines(path: Path, name: str) -> Iterator[Line]:
    with open_binary(path) as stream:
        for number, line in enumerate(_limited_lines(stream), start=1):
            if isinstance(line, str):
                yield number, Issue(name, None, None, line, "a shorter line", number)
                continue
            if not line.strip():
                continue
            try:
                yield number, json.loads(line.decode("utf-8"), parse_constant=_no_constant)
            except UnicodeDecodeError as error:
                yield number, Issue(name, None, None, f"byte 0x{line[error.start]:02x} at {error.start}", "UTF-8", number)
            except (ValueError, RecursionError) as error:
                text = line[:200].decode("utf-8", "replace")
                yield number, Issue(name, None, None, shorten(text), f"a JSON object ({error})", number)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON; a missing number is null")


def _limited_lines(stream: IO[bytes]) -> Iterator[bytes | str]:
    """The lines of `stream`; for one that is too long, the words for it."""
    while line := stream.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            length = len(line)
            while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                length += len(rest)
            yield f"{length + len(rest):,} bytes"
        else:
            yield line


def _csv_lines(path: Path, name: str, table: TableSchema) -> Iterator[Line]:
    columns = {c.name: c for c in table.columns}
    csv.field_size_limit(MAX_LINE_BYTES)
    with open_binary(path) as stream:
        reader = csv.reader((line.decode("utf-8", "surrogateescape") for line in stream), strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise InputError(f"{name}: the file is empty, expected a header row")
            header[0] = header[0].removeprefix("\ufeff")
            start = reader.line_num + 1
            for cells in reader:
                if len(cells) != len(header):
                    yield start, Issue(name, None, None, f"{len(cells)} cells", f"{len(header)}, as in the header", start)
                else:
                    yield start, {h: _cell(columns.get(h), cell) for h, cell in zip(header, cells, strict=True)}
                start = reader.line_num + 1
        except csv.Error as error:
            yield reader.line_num, Issue(name, None, None, str(error), "well-formed CSV", reader.line_num)


def _cell(column: Column | None, cell: str) -> Any:
    """A cell as the value its column calls for: nothing is null, numbers and lists are JSON, all else is text."""
    if cell == "":
        return None
    if column is None or "string" in json_types(column.schema):
        return cell
    try:
        return json.loads(cell, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return cell


def _converted(lines: Iterator[Line], name: str, table: TableSchema) -> Iterator[Rows]:
    first, rows, numbers, issues = 0, [], [], []
    for number, row in lines:
        if isinstance(row, Issue):
            issues.append(row)
        else:
            rows.append(row)
            numbers.append(number)
        if len(rows) + len(issues) >= BATCH_ROWS // 8:
            yield _to_batch(first, rows, numbers, issues, table)
            first, rows, numbers, issues = first + len(rows), [], [], []
    if rows or issues:
        yield _to_batch(first, rows, numbers, issues, table)


def _to_batch(first: int, rows: list[Any], lines: list[int], issues: list[Issue], table: TableSchema) -> Rows:
    known = {c.name for c in table.columns}
    invalid = {i: row for i, row in enumerate(rows) if not isinstance(row, dict) or not row.keys() <= known}
    plain = [row if isinstance(row, dict) else {} for row in rows]
    arrays = [_column(column, [row.get(column.name) for row in plain], plain, invalid) for column in table.columns]
    batch = pa.RecordBatch.from_arrays(arrays, schema=pa.schema([f.with_nullable(True) for f in table.arrow]))
    return Rows(first, batch, invalid, lines, issues)


def _column(column: Column, values: list[Any], rows: list[dict[str, Any]], invalid: dict[int, Any]) -> pa.Array:
    """`values` as an Arrow array; rows that do not fit it are added to `invalid` and null in it."""
    types = [t for t in json_types(column.schema) if t != "null"]
    allowed = {kind for t in types for kind in _PYTHON_TYPES.get(t, ())}
    flat = not pa.types.is_nested(column.arrow_type)
    if flat and set(map(type, values)) <= allowed | {type(None)}:
        try:
            return pa.array(values, column.arrow_type)
        except (pa.ArrowException, UnicodeEncodeError, OverflowError):
            pass  # one of them does not fit: find out which below
    fits = judge.validator(column.schema)
    kept = []
    for i, value in enumerate(values):
        good = value is None or fits.is_valid(value)
        if not good:
            invalid[i] = rows[i]
        kept.append(_fitted(column.schema, value) if good else None)
    return pa.array(kept, column.arrow_type)


def _fitted(schema: dict[str, Any], value: Any) -> Any:
    """A valid value as the Python type that Arrow takes for it: JSON's 3.0 may be an integer, and its 2**60 a number."""
    types = json_types(schema)
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, list):
        return [_fitted(schema["items"], item) for item in value]
    if isinstance(value, dict):
        return {k: _fitted(schema["properties"][k], v) for k, v in value.items()}
    return int(value) if "integer" in types else float(value)
