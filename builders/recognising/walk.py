"""What inputs stand for: files as they are, and in a directory the files of data, the releases and the runs below it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llmfusionbench.builders.reading.run_files import QUERIES, RUN
from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST

MOST: Final = 2_000
"""The most files of a directory whose content is looked at."""
MOST_NAMES: Final = 200_000
"""The most files that a directory may have."""
_ENDINGS: Final = (
    ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".pq", ".eval", ".npz", ".pkl", ".pickle",
)  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A file, a release or a run among the inputs."""

    path: Path
    within: Path | None
    """The directory that stands for it; None if the user named the file itself."""


def walk(inputs: Sequence[Path]) -> tuple[list[Named], int]:
    """(what to look at, each path once, the number of files that are left since a directory has too many).

    A directory with a manifest is a release, and one with the files of a run is a run. In others, hidden files and links to
    directories are not followed, and only files with an ending of data count.

    Raises:
        InputError: an input does not exist, a directory cannot be read, or it has no file of data or too many files.
    """
    found: dict[Path, Named] = {}
    left = 0
    for place in inputs:
        if not place.is_dir():
            if not place.is_file():
                raise InputError(f"{place}: {'not a file' if place.exists() else 'no such file'}. Remedy: check the path")
            found.setdefault(place, Named(place, None))
            continue
        if (place / MANIFEST).is_file() or is_run(place):
            found.setdefault(place, Named(place, None))
            continue
        inside = sorted(_below(place))
        if not inside:
            raise InputError(
                f"{place}: no file of data in it ({', '.join(_ENDINGS)}). Remedy: check the path, or name the files"
            )
        left += max(0, len(inside) - MOST)
        for path in inside[:MOST]:
            found.setdefault(path, Named(path, place))
    return list(found.values()), left


def is_run(place: Path) -> bool:
    """Whether a directory is a run of `llmfusionbench collect`."""
    return (place / RUN).is_file() and (place / QUERIES).is_file()


def _below(place: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: {error.strerror}. Remedy: check its permissions") from error

    seen = 0
    for folder, folders, names in os.walk(place, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if folder != str(place) and (MANIFEST in names or {RUN, QUERIES} <= {*names}):
            folders.clear()
            yield Path(folder)
            continue
        seen += len(names)
        if seen > MOST_NAMES:
            raise InputError(f"{place}: more than {MOST_NAMES:,} files in it. Remedy: name a directory with fewer files")
        for name in names:
            bare = name.lower().removesuffix(".gz").removesuffix(".zst")
            if not name.startswith(".") and bare.endswith(_ENDINGS):
                yield Path(folder, name)
