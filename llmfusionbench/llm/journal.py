"""Replies that were paid for, kept in a file as they come, so that no run pays for them twice."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from llmfusionbench.errors import InputError


class Journal:
    """Request -> text of its reply; every new one is a line at the end of the file. A context; threads may share it.

    Args:
        path: JSONL file, made when the first reply comes; None keeps nothing.

    Raises:
        InputError: the file holds something else.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._known: dict[str, str] = {} if path is None else _read(path)
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def get(self, request: str) -> str | None:
        """The reply to a request, if there is one."""
        return self._known.get(request)

    def add(self, request: str, text: str, **more: object) -> None:
        """Keep a reply; it is with the operating system when this returns."""
        if self.path is None:
            return
        line = json.dumps({"request": request, "text": text, **more}, sort_keys=True) + "\n"
        with self._lock:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 (closed with the journal)
            self._file.write(line.encode())
            self._known[request] = text


def request_id(messages: Sequence[Mapping[str, str]], settings: Mapping[str, Any]) -> str:
    """What a request is known by: its conversation and all settings that the reply depends on."""
    whole = json.dumps([list(map(dict, messages)), dict(settings)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _read(path: Path) -> dict[str, str]:
    """The replies of a file. A last line without its end, left by a run that was killed as it wrote, is cut off."""
    if not path.exists():
        return {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    known: dict[str, str] = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            record = json.loads(line)
            request, text = record["request"], record["text"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path} line {number}: no record of a reply ({error}). Remedy: remove the file") from error
        known[str(request)] = str(text)
    return known
