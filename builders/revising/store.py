"""The notes that a run keeps on each shard of the release that it revises."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from llmfusionbench.release.shards import Shard
from llmfusionbench.storage.files import sha256


class Store:
    """The notes of a run, in files that are written atomically. It can be sent to another process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)

    def write(self, note: str, shard: Shard, rows: pa.Table) -> None:
        """Keep `rows` as the `note` of a shard."""
        with self.scratch() as scratch:
            file = scratch / "rows.arrow"
            with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
                writer.write_table(rows)
            os.replace(file, self._place(note, shard, "arrow"))

    def read(self, note: str, shard: Shard) -> pa.Table | None:
        """The `note` of a shard, if there is one."""
        place = self._place(note, shard, "arrow")
        if not place.is_file():
            return None
        with pa.OSFile(str(place)) as file:
            return pa.ipc.open_file(file).read_all()

    def write_receipt(self, shard: Shard, entries: dict[str, dict[str, Any]], notes: Sequence[str]) -> None:
        """Record that a shard is done, with the entries of its files and the digests of its notes."""
        digests = {note: sha256(self._place(note, shard, "arrow")) for note in notes}
        with self.scratch() as scratch:
            file = scratch / "receipt.json"
            file.write_text(json.dumps({"files": entries, "notes": digests}), encoding="utf-8")
            os.replace(file, self._place("receipt", shard, "json"))

    def receipt(self, shard: Shard) -> dict[str, dict[str, Any]] | None:
        """The entries of the files of a shard that is done, and whose notes are there as they were written."""
        place = self._place("receipt", shard, "json")
        if not place.is_file():
            return None
        said = json.loads(place.read_text(encoding="utf-8"))
        for note, digest in said["notes"].items():
            kept = self._place(note, shard, "arrow")
            if not kept.is_file() or sha256(kept) != digest:
                return None
        entries: dict[str, dict[str, Any]] = said["files"]
        return entries

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary directory on the same disk."""
        with tempfile.TemporaryDirectory(dir=self.path, prefix="scratch-") as path:
            yield Path(path)

    def _place(self, note: str, shard: Shard, kind: str) -> Path:
        return self.path / f"{note}-{shard.name}.{kind}"
