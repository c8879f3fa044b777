"""What a run keeps of the shards that it has finished, so that the next run does only what is missing or stale.

A receipt is written last. It has the digests of what the shard was made of and of what was made.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self

import pyarrow as pa

from llmfusionbench.release.record_values import is_count, is_moment, plain_json
from llmfusionbench.release.targets import Target
from llmfusionbench.storage.markers import marker

STATE: Final = "state"
"""The name of the directory of a store, in that of its run."""
_RECEIPT: Final = "receipt"


class Named(Protocol):
    """A unit of work with a name that no other one of the run has, such as a shard."""

    @property
    def name(self) -> str:
        """For the names of its files."""
        ...


@dataclass(frozen=True)
class Receipt:
    """The completion marker of a shard."""

    input: str
    """Digest of what the shard is made of."""
    settings: str
    """Digest of what else its files depend on: versions and options."""
    files: dict[str, dict[str, Any]]
    """Name -> entry for the manifest (rows, bytes, sha256) of each file of the release."""
    notes: dict[str, str] = field(default_factory=dict)
    """Note -> its SHA-256."""
    finished: float = 0.0
    """When it was done, in seconds since 1970."""

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The receipt in a file; None if there is none, or it is damaged."""
        return cls.parsed(path.read_bytes() if path.is_file() else None)

    @classmethod
    def parsed(cls, data: bytes | None) -> Self | None:
        """The receipt in these bytes; None if there are none, or they are damaged."""
        if data is None:
            return None
        try:
            receipt = cls(**plain_json(data))
        except (ValueError, TypeError, RecursionError):
            return None
        return receipt if receipt._is_whole() else None

    def _is_whole(self) -> bool:
        """Whether all values are of their kinds."""
        if not all(isinstance(named, dict) for named in (self.files, self.notes)):
            return False
        entries = [entry for entry in self.files.values() if isinstance(entry, dict)]
        return (
            len(entries) == len(self.files)
            and all(isinstance(text, str) for text in (self.input, self.settings, *self.notes.values()))
            and all(isinstance(entry.get("sha256"), str) for entry in entries)
            and all(is_count(entry.get(name)) for entry in entries for name in ("rows", "bytes"))
            and is_moment(self.finished)
        )


class ShardStore:
    """The receipts and notes of a run, in files that are written atomically. It can be sent to another process.

    Args:
        path: Its directory, beside that of the release.
        settings: Digest of what the files of every shard depend on beside its input.
    """

    def __init__(self, path: Path, settings: str) -> None:
        self.path = path
        self.settings = settings
        path.mkdir(exist_ok=True)

    def write(self, note: str, shard: Named, rows: pa.Table) -> None:
        """Keep `rows` as the `note` of a shard."""
        with self.scratch() as scratch:
            file = scratch / "rows.arrow"
            with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
                writer.write_table(rows)
            self._keep(file, f"{note}-{shard.name}.arrow")

    def read(self, note: str, shard: Named) -> pa.Table | None:
        """The `note` of a shard, if there is one."""
        data = self._load(f"{note}-{shard.name}.arrow")
        return None if data is None else pa.ipc.open_file(pa.BufferReader(data)).read_all()

    def known(self, note: str, shard: Named) -> pa.Table:
        """The `note` of a shard that is done."""
        rows = self.read(note, shard)
        if rows is None:
            raise AssertionError(f"shard {shard.name} is done, but left no {note}")
        return rows

    def finish(self, shard: Named, digest: str, files: Mapping[str, dict[str, Any]], notes: Sequence[str] = ()) -> None:
        """Record that a shard made of the input with this digest is done, with the entries of its files."""
        digests = {note: digest_of_note for note in notes if (digest_of_note := self._digest(note, shard)) is not None}
        receipt = Receipt(digest, self.settings, dict(files), digests, time.time())
        with self.scratch() as scratch:
            file = scratch / "receipt.json"
            file.write_text(json.dumps(asdict(receipt)), encoding="utf-8")
            self._keep(file, f"{_RECEIPT}-{shard.name}.json")

    def done(self, shard: Named, digest: str, target: Target) -> dict[str, dict[str, Any]] | None:
        """The entries of a shard's files, if it was made of the input with this digest and all is there as it was written.

        Args:
            shard: The shard.
            digest: The digest of its input.
            target: Where its files are.
        """
        receipt = Receipt.parsed(self._load(f"{_RECEIPT}-{shard.name}.json"))
        if receipt is None or (receipt.input, receipt.settings) != (digest, self.settings):
            return None
        if any(self._digest(note, shard) != kept for note, kept in receipt.notes.items()):
            return None
        return receipt.files if all(target.has(name, entry) for name, entry in receipt.files.items()) else None

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary directory on the same disk."""
        with tempfile.TemporaryDirectory(dir=self.path, prefix="scratch-") as path:
            yield Path(path)

    def sees(self) -> list[Path]:
        """Files that a worker must find to use it; see `Engine.run`."""
        return [marker(self.path)]

    def _digest(self, note: str, shard: Named) -> str | None:
        data = self._load(f"{note}-{shard.name}.arrow")
        return None if data is None else hashlib.sha256(data).hexdigest()

    def _keep(self, file: Path, name: str) -> None:
        os.replace(file, self.path / name)

    def _load(self, name: str) -> bytes | None:
        place = self.path / name
        return place.read_bytes() if place.is_file() else None


def receipts_in(path: Path) -> Iterator[tuple[str, Receipt]]:
    """The name of a shard and its receipt, of all in the directory of a store that can be read; some may be stale by now."""
    for place in sorted(path.glob("*.json")):
        if (shard := shard_of(place.name)) is not None and (receipt := Receipt.read(place)) is not None:
            yield shard, receipt


def shard_of(name: str) -> str | None:
    """The shard that a file in the directory of a store is the receipt of; None for another file."""
    start, end = f"{_RECEIPT}-", ".json"
    return name.removeprefix(start).removesuffix(end) if name.startswith(start) and name.endswith(end) else None
