"""The files of a release elsewhere as a file system of Arrow, which reads them by ranges."""

from __future__ import annotations

import atexit
import ctypes
import io
import time
import weakref
from typing import Any, Final, NoReturn

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSystemHandler, FileType, PyFileSystem

from llmfusionbench.remote.files import SMALL_BYTES, RemoteFiles

_FOOTER_READ: Final = 2**16
"""Bytes at the end of a file that Arrow reads to find the footer."""

_LET_GO_S: Final = 2.0
"""Longest time to wait at the end of the process until Arrow has let go of its files, seconds."""

_lent: list[weakref.ref[_File | memoryview]] = []
"""What Arrow has not let go of, and some that it has: open files, and the bytes that were read from them. The references have
no callbacks: where one is dead, the thread that let go runs no more of Python, which a callback would."""

_many = 256
"""Number of references at which the dead ones are dropped."""


def arrow_files(files: RemoteFiles) -> PyFileSystem:
    """A file system for reading whose paths are the names of the files.

    It is never freed. Arrow lets go of it in threads of its own, also after Python's end, when the last one to let go would
    need Python and abort.
    """
    system = PyFileSystem(_Handler(files))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(system))
    return system


class _Handler(FileSystemHandler):  # type: ignore[misc]  # pyarrow has no types
    def __init__(self, files: RemoteFiles) -> None:
        self.files = files

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Handler) and other.files is self.files

    __hash__ = None  # type: ignore[assignment]

    def get_type_name(self) -> str:
        return "llmfusionbench"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[FileInfo]:
        return [
            FileInfo(p, FileType.File, size=self.files.size(p)) if p in self.files.entries else FileInfo(p, FileType.NotFound)
            for p in paths
        ]

    def open_input_file(self, path: str) -> pa.PythonFile:
        return pa.PythonFile(_File(self.files, path), mode="r")

    open_input_stream = open_input_file

    def _refused(self, *_: Any) -> NoReturn:
        raise NotImplementedError("files of a release elsewhere can be opened and read, no more")

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refused
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refused


class _File(io.RawIOBase):
    """One open file. Arrow calls it from one thread at a time.

    What Arrow reads first is the end of the file, of which it uses the footer alone. The bytes before the footer are not
    fetched for that: they are zeros.
    """

    def __init__(self, files: RemoteFiles, name: str) -> None:
        self._files, self._name = files, name
        _lend(self)
        self._size, self._at, self._is_new = files.size(name), 0, True

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, size: int = -1) -> memoryview:  # bytes take no weak references
        data = memoryview(self._read(size))
        _lend(data)
        return data

    def _read(self, size: int) -> bytes:
        start, end = self._at, self._size if size < 0 else min(self._at + size, self._size)
        first, self._is_new, self._at = self._is_new, False, max(start, end)
        if first and end == self._size > SMALL_BYTES and end - start == _FOOTER_READ:
            tail = self._files.tail(self._name)
            return bytes(max(0, _FOOTER_READ - len(tail))) + tail[-_FOOTER_READ:]
        return self._files.read(self._name, start, end)


def _lend(what: _File | memoryview) -> None:
    global _many
    _lent.append(weakref.ref(what))
    if len(_lent) > _many:
        _lent[:] = [reference for reference in _lent if reference() is not None]
        _many = max(256, 2 * len(_lent))


@atexit.register
def _wait_until_let_go() -> None:
    """Arrow lets go of what it read in threads of its own, just after the rows are there. After the end, it would abort."""
    limit = time.monotonic() + _LET_GO_S
    while any(reference() is not None for reference in _lent) and time.monotonic() < limit:
        time.sleep(0.002)
