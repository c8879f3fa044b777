"""Writes records as JSON lines or Parquet, a fixed number per file, and hashes the files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.storage.files import sha256

Container = Literal["jsonl", "parquet"]
FOLDER: Final = "data"
_GROUP_ROWS: Final = 4_096
_GROUP_BYTES: Final = 2**28
"""Or less, where the texts are long: what bounds the memory."""


class ShardWriter:
    """Writes records into `data/train-00000-of-00003.jsonl` and so on below `root`.

    A line of JSON is ASCII: control characters, line separators and unpaired surrogates are escaped, so no byte is lost.
    """

    def __init__(self, root: Path, container: Container, shard_rows: int) -> None:
        self.root, self.container, self.shard_rows = root, container, shard_rows
        self.rows: list[int] = []
        """Records of each file so far."""
        self.schema = pa.schema([])
        """What the records are."""
        self._lines: IO[bytes] | None = None
        self._table: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        (root / FOLDER).mkdir(exist_ok=True)

    def write(self, records: pa.Table) -> None:
        """Append records."""
        self.schema = records.schema
        while records.num_rows:
            if not self.rows or self.rows[-1] == self.shard_rows:
                self._close()
                self.rows.append(0)
            part = records.slice(0, min(self.shard_rows - self.rows[-1], records.num_rows))
            self._append(part)
            self.rows[-1] += part.num_rows
            records = records.slice(part.num_rows)

    def finish(self) -> dict[str, dict[str, Any]]:
        """Close the files and give them their names; name -> rows, bytes and sha256."""
        self._close()
        files = {}
        for index, rows in enumerate(self.rows):
            name = f"{FOLDER}/train-{index:05d}-of-{len(self.rows):05d}.{self.container}"
            path = self._path(index).rename(self.root / name)
            files[name] = described_file(path, rows=rows)
        return files

    def abort(self) -> None:
        """Close what is open."""
        if self._lines is not None:
            self._lines.close()
        if self._table is not None:
            self._table.close()

    def _path(self, index: int) -> Path:
        return self.root / FOLDER / f"{index:05d}.part"

    def _append(self, records: pa.Table) -> None:
        path = self._path(len(self.rows) - 1)
        if self.container == "jsonl":
            if self._lines is None:
                self._lines = open(path, "wb")  # noqa: SIM115 - closed by _close
            self._lines.write(json_lines(records))
            return
        self._waiting.append(records)
        if sum(t.num_rows for t in self._waiting) >= _GROUP_ROWS or sum(t.nbytes for t in self._waiting) >= _GROUP_BYTES:
            self._flush(path)

    def _flush(self, path: Path) -> None:
        """Write the waiting records as a row group, whose size does not depend on how the texts arrived."""
        if not self._waiting:
            return
        if self._table is None:
            self._table = pq.ParquetWriter(path, self._waiting[0].schema, compression="zstd")
        self._table.write_table(pa.concat_tables(self._waiting).combine_chunks(), row_group_size=_GROUP_ROWS)
        self._waiting = []

    def _close(self) -> None:
        if self.rows and self.container == "parquet":
            self._flush(self._path(len(self.rows) - 1))
        self.abort()
        self._lines = self._table = None


class LineWriter:
    """Writes one file of JSON lines."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0
        self._file = open(path, "wb")  # noqa: SIM115 - closed by finish

    def write(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            self._file.write(_line(row))
            self.rows += 1

    def finish(self) -> dict[str, Any]:
        """Close the file, and describe it."""
        self._file.close()
        return described_file(self.path, rows=self.rows)


def described_file(path: Path, **about: Any) -> dict[str, Any]:
    """What corpus.json says of a file: `about`, its size in bytes and its SHA-256."""
    return {**about, "bytes": path.stat().st_size, "sha256": sha256(path)}


def json_lines(records: pa.Table) -> bytes:
    """One line of ASCII JSON per record."""
    try:
        rows = records.to_pylist()
    except UnicodeDecodeError:  # a text that is not valid UTF-8: take all texts as bytes, and see below
        rows = records.cast(pa.schema([f.with_type(_as_bytes(f.type)) for f in records.schema])).to_pylist()
    return b"".join(map(_line, rows))


def _line(row: dict[str, Any]) -> bytes:
    return _ENCODER.encode(row).encode("ascii") + b"\n"


def _decoded(data: bytes) -> str:
    """Text of bytes that may be no valid UTF-8: halves of surrogate pairs as such, other strays as lone low surrogates."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


_ENCODER: Final = json.JSONEncoder(default=_decoded)


def _as_bytes(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string(kind):
        return pa.binary()
    if pa.types.is_list(kind):
        return pa.list_(_as_bytes(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([f.with_type(_as_bytes(f.type)) for f in kind])
    return kind
