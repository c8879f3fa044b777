"""The SHA-256 of files, computed once for as long as a file stays as it is; those of large files are kept between runs."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from llmfusionbench.errors import InputError
from llmfusionbench.storage.cache import cache_directory
from llmfusionbench.storage.files import sha256, whole_file

KEPT_BYTES: Final = 4 * 2**20
"""Digests of files of at least this size are kept on disk. Those of smaller files are computed faster than they are read."""

Stamp = tuple[int, ...]
"""Size, times of change (of the contents and of the file's entry) and inode: what changes if the file does."""

_known: dict[str, dict[str, tuple[Stamp, str]]] = {}
"""Directory -> name of a file in it -> its stamp and digest."""


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file. Raises OSError if it cannot be read."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def digests(root: Path, names: list[str]) -> dict[str, str]:
    """Name -> SHA-256, in hexadecimal, of files below the directory `root`. Raises OSError if one cannot be read."""
    place = os.path.realpath(root)
    if place not in _known:
        _known[place] = _load(place)
    known, keep = _known[place], False
    for name in names:
        path = root / name
        stamp = stamp_of(path)
        if name not in known or known[name][0] != stamp:
            known[name] = stamp, sha256(path)
            keep |= stamp[0] >= KEPT_BYTES
    if keep:
        _save(place, known)
    return {name: known[name][1] for name in names}


def _note(place: str) -> Path:
    return cache_directory() / "digests" / f"{hashlib.sha256(os.fsencode(place)).hexdigest()[:32]}.json"


def _load(place: str) -> dict[str, tuple[Stamp, str]]:
    """What earlier runs found in a directory; nothing if that is unreadable, or if other users can write it."""
    try:
        note = _note(place)
        if any(_is_shared(path) for path in (note, note.parent)):
            return {}
        entries: Any = json.loads(note.read_text(encoding="utf-8"))
        return {name: (tuple(stamp), digest) for name, (stamp, digest) in entries.items()}
    except (OSError, InputError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _is_shared(path: Path) -> bool:
    """Whether another user owns `path`, or may write it."""
    found = path.stat()
    return hasattr(os, "getuid") and (found.st_uid != os.getuid() or bool(found.st_mode & 0o022))


def _save(place: str, known: dict[str, tuple[Stamp, str]]) -> None:
    """Keep the digests of large files. What cannot be kept is computed again."""
    large = {name: entry for name, entry in list(known.items()) if entry[0][0] >= KEPT_BYTES}
    with suppress(OSError, InputError):
        note = _note(place)
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(note) as file:
            file.write_text(json.dumps(large), encoding="utf-8")
            file.chmod(0o600)
