"""The tables of a release that is being written, before it has a manifest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow.dataset as ds

from llmfusionbench.release.shard_files import shard_dataset
from llmfusionbench.schema import SIDECARS, TABLES
from llmfusionbench.types import sorted_splits


class UnfinishedRelease:
    """Shards below a directory, as far as they are written. It can be compared with a release.

    Args:
        root: The directory.
        names: The shards, each as `table/split-00000-of-00001.parquet`.
    """

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self.root = root
        self.names = sorted(name for name in names if "/" in name)

    @property
    def tables(self) -> list[str]:
        """The names of its tables, sidecars included."""
        found = {name.partition("/")[0] for name in self.names}
        return [table for table in TABLES + SIDECARS if table in found]

    def table(self, name: str) -> ds.Dataset:
        """A table as a lazy Arrow dataset, with its rows in the order in which the finished release has them."""
        files = [n for n in self.names if n.startswith(f"{name}/")]
        splits = sorted_splits({n.partition("/")[2].split("-")[0] for n in files})
        return shard_dataset([self.root / n for s in splits for n in files if n.startswith(f"{name}/{s}-")], name)
