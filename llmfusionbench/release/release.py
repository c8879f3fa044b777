"""A release opened for reading: lazy tables, and the matrices that routers work on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from llmfusionbench.errors import ReleaseError, UnknownNameError
from llmfusionbench.manifest import read_manifest
from llmfusionbench.release.info import ReleaseInfo
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.schema import SIDECARS, TABLES, table_schema
from llmfusionbench.types import sorted_splits

if TYPE_CHECKING:
    import pandas as pd

    from llmfusionbench.release.torch_data import TableDataset


class Release:
    """A release directory.

    Raises:
        ReleaseError: `path` is not a release, or its manifest cannot be read.
        SchemaError: it has a newer major version of the schemas.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.manifest: dict[str, Any] = read_manifest(self.path)

    def __repr__(self) -> str:
        rows = sum(s["rows"] for s in self.manifest["tables"].get("responses", {"splits": {}})["splits"].values())
        return f"Release({str(self.path)!r}, {rows:,} responses, splits {', '.join(self.splits)})"

    @cached_property
    def splits(self) -> list[str]:
        """The splits of its queries, `train` first."""
        return sorted_splits(self.manifest["tables"].get("queries", {"splits": {}})["splits"])

    @cached_property
    def tables(self) -> list[str]:
        """The names of its tables, sidecars included."""
        return [t for t in TABLES + SIDECARS if t in self.manifest["tables"]]

    @property
    def provenance(self) -> list[str]:
        """Where its rows come from: those of `collected`, `imported` and `simulated` that occur."""
        return list(self.manifest.get("provenance", []))

    def files(self, table: str, split: str | None = None) -> list[Path]:
        """The shards of a table, in order. Raises UnknownNameError for an unknown table or split."""
        if table not in self.tables:
            raise UnknownNameError("table", table, self.tables)
        splits = self.manifest["tables"][table]["splits"]
        if split is not None and split not in splits:
            raise UnknownNameError(f"split of {table}", split, splits)
        wanted = sorted_splits(splits) if split is None else [split]
        names = sorted(self.manifest["files"])
        return [self.path / n for s in wanted for n in names if n.startswith(f"{table}/{s}-")]

    def table(self, name: str, split: str | None = None) -> ds.Dataset:
        """A table as a lazy Arrow dataset: `.to_table(columns=, filter=)`, `.count_rows()`, `.to_batches()`.

        Column choices and row filters are pushed down to the files.

        Args:
            name: One of `tables`.
            split: All splits by default.

        Raises:
            UnknownNameError: unknown table or split.
            ReleaseError: a shard that the manifest lists is missing.
        """
        files = self.files(name, split)
        for file in files:
            if not file.is_file():
                raise ReleaseError(f"{file}: no such file, though the manifest lists it. Remedy: build or download it again")
        return ds.dataset([os.path.abspath(f) for f in files], schema=table_schema(name).arrow, format="parquet")

    def to_pandas(self, name: str, split: str | None = None, columns: list[str] | None = None) -> pd.DataFrame:
        """A table as a pandas frame. For polars, pass `table(...).to_table()` to `polars.from_arrow`."""
        frame: pd.DataFrame = self.table(name, split).to_table(columns=columns).to_pandas()
        return frame

    def to_torch(self, name: str = "logs", split: str | None = None, columns: list[str] | None = None) -> TableDataset:
        """A table as a map-style torch `Dataset`. Raises MissingExtraError if torch is not installed."""
        from llmfusionbench.release.torch_data import TableDataset

        return TableDataset(self.files(name, split), columns=columns)

    def batches(self, name: str, split: str | None = None, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of a table in order, at most one row group at a time."""
        yield from self.table(name, split).to_batches(columns=columns, batch_readahead=2, fragment_readahead=1)

    def routing(self, split: str | None = None) -> RoutingTable:
        """Queries x candidates as dense matrices; `split` None is all splits."""
        view = self.table("routing", split).to_table()
        queries = self.table("queries", split).to_table(columns=["query_id", "domain"])
        llms = {row["llm"]: row for row in self.table("llms").to_table().to_pylist()}
        return RoutingTable.from_view(view, queries, llms)

    def info(self) -> ReleaseInfo:
        """Counts, tokens, coverage, missing values and licences. Reads no texts."""
        return ReleaseInfo.of(self.manifest, self.table)
