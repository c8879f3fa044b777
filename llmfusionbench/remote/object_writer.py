"""Files that are written to a store that fsspec knows, each in one step: a reader sees all of a file or none of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from llmfusionbench.errors import InputError
from llmfusionbench.remote import store_errors
from llmfusionbench.remote.object_store import ObjectStore
from llmfusionbench.remote.store_errors import Fault, attempted, said

Result = TypeVar("Result")

_TAGS: Final = ("ETag", "etag", "md5Hash", "crc32c", "content_settings")
"""Where a store states what tells the content of a file from another one."""


@dataclass(frozen=True)
class Stored:
    """What a store states of a file."""

    size: int
    """Bytes."""
    tag: str
    """What changes with the content, such as an ETag; empty if the store states nothing like it."""


class ObjectWriter(ObjectStore):
    """A directory at a URL to write to. It can be pickled.

    A store that is busy (status 429 or 5xx) or loses the connection is asked again after pauses. A large file goes up in
    parts, which the client drops if one of them fails; the file appears with the last.

    Args:
        url: The directory, such as `s3://bucket/path`.
        waits: The pauses, seconds.
        pause: Waits for a number of seconds.

    Raises:
        InputError: the URL cannot be read, or its protocol is not known or cannot be written.
        MissingExtraError: the package for the protocol is not installed.
    """

    def __init__(
        self, url: str, *, waits: tuple[float, ...] | None = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(url)
        self._waits = store_errors.WAITS_S if waits is None else waits
        self._pause = pause

    def put(self, name: str, content: Path | bytes) -> Stored:
        """Write a file: the bytes, or those of a file of this machine. The store then states as many bytes.

        Raises:
            InputError: it cannot be written, or arrives with another size.
        """
        files, root = self.online(name)
        place, size = f"{root}/{name}", len(content) if isinstance(content, bytes) else content.stat().st_size

        def write() -> Stored:
            if isinstance(content, bytes):
                files.pipe_file(place, content)
            else:
                files.put_file(str(content), place)
            files.invalidate_cache()
            return _stored(files.info(place))

        stored = self._try(name, write)
        if stored.size != size:
            raise InputError(
                f"{self.address / name}: has {stored.size:,} bytes after it was written, expected {size:,}. "
                "Remedy: see what else writes there, and run it again"
            )
        return stored

    def load(self, name: str) -> bytes | None:
        """All bytes of a small file; None if it does not exist. Raises InputError if it cannot be read."""
        files, root = self.online(name)

        def read() -> bytes | None:
            try:
                return bytes(files.cat_file(f"{root}/{name}"))
            except FileNotFoundError:
                return None

        return self._try(name, read)

    def about(self, name: str) -> Stored | None:
        """What the store states of a file; None if it does not exist. Raises InputError if the store does not answer."""
        files, root = self.online(name)

        def look() -> Stored | None:
            files.invalidate_cache()
            try:
                return _stored(files.info(f"{root}/{name}"))
            except FileNotFoundError:
                return None

        return self._try(name, look)

    def stored(self, folder: str = "") -> dict[str, Stored]:
        """All files below the directory, or below a folder of it, by name. Raises InputError if they cannot be listed."""
        files, root = self.online(folder)
        place = f"{root}/{folder}" if folder else root

        def look() -> dict[str, Stored]:
            files.invalidate_cache()
            try:
                found: dict[str, Any] = files.find(place, detail=True)
            except FileNotFoundError:
                return {}
            return {path[len(root) + 1 :]: _stored(about) for path, about in found.items() if path.startswith(f"{root}/")}

        return self._try(folder, look)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, if they are there. Raises InputError if that fails."""
        files, root = self.online("")
        for name in names:

            def drop(place: str = f"{root}/{name}") -> None:
                with suppress(FileNotFoundError):
                    files.rm_file(place)

            self._try(name, drop)
        files.invalidate_cache()

    def _try(self, name: str, call: Callable[[], Result]) -> Result:
        where = str(self.address / name if name else self.address)
        return attempted(call, lambda error, fault: _refusal(where, error, fault), self._waits, self._pause)


def _refusal(where: str, error: Exception, fault: Fault) -> InputError:
    again = "run the same command again, which writes only what is missing"
    if fault == "missing":
        return InputError(f"{where}: no such bucket or folder ({said(error)}). Remedy: check the address, or make the bucket")
    if fault == "denied":
        return InputError(f"{where}: the store denies access ({said(error)}). Remedy: check your credentials and rights")
    if fault == "busy":
        return InputError(f"{where}: the store is busy or fails ({said(error)}). Remedy: {again}")
    if fault == "unreachable":
        return InputError(f"{where}: no answer ({said(error)}). Remedy: check the address and the network, then {again}")
    return InputError(f"{where}: cannot be written ({said(error)}). Remedy: choose another --out")


def _stored(about: dict[str, Any]) -> Stored:
    tag = next((str(about[key]) for key in _TAGS if about.get(key)), "")
    return Stored(int(about["size"]), tag.strip('"'))
