"""Kinds of directories that this package writes, and how to recognise them."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from llmfusionbench._version import NAME
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import sha256
from llmfusionbench.storage.repeats import repeated

CARD: Final = "README.md"
"""Name of the page for people in a directory that we write."""
CROISSANT: Final = "croissant.json"
"""Name of the description for machines in a published release."""
EVAL_YAML: Final = "eval.yaml"
"""Name of the description of a published release as a benchmark."""


@dataclass(frozen=True)
class DirectoryKind:
    """A kind of directory that this package writes, such as a release."""

    name: str
    """What to call it in messages."""
    contents: Callable[[Path], Collection[str]]
    """The names of all files of a directory of this kind, from its own account. Raises ValueError, which says why, for another
    directory."""

    def is_one(self, place: Path) -> bool:
        """Whether a directory is of this kind."""
        try:
            self.contents(place)
        except (ValueError, OSError):
            return False
        return True


def check_place(place: Path, kind: DirectoryKind, *, overwrite: bool) -> None:
    """Raise InputError unless `place` is free, an empty directory, or one of this kind and no more, to overwrite.

    The directory that this process works in is refused: it is replaced as a whole, and the process would be left in none.
    """
    if place.is_dir() and place.samefile(os.curdir):
        raise InputError(f"{place}: is the directory that this command runs in. Remedy: choose another --out")
    if not os.path.lexists(place) or (place.is_dir() and not any(place.iterdir())):
        return
    try:
        other = _other(place, kind)
    except (ValueError, OSError) as error:
        raise InputError(
            f"{place}: exists and is not a {kind.name} ({_why(error)}), expected a new or empty directory. "
            "Remedy: choose another --out"
        ) from error
    if not overwrite:
        raise InputError(f"{place}: a {kind.name} is there already. Remedy: add --overwrite, or choose another --out")
    if other is not None:
        raise InputError(
            f"{place}: holds {other}, which is not part of the {kind.name} as it was written. "
            "Remedy: move it away, or choose another --out"
        )


def _other(place: Path, kind: DirectoryKind) -> str | None:
    """The first file in a directory of this kind that is not part of it. Raises as `kind.contents`."""
    while True:
        listed = kind.contents(place)
        other = next(unlisted(place, listed), None)
        if other is None or kind.contents(place) == listed:  # else another run has replaced the directory meanwhile
            return other


def check_file(out: Path, *, overwrite: bool, inputs: Iterable[str | os.PathLike[str]] = (), option: str = "--out") -> None:
    """Raise InputError if a file must not be written to `out`: it lies in an input, or one is there already.

    `option` is what the remedy calls it.
    """
    place = Path(os.path.realpath(out))
    for named in inputs:
        source = Path(os.path.realpath(named))
        if place == source or source in place.parents:
            raise InputError(f"{out}: is an input, or lies in one ({named}). Remedy: choose another file")
    if os.path.lexists(place) and not place.is_file():
        raise InputError(f"{out}: exists and is not a file. Remedy: choose another {option}")
    if place.exists() and not overwrite:
        raise InputError(f"{out}: is there already. Remedy: add --overwrite, or choose another {option}")


def check_inputs(out: Path, inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Raise InputError if an input lies in the directory to write, or that directory in an input."""
    for named in inputs:
        place = Path(os.path.realpath(named))
        if out in place.parents:
            raise InputError(f"{out}: holds the input {named}. Remedy: choose another --out")
        if place in out.parents and place.is_dir():
            raise InputError(f"{out}: lies in the input {named}. Remedy: choose an --out outside it")


def unlisted(place: Path, listed: Collection[str]) -> Iterator[str]:
    """What is in a directory besides the listed files and their folders; links are not followed, and are not files."""
    folders = {str(parent) for name in listed for parent in PurePosixPath(name).parents}
    waiting = [place]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                name = Path(entry.path).relative_to(place).as_posix()
                if entry.is_dir(follow_symlinks=False) and name in folders:
                    waiting.append(Path(entry.path))
                elif name not in listed or not entry.is_file(follow_symlinks=False):
                    yield name


def stated_in(marker: str, version: str, newest: str, *, besides: Iterable[str] = ()) -> Callable[[Path], Collection[str]]:
    """The `contents` of a kind of directory whose file `marker` is a JSON object with its format's version and its files.

    Args:
        marker: Name of the file. It says `"tool": {"name": "llmfusionbench"}` and, by name, all other `"files"`, and has the
            SHA-256 of the card among these, or as its `"card"`.
        version: The key of the format's version, `major.minor`.
        newest: The newest version of the format that is known.
        besides: Names of files that every such directory has, and `marker` does not state.
    """

    def contents(place: Path) -> Collection[str]:
        said = read_marker(place / marker)
        tool, number, files = said.get("tool"), said.get(version), said.get("files")
        if not isinstance(tool, dict) or tool.get("name") != NAME or not isinstance(files, dict):
            raise ValueError(f"its {marker} is not one of {NAME}")
        match = re.fullmatch(r"(\d{1,9})\.\d{1,9}", number) if isinstance(number, str) else None
        if match is None or not 1 <= int(match[1]) <= int(newest.split(".")[0]):
            raise ValueError(f"its {marker} has {version} {number!r:.40}, and {newest} is the newest known here")
        return {marker, *besides, *files} - ({CARD} if was_edited(place / CARD, files.get(CARD, said.get("card"))) else set())

    return contents


def was_edited(card: Path, entry: object) -> bool:
    """Whether a user has written into a card since we wrote it."""
    return card.is_file() and isinstance(entry, dict) and "sha256" in entry and sha256(card) != entry["sha256"]


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if twice := repeated(name for name, _ in pairs):
        raise ValueError(f"the key {twice[0]!r} is given twice")
    return dict(pairs)


def read_marker(path: Path) -> dict[str, Any]:
    """The JSON object in a file by which a directory is recognised. Raises ValueError for anything else; follows no link."""
    if not os.path.lexists(path):
        raise ValueError(f"it has no {path.name}")
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ValueError(f"its {path.name} is not a file")
        said = json.loads(path.read_bytes(), object_pairs_hook=_each_once)
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"its {path.name} cannot be read: {_why(error)}") from error
    if not isinstance(said, dict):
        raise ValueError(f"its {path.name} is not a JSON object")
    return said


def has_fields(path: Path, names: Iterable[str]) -> bool:
    """Whether a file is a JSON object with these fields, or does not exist: then it can be replaced by another such."""
    if not os.path.lexists(path):
        return True
    try:
        return set(names) <= set(read_marker(path))
    except ValueError:
        return False


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)[:200]
