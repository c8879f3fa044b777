"""The record of a run that can be resumed, in its hidden directory: what is made, since when, how far it is, how it ended."""

from __future__ import annotations

import glob
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from llmfusionbench.engines.engine import unit_of
from llmfusionbench.redaction import redacted_data, redacted_message, redacted_traceback
from llmfusionbench.release.record_values import is_count, is_moment, plain_json
from llmfusionbench.storage.command_line import command_line
from llmfusionbench.storage.files import whole_file

READING: Final = "reading"
WRITING: Final = "writing shards"
FINISHING: Final = "finishing"
LOG: Final = "failure.log"
"""The file with the traceback of the error that has ended the run."""
RECORD: Final = "run.json"
"""The file of the record."""
_WORK: Final = re.compile(r"\.[0-9a-f]{16}\.work")


@dataclass(frozen=True)
class Ending:
    """How a run ended before it was done."""

    at: float
    """Seconds since 1970."""
    stopped: bool
    """Whether the user stopped it; otherwise it failed."""
    reason: str
    shard: str | None = None
    """The shard that failed, if it was one."""


@dataclass(frozen=True)
class RunFacts:
    """What the record states. Nothing in it is secret."""

    command: str
    options: dict[str, Any]
    started: float
    """Seconds since 1970."""
    host: str
    pid: int
    directory: str | None
    """Where the command was given, which relative paths in it depend on; None if it was removed."""
    line: str | None
    """The command line; None if a Python program has made the call."""
    stage: str = READING
    settings: str | None = None
    """Digest of what all shards depend on, once it is known."""
    shards: dict[str, int] = field(default_factory=dict)
    """Split -> number of its shards, once they are known."""
    writing: float | None = None
    """When the shards were begun, in seconds since 1970."""
    ending: Ending | None = None

    @classmethod
    def read(cls, work: Path) -> Self | None:
        """The record in the directory of a run; None if there is none that can be read."""
        try:
            return cls.parsed((work / RECORD).read_bytes())
        except OSError:
            return None

    @classmethod
    def parsed(cls, data: bytes | None) -> Self | None:
        """The record in these bytes; None if there are none, or they are damaged."""
        if data is None:
            return None
        try:
            said = plain_json(data)
            ending = said.pop("ending")
            facts = cls(**said, ending=None if ending is None else Ending(**ending))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return facts if facts._is_whole() else None

    def _is_whole(self) -> bool:
        """Whether all values are of their kinds."""
        texts, ends = (self.command, self.host, self.stage), self.ending
        return (
            all(isinstance(text, str) for text in texts)
            and all(isinstance(text, str | None) for text in (self.directory, self.line, self.settings))
            and isinstance(self.options, dict)
            and is_moment(self.started)
            and is_count(self.pid)
            and isinstance(self.shards, dict)
            and all(map(is_count, self.shards.values()))
            and (self.writing is None or is_moment(self.writing))
            and (ends is None or (is_moment(ends.at) and isinstance(ends.stopped, bool)))
            and (ends is None or (isinstance(ends.reason, str) and isinstance(ends.shard, str | None)))
        )


class RunRecord:
    """Keeps the record of a run in its directory `work`, from its beginning on."""

    def __init__(self, work: Path, command: str, options: Mapping[str, Any]) -> None:
        self.work = work
        plain = redacted_data(json.loads(json.dumps(dict(options), default=str)))
        facts = RunFacts(command, plain, time.time(), socket.gethostname(), os.getpid(), _directory(), command_line())
        self._said: dict[str, Any] = asdict(facts)
        (work / LOG).unlink(missing_ok=True)
        self._write()

    def begin_shards(self, settings: str, shards: Mapping[str, int]) -> None:
        """Record that the shards are being written: the digest of what all depend on, and their number by split."""
        self._said |= {"stage": WRITING, "settings": settings, "shards": dict(shards), "writing": time.time()}
        self._write()

    def enter(self, stage: str) -> None:
        """Record that the run is at another stage."""
        self._said["stage"] = stage
        self._write()

    def end(self, error: BaseException) -> None:
        """Record the error that ends the run, and its traceback. A full disk takes no record."""
        first = next(iter(str(error).splitlines()), "") or type(error).__name__
        stopped = not isinstance(error, Exception)
        reason = "stopped by the user" if stopped else redacted_message(first)
        self._said["ending"] = asdict(Ending(time.time(), stopped, reason, None if stopped else _shard(error)))
        with suppress(OSError):
            with whole_file(self.work / LOG) as log:
                log.write_text(redacted_traceback(error), encoding="utf-8", errors="backslashreplace")
            self._keep(self.work / LOG)
            self._write()

    def _write(self) -> None:
        with whole_file(self.work / RECORD) as file:
            file.write_text(json.dumps(self._said), encoding="utf-8")
        self._keep(self.work / RECORD)

    def _keep(self, file: Path) -> None:
        """Called with each file that was written."""


def works_of(out: Path) -> Iterator[Path]:
    """The hidden directories of runs that make `out`, by name."""
    for path in sorted(out.parent.glob(f".{glob.escape(out.name)}.*.work")):
        if _WORK.fullmatch(path.name.removeprefix(f".{out.name}")) and path.is_dir() and not path.is_symlink():
            yield path


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _shard(error: BaseException) -> str | None:
    unit = unit_of(error)
    return None if unit is None else unit.removeprefix("shard ")
