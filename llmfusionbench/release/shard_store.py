"""What a run keeps of the shards that it has finished, so that the next run does only what is missing or stale.

A receipt is written last. It has the digests of what the shard was made of and of what was made.
"""

from __future__ import annotations

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

from llmfusionbench.storage.files import sha256

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
        try:
            said = json.loads(path.read_bytes())
            receipt = cls(**said)
            sums = [receipt.input, receipt.settings, *receipt.notes.values(), *(e["sha256"] for e in receipt.files.values())]
            return receipt if all(isinstance(text, str) for text in sums) and receipt.finished > 0 else None
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def holds(self, root: Path) -> bool:
        """Whether all its files are below `root` as they were written."""
        return all(_is(root / name, entry["sha256"]) for name, entry in self.files.items())


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
            os.replace(file, self._place(note, shard, "arrow"))

    def read(self, note: str, shard: Named) -> pa.Table | None:
        """The `note` of a shard, if there is one."""
        place = self._place(note, shard, "arrow")
        if not place.is_file():
            return None
        with pa.OSFile(str(place)) as file:
            return pa.ipc.open_file(file).read_all()

    def known(self, note: str, shard: Named) -> pa.Table:
        """The `note` of a shard that is done."""
        rows = self.read(note, shard)
        if rows is None:
            raise AssertionError(f"shard {shard.name} is done, but left no {note}")
        return rows

    def finish(self, shard: Named, digest: str, files: Mapping[str, dict[str, Any]], notes: Sequence[str] = ()) -> None:
        """Record that a shard made of the input with this digest is done, with the entries of its files."""
        digests = {note: sha256(self._place(note, shard, "arrow")) for note in notes}
        receipt = Receipt(digest, self.settings, dict(files), digests, time.time())
        with self.scratch() as scratch:
            file = scratch / "receipt.json"
            file.write_text(json.dumps(asdict(receipt)), encoding="utf-8")
            os.replace(file, self._place(_RECEIPT, shard, "json"))

    def done(self, shard: Named, digest: str, root: Path) -> dict[str, dict[str, Any]] | None:
        """The entries of a shard's files, if it was made of the input with this digest and all is there as it was written.

        Args:
            shard: The shard.
            digest: The digest of its input.
            root: The directory of the release.
        """
        receipt = Receipt.read(self._place(_RECEIPT, shard, "json"))
        if receipt is None or (receipt.input, receipt.settings) != (digest, self.settings):
            return None
        if not all(_is(self._place(note, shard, "arrow"), kept) for note, kept in receipt.notes.items()):
            return None
        return receipt.files if receipt.holds(root) else None

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary directory on the same disk."""
        with tempfile.TemporaryDirectory(dir=self.path, prefix="scratch-") as path:
            yield Path(path)

    def _place(self, note: str, shard: Named, kind: str) -> Path:
        return self.path / f"{note}-{shard.name}.{kind}"


def receipts_in(path: Path) -> Iterator[tuple[str, Receipt]]:
    """The name of a shard and its receipt, of all in the directory of a store that can be read; some may be stale by now."""
    for place in sorted(path.glob(f"{_RECEIPT}-*.json")):
        if (receipt := Receipt.read(place)) is not None:
            yield place.stem.removeprefix(f"{_RECEIPT}-"), receipt


def _is(file: Path, digest: str) -> bool:
    return file.is_file() and sha256(file) == digest
