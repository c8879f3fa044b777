"""What a run keeps of its finished shards, in the store that it writes the release to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmfusionbench.release.shard_store import ShardStore
from llmfusionbench.release.targets import STATE
from llmfusionbench.remote.object_writer import ObjectWriter


class FarShardStore(ShardStore):
    """As `ShardStore`, in a folder of the unfinished release that is named after the settings.

    Args:
        files: The place of the release.
        settings: Digest of what the files of every shard depend on beside its input.
    """

    def __init__(self, files: ObjectWriter, settings: str) -> None:
        self.settings = settings
        self._files, self._folder = files, f"{STATE}/{settings[:16]}"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary directory of this machine."""
        with tempfile.TemporaryDirectory() as path:
            yield Path(path)

    def sees(self) -> list[Path]:
        return []

    def _keep(self, file: Path, name: str) -> None:
        self._files.put(f"{self._folder}/{name}", file)

    def _load(self, name: str) -> bytes | None:
        return self._files.load(f"{self._folder}/{name}")
