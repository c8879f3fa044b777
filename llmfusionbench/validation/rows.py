"""Files of rows as Arrow batches under a table's schema: Parquet as it is, JSONL and CSV converted column by column.

A row that cannot be converted is set aside, and `explain` words the issue. Values are never coerced.

`builders/reading` has its own readers of CSV and JSON lines. They number records, not lines, and accept what is an issue here:
text after a closing quote, a lone carriage return, NaN.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.errors import InputError
from llmfusionbench.schema import Column, TableSchema, json_types
from llmfusionbench.storage.files import limited_lines, open_binary, reading
from llmfusionbench.validation.explain import validator
from llmfusionbench.validation.issue import Issue, shorten

BATCH_ROWS: Final = 65_536
BATCH_BYTES: Final = 16 * 2**20
MAX_LINE_BYTES: Final = 256 * 2**20
"""A longer line of a text file is an issue, because a line is held in memory."""

_STRINGS: Final = ([pa.string()], [pa.large_string()])
_UNKNOWN: Final = "unknown"
_UTF16: Final = "UTF-16"
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
    """Issues of lines that are not rows."""

    def as_row(self, i: int) -> Any:
        return self.invalid[i] if i in self.invalid else self.batch.slice(i, 1).to_pylist()[0]


def read_rows(path: Path, name: str, table: TableSchema) -> Iterator[Rows]:
    """The rows of a Parquet, JSONL or CSV file (`.gz` and `.zst` too), in batches.

    Raises:
        InputError: the file cannot be read, or is of another kind.
    """
    kind = kind_of(path, name)
    if kind in (".parquet", ".pq"):
        yield from _parquet(path, name, table)
    elif kind in (".jsonl", ".ndjson"):
        yield from _converted(_json_lines(path, name), name, table)
    else:
        yield from _converted(_csv_lines(path, name, table), name, table)


def kind_of(path: Path, name: str) -> str:
    """The ending of a file of rows, less `.gz` or `.zst`.

    Raises:
        InputError: the file has another ending.
    """
    kind = next((s.lower() for s in reversed(path.suffixes) if s.lower() not in (".gz", ".zst")), "")
    if kind not in (".parquet", ".pq", ".jsonl", ".ndjson", ".csv"):
        raise InputError(
            f"{name}: the file ends in {kind or 'nothing'!r}. Remedy: pass a .parquet, .jsonl or .csv file, or a release"
        )
    return kind


def _parquet(path: Path, name: str, table: TableSchema) -> Iterator[Rows]:
    try:
        schema = pq.read_schema(path)
        encoded = [n for n in table.dictionary_columns if [f.type for f in schema if f.name == n] in _STRINGS]
        with pq.ParquetFile(path, read_dictionary=encoded) as file:
            first, size = 0, _batch_rows(file.metadata)
            for group in range(file.num_row_groups):  # over all groups at once, Arrow would keep everything
                for batch in file.iter_batches(batch_size=size, row_groups=[group]):
                    yield Rows(first, batch)
                    first += batch.num_rows
            if not first:  # the columns are still checked
                yield Rows(0, pa.RecordBatch.from_pylist([], file.schema_arrow))
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: a column whose name is not UTF-8
        raise InputError(f"{name}: not a readable Parquet file ({_first_line(error)})") from error


def _batch_rows(metadata: pq.FileMetaData) -> int:
    """Rows per batch: as many as fit in `BATCH_BYTES` on average."""
    total: int = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    rows: int = metadata.num_rows
    return max(1, min(BATCH_ROWS, BATCH_BYTES * rows // max(1, total)))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


Line = tuple[int, Any]
"""(line number from 1, the row as read or the Issue of a line that is not a row)."""


def _json_lines(path: Path, name: str) -> Iterator[Line]:
    with reading(path), open_binary(path) as stream:
        for number, line in enumerate(_lines(stream), start=1):
            if isinstance(line, int):
                yield number, Issue(name, None, None, f"{line:,} bytes", "a shorter line", number)
                continue
            if not line.strip():
                continue
            try:
                yield number, json.loads(line.decode("utf-8"), parse_constant=_no_constant)
            except UnicodeDecodeError as error:
                yield number, Issue(name, None, None, f"byte 0x{line[error.start]:02x} at {error.start}", "UTF-8", number)
            except (ValueError, RecursionError) as error:
                shown = shorten(line.decode("utf-8", "replace").strip())
                yield number, Issue(name, None, None, shown, f"a JSON object ({_json_fault(error)})", number)


def _json_fault(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.removesuffix(' at')} at character {error.pos}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON; a missing number is null")


def _lines(stream: IO[bytes]) -> Iterator[bytes | int]:
    """The lines of a file, without a byte order mark before the first."""
    for number, line in enumerate(limited_lines(stream, MAX_LINE_BYTES)):
        yield line if number or isinstance(line, int) else line.removeprefix(codecs.BOM_UTF8)


def _csv_lines(path: Path, name: str, table: TableSchema) -> Iterator[Line]:
    columns = {c.name: c for c in table.columns}
    csv.field_size_limit(MAX_LINE_BYTES)
    with reading(path), open_binary(path) as stream:
        reader = csv.reader(_csv_texts(stream), strict=True)
        start, header = 1, None
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield reader.line_num, _csv_issue(error, name, start, reader.line_num)
                if header is None:
                    return
                cells = []
            if cells is None:
                break
            if header is None:
                header = cells
                wrong = list(_header_issues(header, name, table))
                yield from ((1, issue) for issue in wrong)
                if any(issue.value != _UNKNOWN for issue in wrong):
                    return  # no row can be valid, and the issues of the header say why
            elif cells and len(cells) != len(header):
                yield start, Issue(name, None, None, f"{len(cells)} cells", f"{len(header)}, as in the header", start)
            elif cells:
                yield start, {h: _cell(columns[h], c) for h, c in zip(header, cells, strict=True) if h in columns}
            start = reader.line_num + 1
        if header is None:
            yield 1, Issue(name, None, None, "an empty file", "a header row")


def _csv_issue(error: csv.Error, name: str, start: int, line: int) -> Issue:
    if str(error) == "unexpected end of data":  # Python's words for quotes that are open at the end of the file
        found = "a quotation mark that nothing closes before the end of the file"
        return Issue(name, None, None, found, "a whole file of well-formed CSV", start)
    if str(error) == _UTF16:
        return Issue(name, None, None, _UTF16, "UTF-8", 1)
    return Issue(name, None, None, str(error), "well-formed CSV", line)


def _csv_texts(stream: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(_lines(stream)):
        if isinstance(line, int):
            raise csv.Error(f"a line of {line:,} bytes")
        if not number and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise csv.Error(_UTF16)
        yield line.decode("utf-8", "surrogateescape")


def _header_issues(header: list[str], name: str, table: TableSchema) -> Iterator[Issue]:
    """Issues of a CSV file's columns, each once and not row by row."""
    for column in table.columns:
        times = header.count(column.name)
        if times > 1:
            yield Issue(name, None, column.name, f"there {times} times", "one column", 1)
        elif not times and not column.nullable and column.default is None:
            yield Issue(name, None, column.name, None, f"a column of type {column.arrow_type}", 1)
    for extra in dict.fromkeys(h for h in header if h not in {c.name for c in table.columns}):
        yield Issue(name, None, shorten(extra), _UNKNOWN, f"only {', '.join(c.name for c in table.columns)}", 1)


def _cell(column: Column, cell: str) -> Any:
    """A cell as a value of its column: an empty cell is null, numbers and lists are JSON, everything else is text."""
    if cell == "":
        return None
    if "string" in json_types(column.schema):
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
    known, needed = {c.name for c in table.columns}, {c.name for c in table.columns if not c.nullable}
    if table.defaults:
        rows = [{**table.defaults, **row} if isinstance(row, dict) else row for row in rows]
    invalid = {i: row for i, row in enumerate(rows) if not isinstance(row, dict) or not needed <= row.keys() <= known}
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
    fits = validator(column.schema)
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
