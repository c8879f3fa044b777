"""A journal of replies that were paid for, kept in a file as they come, so that no run pays for them twice."""

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
from llmfusionbench.redaction import redacted_data
from llmfusionbench.storage.files import filling

Record = dict[str, Any]
Key = tuple[str, ...]


class Journal:
    """The last record of each key; a new one is a line at the end of the file. A context manager that threads may share.

    Args:
        path: JSONL file, created with the first record; None keeps records in memory only.
        key: Fields of a record that identify it.
        needs: Fields that every record has besides.

    Raises:
        InputError: A line of the file is not such a record. A last line without its end, left by a run that was killed while
            it wrote, is cut off instead.
    """

    def __init__(self, path: Path | None, *, key: Sequence[str], needs: Sequence[str]) -> None:
        self.path, self.key, self.needs = path, tuple(key), tuple(needs)
        self.records: dict[Key, Record] = {} if path is None else self._read(path)
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, record: Record) -> None:
        """Keep a record, without secrets; it is with the operating system when this returns."""
        record = redacted_data(record)
        with self._lock:
            if self.path is not None:
                if self._file is None:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 (closed with the journal)
                # What UTF-8 cannot hold is written as the escape that JSON knows.
                line = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
                with filling(self.path):
                    self._file.write(line)
            self.records[self._key_of(record)] = record

    def _key_of(self, record: Record) -> Key:
        return tuple(str(record[name]) for name in self.key)

    def _read(self, path: Path) -> dict[Key, Record]:
        if not path.exists():
            return {}
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(path, len(whole))
        records: dict[Key, Record] = {}
        for number, line in enumerate(whole.split(b"\n")[:-1], 1):
            try:
                record = json.loads(line)
                missing = [name for name in (*self.key, *self.needs) if name not in record]
                if missing:
                    raise ValueError(f"it lacks {', '.join(missing)}")
                records[self._key_of(record)] = record
            except (ValueError, TypeError, RecursionError) as error:
                why = error if type(error) is ValueError else type(error).__name__
                raise InputError(f"{path} line {number}: not a record of a reply ({why}). Remedy: delete the line") from error
        return records


def request_id(messages: Sequence[Mapping[str, str]], settings: Mapping[str, Any]) -> str:
    """The id of a request: a hash of its conversation and of all settings that the reply depends on."""
    whole = json.dumps([list(map(dict, messages)), dict(settings)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()
