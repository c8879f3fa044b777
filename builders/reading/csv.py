"""CSV of any size as a stream of text columns; the sources know what the cells mean.

Every cell is text as it was written: an empty one is "", and None, NA, nan and null are words. A record that is not as wide as
the header, or not UTF-8, is rejected with its number and costs no other record. So is a last record whose quotes are still open
where the file ends.

Python's `csv` parses. pyarrow's parser takes a third of the time for a clean file (0.25 s of 0.75 s for 74 MB), but it misreads
NULs, lone carriage returns and "\\r\\n" at the end of a block, fails on a record longer than a block, and takes more memory.
The reader in `validation/rows.py` is another, because it is strict and reports lines.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Final

import pyarrow as pa

from llmfusionbench.builders.reading.limits import check_columns, open_limited, record_bytes
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.storage.repeats import repeated
from llmfusionbench.validation.issue import shorten

_CELL_BYTES: Final = 64
"""Memory that Python takes for a cell, without its text."""
_BOM: Final = b"\xef\xbb\xbf"
_LONE_RETURN: Final = re.compile(r"\r(?!\n|\Z)")
_STAND_IN: Final = "\ud800"
"""Stands for a lone carriage return, where it is text. UTF-8 cannot write this character, so no file has it."""

_Record = tuple[list[str], bool]
"""(cells, whether the file ends within their quotes)."""


def read_csv(
    path: Path, *, delimiter: str = ",", block_bytes: int = 8 << 20, file: str | None = None
) -> Iterator[pa.RecordBatch | Rejected]:
    """The records of a CSV file, plain, `.gz` or `.zst`, some megabytes at a time.

    Every record of the file is in exactly one part, in order: a batch of string columns without nulls, or a rejected record.
    So the number of a record, from 0, is the number of records before it. A blank line is not a record.

    Args:
        path: The file. Its first record names the columns.
        delimiter: The character between cells.
        block_bytes: Bytes of memory that fill a batch.
        file: The name of the file in rejected records, its base name by default.

    Raises:
        InputError: the file is missing, empty, damaged, not UTF-8 in its header, or has two columns of one name.
    """
    name, records = file or path.name, _records(path, delimiter, min(block_bytes, 1 << 18))
    names = _names(path, *next(records))
    rows: list[list[str]] = []
    size = 0
    for number, (cells, is_cut) in enumerate(records):
        reason = _cut_reason(cells, len(names)) if is_cut else _ragged_reason(cells, len(names))
        if not reason:
            try:
                size += len("".join(cells).encode()) + _CELL_BYTES * len(cells)
            except UnicodeEncodeError:  # a stand-in, or bytes that are not UTF-8
                cells, reason = _decoded(cells, names)
        if not reason:
            rows.append(cells)
        if rows and (reason or size >= block_bytes):
            yield _batch(rows, names)
            rows, size = [], 0
        if reason:
            yield Rejected(name, number, reason, {})
    if rows:
        yield _batch(rows, names)


def csv_columns(path: Path, *, delimiter: str = ",") -> list[str]:
    """The names of a CSV file's columns.

    Raises:
        InputError: as `read_csv`.
    """
    return _names(path, *next(_records(path, delimiter, 1 << 16)))


def _records(path: Path, delimiter: str, characters: int) -> Iterator[_Record]:
    """The records of a file, read some `characters` at a time; at least one, for the header comes first."""
    number = size = 0
    is_at_end = False
    longest = record_bytes()

    def chunks(stream: IO[bytes], newline: str) -> Iterator[Iterable[str]]:
        """The lines of the file, many at a time."""
        nonlocal size, is_at_end
        text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline=newline)
        while chunk := text.read(characters):
            chunk += text.readline(longest)
            size += len(chunk.encode(errors="surrogateescape"))
            if size >= longest:
                raise csv.Error
            yield io.StringIO(_LONE_RETURN.sub(_STAND_IN, chunk) if newline and "\r" in chunk else chunk, newline)
        is_at_end = True  # the reader asks for one more line only within quotes

    csv.field_size_limit(longest)
    try:
        newline = "\n" if _ends_in_newline(_head(path)) else ""
        with open_limited(path) as stream:
            for cells in csv.reader(chain.from_iterable(chunks(stream, newline)), delimiter=delimiter):
                size = 0
                if cells:
                    yield cells, is_at_end
                    number += 1
    except csv.Error as error:
        where = f"{path}: at record {max(0, number - 1)} or soon after, one is longer than {longest >> 20} MiB"
        raise InputError(f"{where}. Remedy: close the quotation mark there, or raise --max-record-mib") from error
    except (OSError, EOFError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        where = f"{path}: cannot be read after record {max(0, number - 1)}"
        raise InputError(f"{where} ({words}). Remedy: fetch the file again") from error


def _head(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        InputError: they are not those of a CSV file.
    """
    with open_limited(path) as file:
        head = file.read(4096)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: the file is UTF-16, expected UTF-8. Remedy: convert the file to UTF-8")
    if not head.removeprefix(_BOM).strip():
        raise InputError(f"{path}: the file is empty, expected a header. Remedy: check where the file comes from")
    return head


def _ends_in_newline(head: bytes) -> bool:
    """Whether the lines of a file that begins with `head` end in "\\n", so that a "\\r" without one is part of a cell."""
    outside = head.split(b'"')[::2]
    first = next((part for part in outside if b"\n" in part or b"\r" in part), b"")
    line, newline, _ = first.partition(b"\n")
    return bool(newline) and b"\r" not in line.removesuffix(b"\r")


def _names(path: Path, cells: list[str], is_cut: bool) -> list[str]:
    if is_cut:
        raise InputError(f"{path}: the file ends within the quotes of its header. Remedy: close them, or fetch the file again")
    try:
        names = [_bytes(cell).decode() for cell in cells]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the header is not UTF-8 ({error}). Remedy: convert the file to UTF-8") from error
    check_columns(path, len(names))
    twice = sorted(repeated(names))
    if twice:
        raise InputError(f'{path}: two columns are called "{twice[0]}". Remedy: rename one of them')
    return names


def _bytes(cell: str) -> bytes:
    """A cell as it is in the file."""
    return cell.replace(_STAND_IN, "\r").encode(errors="surrogateescape")


def _decoded(cells: list[str], names: list[str]) -> tuple[list[str], str]:
    """The cells of a record as they are in the file, and which of them is not UTF-8, if one is not."""
    texts = []
    for name, cell in zip(names, cells, strict=True):
        try:
            texts.append(_bytes(cell).decode())
        except UnicodeDecodeError as error:
            return [], f'column "{name}" is not UTF-8 at byte {error.start} of the cell'
    return texts, ""


def _batch(rows: list[list[str]], names: list[str]) -> pa.RecordBatch:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=names)


def _ragged_reason(cells: list[str], width: int) -> str:
    if len(cells) == width:
        return ""
    return f"the record has {len(cells)} fields, expected {width}: perhaps a line end or a quotation mark in it is not quoted"


def _cut_reason(cells: list[str], width: int) -> str:
    value = shorten(_bytes(cells[-1]).decode(errors="replace")[-40:])
    return (
        f"the file ends within the quotes of field {len(cells)} of {width}, after {value}, expected their end: "
        "perhaps it was cut off. Remedy: fetch the file again, or close the quotation mark"
    )
