"""The files that the inputs of a build stand for, and what its manifest states of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from llmfusionbench.builders.reading.fetched import origin
from llmfusionbench.builders.reading.file_names import files_in, labelled
from llmfusionbench.builders.records import Source
from llmfusionbench.builders.sources.release import Release as ReleaseSource
from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.storage.files import sha256


def files_of(reader: Source, named: Sequence[Path]) -> list[Path]:
    """The files to read: those named, and in a directory those that the source knows by their names, each once.

    Raises:
        InputError: a path is not a file, or a directory holds nothing that the source reads.
    """
    patterns: Sequence[str] = getattr(reader, "FILES", ())
    files: dict[Path, None] = {}
    for place in named:
        if isinstance(reader, ReleaseSource) and place.is_dir():
            if not (place / MANIFEST).is_file():
                raise InputError(f"{place}: not a release, it has no {MANIFEST}. Remedy: name the directory of a release")
            files[place / MANIFEST] = None
        elif patterns and place.is_dir():
            files |= dict.fromkeys(files_in(place, patterns))
        else:
            files[place] = None
    return _checked(list(files))


def described(reader: Source, paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """name, bytes and sha256 of each file, as far as it was read; and its URL, if it was read from one."""
    for path, name in labelled(paths):
        size = reader.taken(path) if hasattr(reader, "taken") else path.stat().st_size
        url = origin(path)
        yield {"name": name, "bytes": size, "sha256": sha256(path, size)} | ({} if url is None else {"url": url})


def _checked(paths: list[Path]) -> list[Path]:
    for path in paths:
        if not path.is_file():
            there = "a directory, expected the files in it" if path.is_dir() else "not a file"
            what = there if path.exists() else "no such file"
            raise InputError(f"{path}: {what}. Remedy: check the path")
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{path}: the file name is not valid UTF-8. Remedy: rename the file") from error
    return paths
