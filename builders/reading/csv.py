"""CSV of any size as a stream of text columns; the sources know what the cells mean.

Every cell is text as it was written: an empty one is "", and None, NA, nan and null are words. A record that is not as wide as
the header, or not UTF-8, is rejected with its number and costs no other record. So is a last record whose quotes are still open
where the file ends.

Python's `csv` says what a file means. Arrow's parser is faster, but misreads some files: it parses those pieces
that `csv_pieces` shows to be plain, and Python's parses the others. The reader in `validation/rows.py` is another, because it
is strict and reports lines.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Final

import pyarrow as pa

from llmfusionbench.builders.reading.csv_pieces import BOM, chained, parsed, pieces
from llmfusionbench.builders.reading.limits import check_columns, open_limited, record_bytes
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.storage.repeats import repeated
from llmfusionbench.validation.issue import shorten

_CELL_BYTES: Final = 64
"""Memory that Python takes for a cell, without its text."""
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
    reader = _Reader(path, delimiter, file or path.name, min(block_bytes, 1 << 16))
    yield from reader.parts(block_bytes)


def csv_columns(path: Path, *, delimiter: str = ",") -> list[str]:
    """The names of a CSV file's columns.

    Raises:
        InputError: as `read_csv`.
    """
    return _Reader(path, delimiter, path.name, 1 << 16).names


class _Reader:
    """A file that is being read."""

    def __init__(self, path: Path, delimiter: str, file: str, characters: int) -> None:
        self.path, self.delimiter, self.file = path, delimiter, file
        self.longest = record_bytes()
        self.count = -1
        """Number of records so far, without the header."""
        with self._opened() as stream:
            head = stream.read(4096)
            _check_head(path, head)
            self.newline = "\n" if _ends_in_newline(head) else ""
            self.names = _names(path, *next(self._records(chained(head, stream), characters)))

    def parts(self, block_bytes: int) -> Iterator[pa.RecordBatch | Rejected]:
        """The records in order, as `read_csv` gives them."""
        most = self.longest // 2  # above that, Python's parser says whether a record is too long
        with self._opened() as stream:
            for piece in pieces(stream, self.delimiter, min(block_bytes, most), most) if self.newline else [stream]:
                batch = parsed(piece, self.delimiter, self.names) if isinstance(piece, bytes) else None
                if batch is None:
                    yield from self._by_python(io.BytesIO(piece) if isinstance(piece, bytes) else piece, block_bytes)
                elif batch.num_rows:
                    first = self.count < 0
                    self.count += batch.num_rows
                    if batch.num_rows > first:
                        yield batch.slice(int(first))

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        """The file without its byte order mark; what goes wrong within is an InputError.

        Raises:
            InputError: a record is too long, or the file is damaged.
        """
        try:
            with open_limited(self.path) as stream:
                yield chained(stream.read(len(BOM)).removeprefix(BOM), stream)
        except csv.Error as error:
            where = f"{self.path}: at record {max(0, self.count)} or soon after, one is longer than {self.longest >> 20} MiB"
            raise InputError(f"{where}. Remedy: close the quotation mark there, or raise --max-record-mib") from error
        except (OSError, EOFError) as error:
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            where = f"{self.path}: cannot be read after record {max(0, self.count)}"
            raise InputError(f"{where} ({words}). Remedy: fetch the file again") from error

    def _by_python(self, stream: IO[bytes], block_bytes: int) -> Iterator[pa.RecordBatch | Rejected]:
        """The records of a stream that begins with one."""
        rows: list[list[str]] = []
        size = 0
        for cells, is_cut in self._records(stream, min(block_bytes, 1 << 18)):
            self.count += 1
            if not self.count:
                continue  # the header
            reason = _cut_reason(cells, len(self.names)) if is_cut else _ragged_reason(cells, len(self.names))
            if not reason:
                try:
                    size += len("".join(cells).encode()) + _CELL_BYTES * len(cells)
                except UnicodeEncodeError:  # a stand-in, or bytes that are not UTF-8
                    cells, reason = _decoded(cells, self.names)
            if not reason:
                rows.append(cells)
            if rows and (reason or size >= block_bytes):
                yield _batch(rows, self.names)
                rows, size = [], 0
            if reason:
                yield Rejected(self.file, self.count - 1, reason, {})
        if rows:
            yield _batch(rows, self.names)

    def _records(self, stream: IO[bytes], characters: int) -> Iterator[_Record]:
        """The records of a stream, which is read some `characters` at a time."""
        text = io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline=self.newline)
        size = 0
        is_at_end = False

        def chunks() -> Iterator[Iterable[str]]:
            """The lines of the stream, many at a time."""
            nonlocal size, is_at_end
            while chunk := text.read(characters):
                chunk += text.readline(self.longest)
                size += len(chunk.encode(errors="surrogateescape"))
                if size >= self.longest:
                    raise csv.Error
                is_text = self.newline and "\r" in chunk
                yield io.StringIO(_LONE_RETURN.sub(_STAND_IN, chunk) if is_text else chunk, self.newline)
            is_at_end = True  # the reader asks for one more line only within quotes

        csv.field_size_limit(self.longest)
        for cells in csv.reader(chain.from_iterable(chunks()), delimiter=self.delimiter):
            size = 0
            if cells:
                yield cells, is_at_end


def _check_head(path: Path, head: bytes) -> None:
    """Raises InputError where the first bytes of a file, without a byte order mark, are not those of a CSV file."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: the file is UTF-16, expected UTF-8. Remedy: convert the file to UTF-8")
    if not head.strip():
        raise InputError(f"{path}: the file is empty, expected a header. Remedy: check where the file comes from")


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
