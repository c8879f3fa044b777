"""An `.eval` log of Inspect: a zip archive with a header and one file per sample, read in memory one sample at a time.

No member is written to disk, so its name can lead nowhere. What the archive declares of sizes is not believed. A sample is one
file, or in newer logs a folder with its messages and attachments in chunks.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from llmfusionbench.builders.reading.fields import BadRecordError, named
from llmfusionbench.builders.reading.json import Item
from llmfusionbench.builders.reading.json_window import Decoder
from llmfusionbench.builders.reading.limits import REMEDY, record_bytes
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError

ZIP: Final = b"PK\x03\x04"
"""What an archive begins with."""
_HEADERS: Final = ("header.json", "_journal/start.json")
_SUMMARIES: Final = ("summaries.json", "_journal/summaries/")
_SAMPLE: Final = re.compile(r"samples/(.+)\.json", re.DOTALL)
_SHELL: Final = re.compile(r"(samples/.+_epoch_\d{1,9})/sample\.json", re.DOTALL)
_CHUNK: Final = re.compile(r"(samples/.+_epoch_\d{1,9})/(messages|attachments)/(\d{1,9})\.json", re.DOTALL)
_ZSTD: Final = 93
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTD)
_LOCAL_HEADER: Final = 30
_FAULTS: Final = (
    zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, NotImplementedError, RuntimeError, KeyError, struct.error,
)  # fmt: skip
"""What a damaged archive raises; RuntimeError stands for an encrypted member."""


class Archive:
    """The members of an `.eval` file."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, raw: IO[bytes]) -> None:
        self._path, self._archive, self._raw = path, archive, raw
        self._names = list(dict.fromkeys(archive.namelist()))  # of a member that was written again, the last counts

    def header(self) -> tuple[dict[str, Any], bool]:
        """(the header, whether the log has come to its end).

        Raises:
            InputError: there is none, or it cannot be read.
        """
        name = next((name for name in _HEADERS if name in self._names), None)
        if name is None:
            raise InputError(f"{self._path}: it has no {_HEADERS[0]}, expected a log of Inspect. Remedy: check the file")
        try:
            found = self._json(name)
        except BadRecordError as error:
            raise InputError(f"{self._path}: {error}. Remedy: copy the log again") from error
        if not isinstance(found, dict):
            raise InputError(f"{self._path}: {name} is {named(found)}, expected an object. Remedy: check the file")
        return found, name == _HEADERS[0]

    def summarised(self) -> int:
        """The number of samples in the summaries, 0 if these cannot be read."""
        names = [n for n in self._names if n == _SUMMARIES[0]] or [n for n in self._names if n.startswith(_SUMMARIES[1])]
        total = 0
        for name in names:
            try:
                found = self._json(name)
            except BadRecordError:  # they only repeat what the samples state
                continue
            total += len(found) if isinstance(found, list) else 0
        return total

    def samples(self, file: str) -> Iterator[Item]:
        """The samples with their numbers from 0; one that cannot be read is rejected, and costs no other."""
        chunks: dict[str, dict[str, list[tuple[int, str]]]] = {}
        for name in self._names:
            match = _CHUNK.fullmatch(name)
            if match:
                chunks.setdefault(match[1], {}).setdefault(match[2], []).append((int(match[3]), name))
        row = 0
        for name in self._names:
            shell = _SHELL.fullmatch(name)
            match = _SAMPLE.fullmatch(name)
            if not shell and (not match or "_epoch_" not in match[1].rpartition("/")[2]):
                continue
            try:
                yield row, self._chunked(name, chunks.get(shell[1], {})) if shell else self._json(name)
            except BadRecordError as error:
                yield Rejected(file, row, str(error), {})
            row += 1

    def _chunked(self, name: str, chunks: dict[str, list[tuple[int, str]]]) -> Any:
        """A sample that is kept in parts, with its messages and attachments."""
        sample = self._json(name)
        if not isinstance(sample, dict):
            return sample
        left = record_bytes()
        lists: dict[str, list[Any]] = {}
        for sequence, names in chunks.items():
            listed = lists.setdefault(sequence, [])
            for _, part in sorted(names):
                left -= self._archive.getinfo(part).file_size
                if left < 0:
                    raise BadRecordError(f"{name[:200]}: its {sequence} are longer than {record_bytes() >> 20} MiB. {REMEDY}")
                found = self._json(part)
                listed += found if isinstance(found, list) else [found]
        attachments = {str(i): text for i, text in enumerate(lists.get("attachments", ()))}
        return {"messages": lists.get("messages", []), **sample, "attachments": attachments}

    def _json(self, name: str) -> Any:
        """A member as JSON. Raises BadRecordError if it is damaged or too long."""
        data, decoder = self._read(name), Decoder()
        try:
            found = decoder.decode_bytes(data)
        except (ValueError, RecursionError) as error:
            words = "nested too deep" if isinstance(error, RecursionError) else str(error)
            raise BadRecordError(f"{name[:200]} is not JSON ({words[:200]})") from error
        if decoder.fault is not None:
            raise BadRecordError(f"{name[:200]}: {decoder.fault}")
        return found

    def _read(self, name: str) -> bytes:
        info, most = self._archive.getinfo(name), record_bytes()
        if info.compress_type not in _METHODS:
            raise BadRecordError(f"{name[:200]} is compressed by method {info.compress_type}, expected deflate or zstd")
        try:
            if info.compress_type == _ZSTD:
                data = self._unpacked(info, most)
            else:
                with self._archive.open(info) as member:
                    data = member.read(most + 1)
        except _FAULTS as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise BadRecordError(f"{name[:200]} is damaged ({words[:200]}), expected a whole member of the archive") from error
        if len(data) > most:
            raise BadRecordError(f"{name[:200]} is longer than {most >> 20} MiB, expected one sample. {REMEDY}")
        return data

    def _unpacked(self, info: zipfile.ZipInfo, most: int) -> bytes:
        """The content of a member compressed by zstd, which Python's zipfile cannot read; at most `most` + 1 bytes of it."""
        self._raw.seek(info.header_offset)
        local = self._raw.read(_LOCAL_HEADER)
        name, extra = struct.unpack("<HH", local[26:30])
        self._raw.seek(info.header_offset + _LOCAL_HEADER + name + extra)
        packed = self._raw.read(min(info.compress_size, most + 1))
        with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
            data: bytes = stream.read(most + 1)
        if len(data) <= most and zlib.crc32(data) != info.CRC:
            raise zipfile.BadZipFile("its check sum differs")
        return data


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """An `.eval` file.

    Raises:
        InputError: the file is not a whole zip archive.
    """
    try:
        with open(path, "rb") as raw, zipfile.ZipFile(path) as archive:
            yield Archive(path, archive, raw)
    except _FAULTS as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: not a whole zip archive ({words[:300]}). Remedy: copy the log again once its run has ended"
        ) from error
