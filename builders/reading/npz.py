"""The arrays of an npz file, read some rows at a time: what a header or the archive declares is not believed."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.builders.reading.limits import record_bytes, too_large, whole_bytes
from llmfusionbench.errors import InputError

_FAULTS: Final = (
    zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, MemoryError, NotImplementedError, RecursionError, KeyError,
    SyntaxError, TypeError, OverflowError, RuntimeError,
)  # fmt: skip
_HEADERS: Final = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass
class Member:
    """An array of which the rows are read in order."""

    path: Path
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    _is_fortran: bool
    _file: IO[bytes]
    _left: npt.NDArray[Any] | None = None
    """The rows that were not taken, of an array in the order of its columns."""

    def __str__(self) -> str:
        return f"{self.name} is {self.dtype}{list(self.shape)}"

    @property
    def row_bytes(self) -> int:
        """The size of a row."""
        return self.dtype.itemsize * math.prod(self.shape[1:])

    def take(self, rows: int) -> npt.NDArray[Any]:
        """The next `rows` rows. Raises ValueError or EOFError if the file ends before."""
        if self._is_fortran and len(self.shape) > 1:
            if self._left is None:
                size = self.row_bytes * self.shape[0]
                if size > whole_bytes():
                    raise too_large(
                        self.path, f"{self.name} is in the order of its columns and has {size:,} bytes", whole_bytes()
                    )
                self._left = self._read(self.shape[0], self.shape[::-1]).T
            found, self._left = self._left[:rows], self._left[rows:]
            return found
        if self.row_bytes * rows > max(whole_bytes(), self.row_bytes) or self.row_bytes > 4 * record_bytes():
            raise too_large(self.path, f"{self.name} has rows of {self.row_bytes:,} bytes", record_bytes())
        return self._read(rows, (rows, *self.shape[1:]))

    def _read(self, rows: int, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        data = self._file.read(rows * self.row_bytes)
        if len(data) < rows * self.row_bytes:
            raise EOFError(f"{self.name} ends before its {self.shape[0]:,} rows")
        return np.frombuffer(data, self.dtype).reshape(shape)

    def whole(self) -> npt.NDArray[Any]:
        """The whole array."""
        return self.take(self.shape[0]) if self.shape else self._read(1, ())

    def end(self) -> None:
        """Check that nothing follows the last row; the archive's check sum is compared here."""
        if self._file.read(1):
            raise ValueError(f"{self.name} is longer than its shape {list(self.shape)}")


class Archive:
    """The members of an npz file by name."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        files = Counter(archive.namelist())
        twice = next((name for name, count in files.items() if count > 1), None)
        if twice is not None:
            raise InputError(f"{path}: two arrays are called {twice!r}. Remedy: rename one of them")
        self._files = {name.removesuffix(".npy"): name for name in files}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def open(self, name: str) -> Member:
        """An array, of which the header is read. Raises ValueError if it is not an array of plain values."""
        file = self._archive.open(self._files[name])
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{name} has version {version}")
        shape, is_fortran, dtype = _HEADERS[version](file, max_header_size=10_000)
        if dtype.hasobject:
            raise ValueError("Object arrays cannot be loaded")
        if min(shape, default=0) < 0:
            raise ValueError(f"{name} has the shape {list(shape)}")
        size, held = math.prod(shape) * dtype.itemsize, self._archive.getinfo(self._files[name]).file_size - file.tell()
        if size != held:
            raise ValueError(f"{name} has {held:,} bytes, expected the {size:,} of its shape {list(shape)}")
        return Member(self._path, name, dtype, shape, is_fortran, file)


@contextmanager
def open_npz(path: Path) -> Iterator[Archive]:
    """The arrays of a file. Errors of reading them are InputErrors.

    Raises:
        InputError: the file is not a readable npz file.
    """
    try:
        with open(path, "rb") as file:
            if file.read(6) == b"\x93NUMPY":
                raise InputError(f"{path}: one array, expected an npz of several. Remedy: check the file")
        with zipfile.ZipFile(path) as archive:
            yield Archive(path, archive)
    except _FAULTS as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: not a readable npz file ({words[:300]}). Remedy: fetch it again; arrays may hold no objects"
        ) from error
