"""Records of an export, whatever the file is: JSON, JSON lines, a page of an API, CSV, TSV or Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from llmfusionbench.builders.reading.csv import read_csv
from llmfusionbench.builders.reading.json import Item, read_items, read_listed
from llmfusionbench.builders.reading.limits import open_limited, record_bytes
from llmfusionbench.builders.reading.parquet import read_parquet
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError

PAGE: Final = "data"
"""The list of an API's page that holds its records."""
_ENDINGS: Final = ("json", "jsonl", "ndjson", "csv", "tsv", "parquet")
_JSON: Final = (".json", ".jsonl", ".ndjson")
_TABS: Final = ".tsv"
_HEAD: Final = 4096
_STARTS_A_PAGE: Final = re.compile(rb'\s*+\{\s*+"data"\s*+:\s*+\[')


def exports(*names: str) -> tuple[str, ...]:
    """Patterns of the names of files that `read_rows` reads, from patterns of names without their ends."""
    return tuple(f"{name}.{ending}" for name in names for ending in _ENDINGS)


def read_rows(path: Path, file: str) -> Iterator[Item]:
    """The records of a file with their numbers from 0; empty cells of CSV are absent. Pages `{"data": [...]}` are unpacked.

    Raises:
        InputError: the file cannot be read.
    """
    name = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    head = _head(path, _HEAD)
    if head.startswith(b"PAR1"):
        yield from _numbered(read_parquet(path, file))
    elif name.endswith(_JSON) or head.lstrip()[:1] in (b"{", b"["):
        yield from read_listed(path, file, PAGE) if _is_long_page(path, head) else pages(read_items(path, file))
    else:
        yield from _numbered(read_csv(path, delimiter="\t" if name.endswith(_TABS) else ",", file=file))


def pages(items: Iterable[Item]) -> Iterator[Item]:
    """The records, those of pages one by one. All are numbered in their order if the first is a page."""
    row = 0
    for item in items:
        value = None if isinstance(item, Rejected) else item[1]
        listed = value.get(PAGE) if isinstance(value, dict) else None
        if isinstance(listed, list):
            yield from enumerate(listed, row)
            row += len(listed)
        else:
            yield item if isinstance(item, Rejected) or row == 0 else (row, value)
            row += row > 0


def _is_long_page(path: Path, head: bytes) -> bool:
    """Whether a file is one page that is longer than a record may be; its list is read record by record."""
    if not _STARTS_A_PAGE.match(head):
        return False
    data = _head(path, record_bytes() + 1)
    return len(data) > record_bytes() and b"\n{" not in data


def _head(path: Path, size: int) -> bytes:
    """The first bytes of a file, without a byte order mark."""
    try:
        with open_limited(path) as stream:
            return stream.read(size).removeprefix(b"\xef\xbb\xbf")
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read ({error}). Remedy: fetch the file again") from error


def _numbered(parts: Iterable[pa.RecordBatch | Rejected]) -> Iterator[Item]:
    row = 0
    for part in parts:
        if isinstance(part, Rejected):
            yield part
            row += 1
            continue
        for record in part.to_pylist():
            yield row, _given(record)
            row += 1


def _given(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not None and value != ""}
