"""CSV of any size as a stream of text columns; what the cells mean is for the sources to say.

Every cell is text as it was written: an empty one is "", and None, NA, nan and null are words. Records that are not CSV of the
file's width, or not UTF-8, are given as rejected, each with its number, and cost no other record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from ..errors import InputError
from ..files import compression
from .records import Rejected

_LARGEST_BLOCK: Final = 1 << 30
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class CsvRows:
    """Some records of a CSV file."""

    batch: pa.RecordBatch
    """The columns of the file, all of them strings without nulls."""
    row: pa.Array
    """[n] int64 number of each record in the file, from 0; rejected records count too, blank lines do not."""


def read_csv(
    path: Path, *, escape_char: str | None = None, delimiter: str = ",", block_bytes: int = 8 << 20, file: str | None = None
) -> Iterator[CsvRows | Rejected]:
    """The records of a CSV file, plain, `.gz` or `.zst`, some megabytes at a time.

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
            if block_bytes >= _LARGEST_BLOCK:
                raise InputError(
                    f"{path}: record {scan.done} is longer than {_LARGEST_BLOCK >> 20} MiB. "
                    "Remedy: close the quotation mark that is open there"
                ) from error
            block_bytes = min(4 * block_bytes, _LARGEST_BLOCK)


def csv_columns(path: Path, *, escape_char: str | None = None, delimiter: str = ",") -> list[str]:
    """The names of a CSV file's columns.

    Raises:
        InputError: as `read_csv`.
    """
    block = 1 << 20
    while True:
        try:
            return _Scan(path, escape_char, delimiter, path.name).columns(block)
        except _StraddlingError as error:
            if block >= _LARGEST_BLOCK:
                raise InputError(f"{path}: the header does not end. Remedy: close its quotation marks") from error
            block *= 4


class _StraddlingError(Exception):
    """A record is longer than a block."""


@dataclass
class _Scan:
    """One file, read from its beginning as often as its longest record needs, every record given once."""

    path: Path
    escape_char: str | None
    delimiter: str
    file: str
    done: int = 0
    """Records given so far, the rejected ones among them."""
    _ragged: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Record number -> fields it should have and has; those not yet given."""

    def columns(self, block_bytes: int) -> list[str]:
        try:
            reader = self._open(block_bytes, None)
            return self._names(reader) if reader is not None else []
        except (pa.ArrowInvalid, OSError) as error:
            raise self._explained(error) from error

    def run(self, block_bytes: int) -> Iterator[CsvRows | Rejected]:
        try:
            probe = self._open(block_bytes, None)
            if probe is None:
                return
            names = self._names(probe)
            probe.close()
            yield from self._records(self._open(block_bytes, names), names)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._explained(error) from error

    def _open(self, block_bytes: int, names: list[str] | None) -> Any:
        """A reader of batches; None where the file is a header without a line end, which pyarrow takes for an error."""
        codec = compression(self.path)
        self._refuse_utf16(codec)
        self._ragged.clear()
        try:
            return pacsv.open_csv(
                pa.input_stream(str(self.path), compression=codec),
                # Only the reader without threads numbers the rows that it passes over.
                read_options=pacsv.ReadOptions(block_size=block_bytes, use_threads=False),
                parse_options=pacsv.ParseOptions(
                    delimiter=self.delimiter,
                    escape_char=self.escape_char or False,
                    newlines_in_values=True,
                    invalid_row_handler=self._note_ragged if names else lambda row: "skip",
                ),
                # Bytes, since one cell that is not UTF-8 must not cost the block that it stands in.
                convert_options=pacsv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(names or [], pa.binary()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if "cannot infer number of columns" in str(error) and self._has_text(codec):
                return None
            raise

    def _names(self, reader: Any) -> list[str]:
        try:
            names: list[str] = reader.schema.names
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}: the header is not UTF-8 ({error}). Remedy: convert the file to UTF-8") from error
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise InputError(f'{self.path}: two columns are called "{twice[0]}". Remedy: rename one of them')
        return names

    def _records(self, reader: Any, names: list[str]) -> Iterator[CsvRows | Rejected]:
        place = 0  # number of the next record of the reader
        for batch in reader:
            rows = self._numbers(place, batch.num_rows)
            place = int(rows[-1]) + 1 if len(rows) else place
            yield from self._rejected_before(place)
            fresh = rows >= self.done
            if not fresh.all():
                batch, rows = batch.filter(pa.array(fresh)), rows[fresh]
            yield from self._decoded(batch, rows, names)
            self.done = max(self.done, place)
        yield from self._rejected_before(max(self._ragged, default=-1) + 1)

    def _numbers(self, place: int, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The numbers of the next `count` whole records from `place` on: the ragged ones lie between them."""
        ragged = np.fromiter(self._ragged, np.int64, len(self._ragged))
        return np.setdiff1d(np.arange(place, place + count + len(ragged)), ragged)[:count]

    def _note_ragged(self, row: Any) -> str:
        self._ragged[row.number - 2] = (row.expected_columns, row.actual_columns)  # counted from 1, the header included
        return "skip"

    def _rejected_before(self, end: int) -> Iterator[Rejected]:
        for number in sorted(r for r in self._ragged if r < end):
            expected, found = self._ragged.pop(number)
            if number >= self.done:
                reason = f"the record has {found} fields, expected {expected}: a line end or quotation mark in it is not quoted"
                yield Rejected(self.file, number, reason, {})

    def _decoded(self, batch: pa.RecordBatch, rows: Any, names: list[str]) -> Iterator[CsvRows | Rejected]:
        try:
            columns = [column.cast(pa.string()) for column in batch.columns]
        except pa.ArrowInvalid:
            bad: dict[int, str] = {}
            for name, column in zip(names, batch.columns, strict=True):
                for i, cell in enumerate(column):
                    try:
                        cell.as_py().decode()
                    except UnicodeDecodeError as error:
                        bad.setdefault(i, f'column "{name}" is not UTF-8 at byte {error.start} of the cell')
            for i, reason in sorted(bad.items()):
                yield Rejected(self.file, int(rows[i]), reason, {})
            kept = np.ones(len(rows), bool)
            kept[list(bad)] = False
            rows = rows[kept]
            columns = [column.filter(pa.array(kept)).cast(pa.string()) for column in batch.columns]
        if len(rows):
            yield CsvRows(pa.RecordBatch.from_arrays(columns, names=names), pa.array(rows, pa.int64()))

    def _has_text(self, codec: str | None) -> bool:
        with pa.input_stream(str(self.path), compression=codec) as stream:
            return bool(stream.read(4096).removeprefix(b"\xef\xbb\xbf").strip())

    def _refuse_utf16(self, codec: str | None) -> None:
        with pa.input_stream(str(self.path), compression=codec) as stream:
            if stream.read(2) in _UTF16:
                raise InputError(f"{self.path}: the file is UTF-16, expected UTF-8. Remedy: convert the file to UTF-8")

    def _explained(self, error: Exception) -> Exception:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "straddl" in words:
            return _StraddlingError(words)
        if "Empty CSV" in words or "cannot infer number of columns" in words:
            return InputError(f"{self.path}: the file is empty, expected a header. Remedy: check where the file comes from")
        return InputError(f"{self.path}: cannot be read after record {self.done} ({words}). Remedy: fetch the file again")
