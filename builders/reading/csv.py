"""CSV of any size as a stream of text columns; what the cells mean is for the sources to say.

Every cell is text as it was written: an empty one is "", and None, NA, nan and null are words. Records that are not CSV of the
file's width, or not UTF-8, are given as rejected, each with its number, and cost no other record; so is a last one whose quotes
the file ends in, as one that was cut off does.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import open_binary
from llmfusionbench.validation.issue import shorten

_LARGEST_BLOCK: Final = 1 << 30
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_BOM: Final = b"\xef\xbb\xbf"
_END: Final = "\x1cEOF\x1c"
"""Read as a last record of its own width, unless the file ends within quotes: then it ends the last cell."""


def read_csv(
    path: Path, *, escape_char: str | None = None, delimiter: str = ",", block_bytes: int = 8 << 20, file: str | None = None
) -> Iterator[pa.RecordBatch | Rejected]:
    """The records of a CSV file, plain, `.gz` or `.zst`, some megabytes at a time.

    Every record of the file is in exactly one part, in order: a batch of string columns without nulls, or one that is
    rejected. So counting the rows of the batches and one for each rejected record numbers them all. Blank lines are no records.

    Args:
        path: The file. Its first record names the columns.
        escape_char: Takes the next character as it is, as "\\\\" in files written with pandas' `escapechar`.
        delimiter: What stands between cells.
        block_bytes: Bytes read at a time; a longer record is read again in larger blocks.
        file: The name of the file in rejected records, its base name by default.

    Raises:
        InputError: the file is missing, empty, damaged, not UTF-8 in its header, or names two columns alike.
    """
    scan = _Scan(path, escape_char, delimiter, file or path.name)
    while True:
        try:
            yield from scan.run(block_bytes)
            return
        except _StraddlingError as error:
            block_bytes = _larger(block_bytes, path, scan.done, error)
        except _NotUtf8Error:
            scan.bytewise = True


def csv_columns(path: Path, *, escape_char: str | None = None, delimiter: str = ",") -> list[str]:
    """The names of a CSV file's columns.

    Raises:
        InputError: as `read_csv`.
    """
    scan, block_bytes = _Scan(path, escape_char, delimiter, path.name), 1 << 20
    while True:
        try:
            return scan.columns(block_bytes)
        except _StraddlingError as error:
            block_bytes = _larger(block_bytes, path, 0, error)
        except _NotUtf8Error:
            scan.bytewise = True


def _larger(block_bytes: int, path: Path, record: int, error: Exception) -> int:
    if block_bytes >= _LARGEST_BLOCK:
        size = f"{_LARGEST_BLOCK >> 20} MiB"
        raise InputError(
            f"{path}: at record {record} or soon after, one is longer than {size}. Remedy: close the quotation mark there"
        ) from error
    return min(4 * block_bytes, _LARGEST_BLOCK)


class _StraddlingError(Exception):
    """A record is longer than a block."""


class _NotUtf8Error(Exception):
    """Some of the file is not UTF-8."""


class _Blocks(io.RawIOBase):
    """A file as pyarrow can take it, block by block.

    No read ends between "\\r" and "\\n": pyarrow drops a "\\n" that opens a block, even within quotes. And a lone "\\r" outside
    of quotes, which pandas and Python write as it is where lines end in "\\n", passes for its stand-in if `returns`; so does a
    NUL, behind which pyarrow overlooks up to seven bytes. The file's last byte is followed by `end`.

    All that it gives is UTF-8, for pyarrow fails on a record that has both fields too many and bytes that are no text: if
    `bytewise`, each byte stands as the character of its number; if not, bytes that are no text raise `_NotUtf8Error`.
    """

    def __init__(self, file: IO[bytes], stand_ins: _StandIns, end: bytes, *, returns: bool, bytewise: bool) -> None:
        self._file, self._held, self._stand_ins, self._quotes, self._end = file, b"", stand_ins, 0, end
        self._returns, self._bytewise = returns, bytewise
        self._blocks = 0

    @property
    def is_one(self) -> bool:
        """Whether the whole file came as one block, its end with it."""
        return self._blocks == 1 and not self._end

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = size // 2 if self._bytewise else size  # a byte may take two
        data = self._held + self._file.read(size - len(self._held) if size >= 0 else -1)
        self._held = b""
        if size < 0 or len(data) + len(self._end) <= size:
            data, self._end = data + self._end, b""
        else:
            place = _cut(data)
            data, self._held = data[:place], data[place:]
        self._blocks += bool(data)
        if b"\0" in data:
            data = data.replace(b"\0", bytes([self._stand_ins.of(0)]))
        data = self._marked(data) if self._returns else data
        if self._bytewise:
            data = data.removeprefix(_BOM) if self._blocks == 1 else data  # pyarrow would not know it again
            return data.decode("latin-1").encode()
        if not _is_utf8(data):
            raise _NotUtf8Error
        return data

    def _marked(self, data: bytes) -> bytes:
        before, self._quotes = self._quotes, self._quotes + data.count(b'"')
        if b"\r" not in data:
            return data
        codes = np.frombuffer(data, np.uint8)
        outside = (np.cumsum(codes == ord('"')) + before) % 2 == 0
        after = self._held[0] if self._held else ord("\n")
        lone = (codes == ord("\r")) & outside & (np.append(codes[1:], np.uint8(after)) != ord("\n"))
        if not lone.any():
            return data
        return np.where(lone, np.uint8(self._stand_ins.of(ord("\r"))), codes).tobytes()

    def close(self) -> None:
        self._file.close()
        super().close()


def _cut(data: bytes) -> int:
    """Where to end a block of `data`: before a "\\r" or a part of a character, if it is more than those."""
    end = len(data)
    for place in range(end - 1, max(0, end - 4), -1):
        if data[place] < 0x80:
            break
        if data[place] >= 0xC0:
            end = place
            break
    return end - 1 if end > 1 and data[end - 1] == ord("\r") else end


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    try:  # some forty times as fast as decoding it
        pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


@dataclass
class _StandIns:
    """Control characters that a file does not have, each in the place of one of its own that pyarrow takes amiss."""

    path: Path
    codes: dict[int, int] = field(default_factory=dict)
    """Character of the file -> its stand-in."""

    def of(self, code: int) -> int:
        """The stand-in of a character, found by reading the file through when it is first needed.

        Raises:
            InputError: the file has every control character.
        """
        if code not in self.codes:
            seen = np.zeros(256, bool)
            seen[list(b"\t\n\r" + _END.encode() + bytes(self.codes.values()))] = True
            with open_binary(self.path) as file:
                while chunk := file.read(8 << 20):
                    seen[np.unique(np.frombuffer(chunk, np.uint8))] = True
            if seen[1:32].all():
                what, remedy = ("lone carriage returns", "quote all cells") if code else ("NULs", "take them out")
                raise InputError(f"{self.path}: has {what} and every control character. Remedy: {remedy}")
            self.codes[code] = 1 + int(np.argmin(seen[1:32]))
        return self.codes[code]

    def undone(self, data: bytes) -> bytes:
        """`data` with the file's own characters back in their places."""
        for code, stand_in in self.codes.items():
            data = data.replace(bytes([stand_in]), bytes([code]))
        return data

    def undone_in(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """As `undone`, of the cells of a batch."""
        columns = batch.columns
        for code, stand_in in self.codes.items():
            columns = [pc.replace_substring(column, chr(stand_in), chr(code)) for column in columns]
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


@dataclass
class _Scan:
    """One file, read from its beginning as often as its longest record needs, every record given once."""

    path: Path
    escape_char: str | None
    delimiter: str
    file: str
    bytewise: bool = False
    """Whether the reader is given each byte as a character: some of the file is not UTF-8."""
    done: int = 0
    """Records given so far, the rejected ones among them."""
    _stand_ins: _StandIns = field(init=False)
    _end: str = _END
    _closing: int | None = None
    """The number of the last record that was passed over, where it is what follows the file's last byte, or looks like it."""
    _ragged: dict[int, str] = field(default_factory=dict)
    """Record number -> what is wrong with it; those that the reader has passed over and nobody was told of."""

    def __post_init__(self) -> None:
        self._stand_ins = _StandIns(self.path)

    def columns(self, block_bytes: int) -> list[str]:
        try:
            return self._names(self._open(block_bytes, None))
        except (pa.ArrowInvalid, OSError, EOFError) as error:
            raise self._explained(error) from error

    def run(self, block_bytes: int) -> Iterator[pa.RecordBatch | Rejected]:
        try:
            probe = self._open(block_bytes, None)
            names = self._names(probe)
            probe.close()
            yield from self._records(self._open(block_bytes, probe.schema.names), names)
        except (pa.ArrowInvalid, OSError, EOFError) as error:
            raise self._explained(error) from error

    def _open(self, block_bytes: int, names: list[str] | None) -> Any:
        """A reader of batches: of text columns called `names`, as the reader gives them, or of any, for their names."""
        head = self._head()
        if head[:2] in _UTF16:
            raise InputError(f"{self.path}: the file is UTF-16, expected UTF-8. Remedy: convert the file to UTF-8")
        if not head.removeprefix(_BOM).strip():
            raise InputError(f"{self.path}: the file is empty, expected a header. Remedy: check where the file comes from")
        self._ragged.clear()
        self._closing = None
        self._end = self.delimiter.join([_END] * (2 if names and len(names) == 1 else 1))
        returns = self.escape_char is None and _ends_in_newline(head)
        end = f"\n{self._end}".encode()
        blocks = _Blocks(open_binary(self.path), self._stand_ins, end, returns=returns, bytewise=self.bytewise)
        try:
            return pacsv.open_csv(
                pa.PythonFile(blocks, mode="r"),
                # Only the reader without threads numbers the rows that it passes over.
                read_options=pacsv.ReadOptions(block_size=block_bytes, use_threads=False),
                parse_options=pacsv.ParseOptions(
                    delimiter=self.delimiter,
                    escape_char=self.escape_char or False,
                    newlines_in_values=True,
                    invalid_row_handler=self._note_ragged if names else _pass_over,
                ),
                # Bytes, since one cell that is not UTF-8 must not cost the block that it stands in.
                convert_options=pacsv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(names or [], pa.binary()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if "cannot infer number of columns" not in str(error):
                raise
            if blocks.is_one:
                raise InputError(
                    f"{self.path}: the file ends within the quotes of its header. Remedy: close them, or fetch the file again"
                ) from error
            raise _StraddlingError("the header") from error

    def _head(self) -> bytes:
        with open_binary(self.path) as file:
            return file.read(4096)

    def _names(self, reader: Any) -> list[str]:
        try:
            names = [self._text(name).decode() for name in reader.schema.names]
        except UnicodeDecodeError as error:
            raise self._not_utf8(error) from error
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise InputError(f'{self.path}: two columns are called "{twice[0]}". Remedy: rename one of them')
        return names

    def _not_utf8(self, error: UnicodeDecodeError) -> InputError:
        return InputError(f"{self.path}: the header is not UTF-8 ({error}). Remedy: convert the file to UTF-8")

    def _records(self, reader: Any, names: list[str]) -> Iterator[pa.RecordBatch | Rejected]:
        for given in self._fresh(reader):
            batch = pa.RecordBatch.from_arrays(self._bytes(given) if self.bytewise else given.columns, names=names)
            rows = self._numbers(batch.num_rows)
            end = int(rows[-1]) + 1
            bad = {number: self._ragged.pop(number) for number in list(self._ragged) if number < end}
            last = batch.column(batch.num_columns - 1)[-1].as_py()
            if last.endswith(f"\n{self._end}".encode()):
                bad[end - 1] = self._cut_reason(self._stand_ins.undone(last), batch.num_columns, batch.num_columns)
                batch, rows = batch.slice(0, batch.num_rows - 1), rows[:-1]
                self._closing = None
            texts, kept, undecodable = _decoded(batch)
            texts = self._stand_ins.undone_in(texts)
            bad |= {int(rows[i]): reason for i, reason in undecodable.items()}
            yield from self._in_order(texts, rows[kept], bad)
        if self._closing is not None:
            self._ragged.pop(self._closing, None)
        rest = {number: reason for number, reason in self._ragged.items() if number >= self.done}
        yield from self._in_order(None, np.zeros(0, np.int64), rest)

    def _fresh(self, reader: Any) -> Iterator[pa.RecordBatch]:
        """The batches of `reader`, less the records that an earlier reading gave."""
        place = 0
        for batch in reader:
            if not batch.num_rows:
                continue
            rows = self._numbers(batch.num_rows, place)
            place = int(rows[-1]) + 1
            if place > self.done:
                for number in [n for n in self._ragged if n < self.done]:
                    del self._ragged[number]
                yield batch.slice(int(np.searchsorted(rows, self.done)))

    def _numbers(self, count: int, place: int | None = None) -> npt.NDArray[np.int64]:
        """The numbers of the next `count` whole records from `place` on: the ragged ones lie between them."""
        place = self.done if place is None else place
        ragged = np.fromiter(self._ragged, np.int64, len(self._ragged))
        return np.setdiff1d(np.arange(place, place + count + len(ragged)), ragged)[:count]

    def _note_ragged(self, row: Any) -> str:
        number = row.number - 2  # counted from 1, the header included
        cut = row.text.endswith(f"\n{self._end}")
        found, expected = row.actual_columns, row.expected_columns
        self._ragged[number] = self._cut_reason(self._text(row.text), found, expected) if cut else _ragged_reason(row)
        self._closing = number if row.text == self._end else None
        return "skip"

    def _text(self, text: str) -> bytes:
        """The bytes of the file that the reader gave as `text`."""
        return self._stand_ins.undone(text.encode("latin-1" if self.bytewise else "utf-8"))

    def _bytes(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """The cells of a batch that the reader was given byte by byte, as the bytes that they were."""
        return [pa.array([c.decode().encode("latin-1") for c in column.to_pylist()], pa.binary()) for column in batch.columns]

    def _cut_reason(self, data: bytes, found: int, expected: int) -> str:
        """What is wrong with a last record, or its last cell, that goes on to the end of the file."""
        text = data.decode(errors="replace").removesuffix(f"\n{self._end}")
        value = shorten(text[-40:])
        return (
            f"the file ends within the quotes of field {found} of {expected}, after {value}, expected their end: "
            "perhaps it was cut off. Remedy: fetch the file again, or close the quotation mark"
        )

    def _in_order(
        self, batch: pa.RecordBatch | None, rows: npt.NDArray[np.int64], bad: dict[int, str]
    ) -> Iterator[pa.RecordBatch | Rejected]:
        """The rows of `batch` between the rejected records, as they stand in the file."""
        start = 0
        for number, reason in sorted(bad.items()):
            end = int(np.searchsorted(rows, number))
            if batch is not None and end > start:
                self.done += end - start
                yield batch.slice(start, end - start)
                start = end
            self.done += 1
            yield Rejected(self.file, number, reason, {})
        if batch is not None and len(rows) > start:
            self.done += len(rows) - start
            yield batch.slice(start)

    def _explained(self, error: Exception) -> Exception:
        words: str = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "straddl" in words:
            return _StraddlingError(words)
        return InputError(f"{self.path}: cannot be read after record {self.done} ({words}). Remedy: fetch the file again")


def _ends_in_newline(head: bytes) -> bool:
    """Whether the lines of a file that begins with `head` end in "\\n", so that a "\\r" without one is part of a cell."""
    outside = head.split(b'"')[::2]
    first = next((part for part in outside if b"\n" in part or b"\r" in part), b"")
    line, newline, _ = first.partition(b"\n")
    return bool(newline) and b"\r" not in line.removesuffix(b"\r")


def _pass_over(row: Any) -> str:
    return "skip"


def _ragged_reason(row: Any) -> str:
    return (
        f"the record has {row.actual_columns} fields, expected {row.expected_columns}: "
        "perhaps a line end or a quotation mark in it is not quoted"
    )


def _decoded(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, npt.NDArray[np.bool_], dict[int, str]]:
    """The rows of `batch` that are UTF-8 as texts, which these are, and what is wrong with the others."""
    kept = np.ones(batch.num_rows, bool)
    bad: dict[int, str] = {}
    names = batch.schema.names
    try:
        columns = [column.cast(pa.string()) for column in batch.columns]
    except pa.ArrowInvalid:
        for name, column in zip(names, batch.columns, strict=True):
            for i, cell in enumerate(column.to_pylist()):
                try:
                    cell.decode()
                except UnicodeDecodeError as error:
                    bad.setdefault(i, f'column "{name}" is not UTF-8 at byte {error.start} of the cell')
        kept[list(bad)] = False
        columns = [column.filter(pa.array(kept)).cast(pa.string()) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=names), kept, bad
