"""Copies of files at URLs: one file, all files of a directory, or those that a pattern with `*` names."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from llmfusionbench.errors import InputError
from llmfusionbench.redaction import HIDDEN, public_url
from llmfusionbench.remote import store_errors
from llmfusionbench.remote.object_store import ObjectStore
from llmfusionbench.remote.store_errors import Fault, attempted, said
from llmfusionbench.storage.files import filling
from llmfusionbench.types import Progress

Result = TypeVar("Result")

MOST_FILES: Final = 100_000
"""Largest number of files of one directory or pattern."""

Origin = tuple[int, str]
"""The file system of fsspec, as its hash, and the path of a file in it."""

_WEB: Final = ("http", "https")
_PART: Final = re.compile(r"[^/\\\x00]{1,255}")


@dataclass(frozen=True)
class _Found:
    path: str
    """The path in the file system of fsspec."""
    name: str
    """Where the copy is, below the root."""
    size: int | None
    """Bytes; None if the server does not state it."""


def fetch(
    url: str,
    root: Path,
    tell: Progress,
    *,
    beside: Sequence[str] = (),
    taken: dict[str, Origin] | None = None,
    waits: tuple[float, ...] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Copy what is at a URL to below `root`, as `protocol/bucket/path`.

    Args:
        url: A file, a directory, or a pattern of files with `*` within names and `**` across folders. On web servers, a file.
        root: An existing directory.
        tell: Called as tell(stage, done, total).
        beside: Names of files that are copied, too, where they stand beside a file that is.
        taken: Place below `root` of each copy of other URLs -> what it is a copy of; those of this one are added.
        waits: Pauses before further attempts, seconds.
        pause: Waits for a number of seconds.

    Returns:
        The copy of the file or of the directory, or of all that fits the pattern, sorted.

    Raises:
        InputError: it does not exist, cannot be read, is larger than the free room of the disk, or has a name that leads
            elsewhere or is that of another file in `taken`; or the URL cannot be read.
        MissingExtraError: the package for the protocol is not installed.
    """
    store = ObjectStore(_spelt(url))
    shown = str(store.address)
    files, place = store.online()
    protocol = store.url.partition("://")[0]
    all_waits = store_errors.WAITS_S if waits is None else waits

    def attempt(call: Callable[[], Result]) -> Result:
        files.invalidate_cache()
        return attempted(call, lambda error, fault: _refusal(shown, error, fault), all_waits, pause)

    tops = [place] if protocol in _WEB or "*" not in place else attempt(lambda: _fitting(files, place))
    copies: list[Path] = []
    wanted: dict[str, _Found] = {}
    for top in tops:
        found = attempt(lambda top=top: list(_listed(files, top, protocol, beside)))  # type: ignore[misc]
        wanted |= {one.name: one for one in found}
        if found:
            copies.append(root / _name(top, protocol))
    if not wanted:
        raise InputError(f"{shown}: no such file. Remedy: check the address")
    _check(wanted.values(), shown, root)
    _take({} if taken is None else taken, wanted, hash(files), shown)
    for done, one in enumerate(wanted.values(), start=1):
        target = root / one.name
        with filling(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            attempt(lambda one=one, target=target: files.get_file(one.path, str(target)))  # type: ignore[misc]
        if one.size is not None and target.stat().st_size != one.size:
            raise InputError(
                f"{shown}: {target.name} arrived with {target.stat().st_size:,} bytes, expected {one.size:,}. "
                "Remedy: try again once nothing writes there"
            )
        tell("files fetched", done, len(wanted))
    return copies


def _spelt(url: str) -> str:
    """The URL with its protocol in small letters, as fsspec has it."""
    protocol, mark, rest = url.partition("://")
    return protocol.lower() + mark + rest


def _fitting(files: Any, pattern: str) -> list[str]:
    """The paths of the files that fit a pattern; those of the folders where it fits no file."""
    found = files.glob(pattern, detail=True)
    inside = [path for path, about in found.items() if about.get("type") != "directory" and not path.endswith("/")]
    return sorted(inside or found)


def _listed(files: Any, top: str, protocol: str, beside: Sequence[str]) -> Iterator[_Found]:
    """The file at a path and those beside it, or all files below the path."""
    if protocol in _WEB:
        about = files.info(top)
        yield _Found(top, _name(top, protocol), about.get("size"))
        return
    found = files.find(top, detail=True)
    if list(found) == [top]:
        for name in beside:
            with suppress(FileNotFoundError):
                path = f"{top.rpartition('/')[0]}/{name}"
                found[path] = files.info(path)
    for path, about in found.items():
        if not path.endswith("/") and about.get("type") != "directory":  # a store may keep an empty object for a folder
            yield _Found(path, _name(path, protocol), about.get("size"))


def _name(path: str, protocol: str) -> str:
    """Where the copy of a path is, below the root. Raises InputError if a part of it is not a plain name."""
    if protocol in _WEB:
        if (shown := public_url(path)) == HIDDEN:
            raise InputError(f"{HIDDEN}: it is not clear which part is secret. Remedy: write @ in its path and query as %40")
        parts = urlsplit(shown)
        path = f"{parts.netloc}/{unquote(parts.path).strip('/')}"
    names = path.strip("/").split("/")
    for name in names:
        if _PART.fullmatch(name) is None or name in (".", "..") or len(os.fsencode(name)) > 255:
            raise InputError(f"{protocol}://{path}: {name!r} cannot be the name of a file. Remedy: name other files")
    return "/".join([protocol, *names])


def _check(found: Collection[_Found], shown: str, root: Path) -> None:
    """Raise InputError if the files are too many or too large."""
    total, count = sum(one.size or 0 for one in found), len(found)
    if count > MOST_FILES:
        raise InputError(f"{shown}: {count:,} files, expected at most {MOST_FILES:,}. Remedy: name fewer of them")
    if total > (free := shutil.disk_usage(root).free):
        raise InputError(
            f"{shown}: {total:,} bytes, and {free:,} are free in {root.parent}. Remedy: set TMPDIR to a larger disk"
        )


def _take(taken: dict[str, Origin], found: Mapping[str, _Found], files: int, shown: str) -> None:
    """Add what is copied to `taken`. Raises InputError if two files, or a file and a folder, would have one place."""
    for name, one in found.items():
        if taken.setdefault(name, (files, one.path)) != (files, one.path):
            raise InputError(
                f"{shown}: another input has the same address but for its query, user or host. "
                "Remedy: copy the files to a directory under other names, and name that"
            )
    folders = {str(parent) for name in taken for parent in PurePosixPath(name).parents}
    if (clash := next((name for name in taken if name in folders), None)) is not None:
        raise InputError(f"{shown}: has a file and a folder of one name ({PurePosixPath(clash).name}). Remedy: name files")


def _refusal(where: str, error: Exception, fault: Fault) -> InputError:
    if fault == "missing":
        return InputError(f"{where}: no such file. Remedy: check the address")
    if fault == "denied":
        return InputError(f"{where}: the store denies access ({said(error)}). Remedy: check your credentials and rights")
    if fault == "unreachable":
        return InputError(f"{where}: no answer ({said(error)}). Remedy: check the address and the network, then try again")
    return InputError(f"{where}: cannot be read ({said(error)}). Remedy: try again later")
