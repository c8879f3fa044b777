"""Logs of Inspect, archives or JSON: their headers, which are read first, and their samples, which are read one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.inspect_archive import ZIP, open_archive
from llmfusionbench.builders.reading.inspect_header import Header, read_header
from llmfusionbench.builders.reading.json import Item, read_fields, read_listed
from llmfusionbench.builders.records import Note
from llmfusionbench.errors import InputError

READERS: Final = ("own", "inspect_ai")
_SAMPLES: Final = "samples"
_AHEAD: Final = frozenset({"status", "eval"})
"""Fields of a log that Inspect writes before its samples."""


@dataclass(frozen=True)
class Log:
    """A log, of which the header was read."""

    path: Path
    file: str
    """Its name in messages."""
    header: Header
    ended: bool
    """Whether the run has written its end."""
    has_samples: bool
    """Whether there is a place for samples."""
    loaded: list[dict[str, Any]] | None = field(default=None, repr=False)
    """The samples, if another reader has loaded them."""

    def samples(self) -> Iterator[Item]:
        """The samples with their numbers, one at a time."""
        if self.loaded is not None:
            yield from enumerate(self.loaded)
        elif is_archive(self.path):
            with open_archive(self.path) as archive:
                yield from archive.samples(self.file)
        elif self.has_samples:
            yield from read_listed(self.path, self.file, _SAMPLES)

    def summarised(self) -> int:
        """How many samples the summaries of an archive list; 0 for other logs."""
        if self.loaded is not None or not is_archive(self.path):
            return 0
        with open_archive(self.path) as archive:
            return archive.summarised()


def open_logs(paths: Iterable[tuple[Path, str]], reader: str) -> tuple[list[Log], list[Note]]:
    """(the logs, those of one task id from the latest to the first; what is wrong with the JSON files that are not logs).

    Raises:
        InputError: an archive is damaged, or states no task and model; or `inspect_ai` is asked for and not installed.
    """
    logs: list[Log] = []
    others: list[Note] = []
    for path, file in paths:
        if is_archive(path) or path.suffix == ".eval":
            with open_archive(path) as archive:
                found, ended = archive.header()
            has_samples = True
        else:
            found, has_samples = read_fields(path, file, _SAMPLES, enough=_AHEAD)
            ended = found.get("status") != "started"
        try:
            header = read_header(found)
        except BadRecordError as error:
            message = f"{path}: not a log of Inspect ({error}). Remedy: check the file, or use another source"
            if is_archive(path):
                raise InputError(message) from error
            others.append(Note(file, message))
            continue
        loaded = _loaded(path) if reader == "inspect_ai" else None
        logs.append(Log(path, file, header, ended, has_samples, loaded))
    latest: dict[str, list[Log]] = {}
    for log in logs:
        latest.setdefault(log.header.task_id or log.file, []).append(log)
    return [log for same in latest.values() for log in sorted(same, key=_created, reverse=True)], others


def is_archive(path: Path) -> bool:
    """Whether a file is a zip archive, by its first bytes.

    Raises:
        InputError: it cannot be opened.
    """
    try:
        with open(path, "rb") as file:
            return file.read(len(ZIP)) == ZIP
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}. Remedy: check the path") from error


def _created(log: Log) -> str:
    return log.header.created or ""


def _loaded(path: Path) -> list[dict[str, Any]]:
    """The samples as Inspect's own reader has them."""
    try:
        inspect_ai = import_module("inspect_ai.log")
    except ImportError as error:
        raise InputError("reader=inspect_ai needs that package. Remedy: pip install inspect_ai, or leave it out") from error
    log = inspect_ai.read_eval_log(str(path))
    return [json.loads(sample.model_dump_json(exclude_none=True)) for sample in log.samples or ()]
