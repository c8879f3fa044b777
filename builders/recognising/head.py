"""The beginning of a file: what holds its records, the first of them, and the paths and types of their fields.

Only a bounded part of a file is read, whatever its size, and what is cut off there is closed. So the fields are those of the
first records. What is wrong with a file is a note on its head, not an error, since other files may show what it is.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.builders.reading.csv import read_csv
from llmfusionbench.builders.reading.limits import open_limited
from llmfusionbench.builders.reading.parquet import parquet_columns, read_parquet
from llmfusionbench.builders.reading.pickle import is_pickle
from llmfusionbench.builders.reading.run_files import RUN
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST

FIRST: Final = 20
"""How many records are looked at to recognise a format."""
_LEAST: Final = 3
"""How many are enough where the records are long."""
_STEPS: Final = (1 << 16, 1 << 20)
"""Bytes that are read of a file of JSON: the second number only where the first holds too few records."""
_RECORD: Final = 1 << 13
"""Bytes that are read more for each record beyond `FIRST`, up to `_MOST`."""
_MOST: Final = 1 << 25
_DEPTH: Final = 6
_KEYS: Final = 2_000
"""The most keys of an object that are looked at."""
_ELEMENTS: Final = 3
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+(?P<end>"|\\?\Z)|[{}\[\],]', re.DOTALL)
_MAGIC: Final = {b"PAR1": "parquet", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"SQLite format 3": "a SQLite database"}
_ARCHIVE_FAULTS: Final = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, NotImplementedError, RuntimeError)
_TABLES: Final = {"list", "lines", "object", "csv", "tsv", "parquet"}
_TEXT_ENDINGS: Final = {".csv": "csv", ".tsv": "tsv"}


@dataclass(frozen=True)
class Head:
    """What the beginning of a file shows."""

    path: Path
    kinds: frozenset[str] = frozenset()
    """What holds the records: `object`, `numbered` (an object with keys 0, 1, ...), `list`, `lines`, `csv`, `tsv`, `parquet`,
    `eval` (an archive of Inspect), `npz`, `pickle`, `release`, `run` (of `collect`). One line of JSON is both `object` and
    `lines`. A list that is the field `data` of an object, as APIs give it, is `list` and `wrapped`."""
    records: list[dict[str, Any]] = field(default_factory=list)
    """The first records; none of a Parquet file unless they were asked for."""
    fields: dict[str, str] = field(default_factory=dict)
    """Path of a field -> the first type found. `a.b` is b in the object a, and `a[]` is what the list a holds."""
    fault: str | None = None
    """Why nothing could be read."""

    @property
    def is_table(self) -> bool:
        """Whether the source `table` can read the records, each by itself."""
        if self.kinds == {"object"} and self.records and any(map(_holds_records, _lists(self.records[0]))):
            return False
        return bool(self.records) and bool(self.kinds & _TABLES) and "wrapped" not in self.kinds

    @property
    def is_delimited(self) -> bool:
        """Whether all values are texts, of which the empty ones are null."""
        return bool(self.kinds & {"csv", "tsv"})


def read_head(path: Path, count: int = FIRST, rows: bool = False) -> Head:
    """The head of a file, or of the directory of a release or of a run.

    Args:
        path: The file.
        count: The most records to read; a file of JSON gives fewer where they are long.
        rows: Read records of Parquet too. Their types tell the fields without.

    Raises:
        InputError: the file cannot be opened.
    """
    if path.is_dir():
        return _run(path) if (path / RUN).is_file() and not (path / MANIFEST).is_file() else _release(path)
    try:
        return _head(path, count, rows)
    except InputError as error:
        if not path.is_file():
            raise
        return Head(path, fault=_bare(str(error), path))
    except (OSError, EOFError, UnicodeError, pa.ArrowException) as error:
        return Head(path, fault=f"it cannot be read ({error or type(error).__name__})")


def _head(path: Path, count: int, rows: bool) -> Head:
    with open_limited(path) as stream:
        data = stream.read(_STEPS[0])
        start = data[:16]
        found = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
        if found == "parquet":
            return _parquet(path, count, rows)
        if found == "zip":
            return _archive(path)
        if found is None and is_pickle(path):
            return Head(path, frozenset({"pickle"}))
        if found is not None or (b"\x00" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff"))):
            return Head(path, fault=f"it is {found or 'a binary file of another kind'}")
        body = data.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not body:
            return Head(path, fault="it is empty")
        if body.startswith((b"{", b"[")):
            head = _json(path, data, len(data) < _STEPS[0], count)
            if len(data) == _STEPS[0] and len(head.records) < (count if count > FIRST else _LEAST):
                most = min(_MOST, _STEPS[1] + (count - FIRST) * _RECORD)
                data += stream.read(most - len(data))
                head = _json(path, data, len(data) < most, count)
            return head
    ending = Path(path.name.lower().removesuffix(".gz").removesuffix(".zst")).suffix
    if ending in (".json", ".jsonl", ".ndjson"):
        return Head(path, fault=f"it is not JSON: it begins with {body[:20].decode(errors='replace')!r}")
    return _delimited(path, _TEXT_ENDINGS.get(ending, "csv"), count)


def _release(path: Path) -> Head:
    page = path / MANIFEST
    if not page.is_file():
        return Head(path, fault="it is a directory")
    head = read_head(page)
    is_release = {"schema_version", "files"} <= head.fields.keys()
    return Head(path, frozenset({"release"}), head.records, head.fields) if is_release else Head(path, fault="no release")


def _run(path: Path) -> Head:
    head = read_head(path / RUN)
    return Head(path, frozenset({"run"}), head.records, head.fields, head.fault)


def _json(path: Path, data: bytes, is_whole: bool, count: int) -> Head:
    text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="replace").lstrip()
    try:
        if text.startswith("["):
            values = json.loads(text if is_whole else _closed(text))
            return _of_records(path, {"list"}, values if is_whole else _without_last(values), count)
        lines = text.splitlines() if is_whole else text.splitlines()[:-1]
        records = _records_of(lines[: 2 * count])
        if is_object(records[:1]) and (len(lines) > 1 or is_whole):
            first = lines[0] if lines else ""
            if len(records) > 1:
                return _of_records(path, {"lines"}, records, count)
            if not text[len(first) :].strip():
                head = _object(path, records[0], is_whole, count)
                return replace(head, kinds=head.kinds | {"lines"}) if head.kinds == {"object"} else head
        if is_whole and not _is_json(text) and is_object(records[:1]) and len(records) > 1:  # only the first line is damaged
            return _of_records(path, {"lines"}, records, count)
        value = json.loads(text if is_whole else _closed(text))
    except RecursionError:
        return Head(path, fault="its JSON is nested too deep")
    except ValueError as error:
        return Head(path, fault=f"it is not JSON ({error})")
    return _object(path, value, is_whole, count)


def _object(path: Path, value: Any, is_whole: bool, count: int) -> Head:
    """The head of a file with one JSON object."""
    if isinstance(value, dict) and value and all(str(key).isdecimal() for key in value):
        values = list(value.values())
        return _of_records(path, {"numbered"}, values if is_whole else _without_last(values), count)
    listed = value.get("data") if isinstance(value, dict) else None
    if isinstance(listed, list) and is_object(listed[:1]):
        return _of_records(path, {"list", "wrapped"}, listed if is_whole else _without_last(listed), count)
    return _of_records(path, {"object"}, [value], count)


def _holds_records(values: list[Any]) -> bool:
    """Whether a list in an object has the records of the file: objects that are neither turns nor choices of an answer."""
    return is_object(values[:1]) and not {"role", "message"} & values[0].keys()


def _lists(value: dict[str, Any]) -> Iterator[list[Any]]:
    """The lists of an object, and of the objects in it."""
    for inner in value.values():
        if isinstance(inner, list):
            yield inner
        elif isinstance(inner, dict):
            yield from (one for one in inner.values() if isinstance(one, list))


def _without_last(values: list[Any]) -> list[Any]:
    """The values of a list that was cut off, of which the last may be cut too."""
    return values[:-1] if len(values) > 1 else values


def _of_records(path: Path, kinds: Iterable[str], values: Iterable[Any], count: int) -> Head:
    records = list(islice((v for v in values if isinstance(v, dict) and v), count))
    fields: dict[str, str] = {}
    for record in records[:FIRST]:
        collect(record, "", fields, 0)
    fault = None if records else "it has no records that are objects with fields"
    return Head(path, frozenset(kinds), records, fields, fault)


def collect(value: Any, place: str, fields: dict[str, str], depth: int) -> None:
    """Add the paths below a value, each with the first type found that is not null."""
    if isinstance(value, dict) and depth < _DEPTH:
        for key, inner in islice(value.items(), _KEYS):
            path = f"{place}.{key}" if place else str(key)
            if fields.get(path) in (None, "null"):
                fields[path] = type_of(inner)
            collect(inner, path, fields, depth + 1)
    elif isinstance(value, list) and depth < _DEPTH:
        for inner in value[:_ELEMENTS]:
            if fields.get(f"{place}[]") in (None, "null"):
                fields[f"{place}[]"] = type_of(inner)
            collect(inner, f"{place}[]", fields, depth + 1)


def type_of(value: Any) -> str:
    """The type of a JSON value in plain words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "whole number"
        case float():
            return "number"
        case str():
            return "text"
        case dict():
            return "object"
    return "list" if isinstance(value, list) else "text"


def is_object(values: list[Any]) -> bool:
    """Whether the first of some values is an object."""
    return bool(values) and isinstance(values[0], dict)


def _records_of(lines: Iterable[str]) -> list[Any]:
    """The values of the lines that are JSON."""
    found = []
    for line in lines:
        if line.strip():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
    return found


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _closed(text: str) -> str:
    """The beginning of a JSON text, cut after its last whole value and closed."""
    stack: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "{[":
            stack.append("}" if mark == "{" else "]")
            end = token.end()
        elif mark in "}]":
            if not stack:
                break
            stack.pop()
            end = token.end()
        elif mark == ",":
            end = token.start()
        elif token["end"] != '"':
            break
    return text[:end] + "".join(reversed(stack))


def _delimited(path: Path, kind: str, count: int) -> Head:
    fields: dict[str, str] = {}
    records: list[dict[str, Any]] = []
    for part in read_csv(path, delimiter="\t" if kind == "tsv" else ",", block_bytes=1 << 16):
        if isinstance(part, Rejected):
            continue
        for name, column in zip(part.schema.names, part.columns, strict=True):
            fields.setdefault(name, type_of_cells(column.slice(0, FIRST).to_pylist()))
        records += part.slice(0, count - len(records)).to_pylist()
        if len(records) >= count:
            break
    fault = None if records else "it has no records"
    return Head(path, frozenset({kind}), records, fields, fault)


def type_of_cells(cells: Iterable[str]) -> str:
    """The type that all the cells of a CSV column have."""
    stated = {cell.strip() for cell in cells} - {""}
    if not stated:
        return "null"
    if stated <= {"True", "False", "true", "false", "TRUE", "FALSE"}:
        return "true or false"
    try:
        numbers = [float(cell) for cell in stated]
    except ValueError:
        return "text"
    return "whole number" if all(n.is_integer() for n in numbers) and not any("." in c for c in stated) else "number"


def _parquet(path: Path, count: int, rows: bool) -> Head:
    parquet_columns(path)  # checks that it can be read
    fields: dict[str, str] = {}
    for column in pq.read_schema(path):
        fields |= _types(column.name, column.type)
    records: list[dict[str, Any]] = []
    for part in read_parquet(path, path.name) if rows else ():
        if not isinstance(part, Rejected):
            records += part.slice(0, count - len(records)).to_pylist()
        if len(records) >= count:
            break
    return Head(path, frozenset({"parquet"}), records, fields)


def _types(place: str, kind: pa.DataType) -> Iterator[tuple[str, str]]:
    """(path, type) of a column and of what its structs and lists hold."""
    if pa.types.is_struct(kind):
        yield place, "object"
        for inner in kind:
            yield from _types(f"{place}.{inner.name}", inner.type)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield place, "list"
        yield from _types(f"{place}[]", kind.value_type)
    elif pa.types.is_boolean(kind):
        yield place, "true or false"
    elif pa.types.is_integer(kind):
        yield place, "whole number"
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        yield place, "number"
    else:
        yield place, "null" if pa.types.is_null(kind) else "text"


def _archive(path: Path) -> Head:
    """The head of a zip archive: an .eval of Inspect with its header, or an npz with the names of its arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            header = next((name for name in ("header.json", "_journal/start.json") if name in names), None)
            if header is not None:
                with archive.open(header) as stream:
                    data = stream.read(_STEPS[1])
                head = _json(path, data, len(data) < _STEPS[1], 1)
                return Head(path, frozenset({"eval"}), head.records, head.fields, head.fault)
            arrays = {name.removesuffix(".npy"): "list" for name in names[:_KEYS] if name.endswith(".npy")}
    except _ARCHIVE_FAULTS as error:
        return Head(path, fault=f"it is a damaged archive ({error or type(error).__name__})")
    if arrays:
        return Head(path, frozenset({"npz"}), [], arrays)
    return Head(path, fault="it is an archive of another kind; unpack it first, or export a spreadsheet as CSV")


def _bare(message: str, path: Path) -> str:
    """An error of a reader, without the path and the remedy."""
    return message.removeprefix(f"{path}: ").partition(" Remedy: ")[0].rstrip(".")
