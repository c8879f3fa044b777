"""A release opened for reading: lazy tables, and the matrices that routers work on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError, ReleaseError, UnknownNameError
from llmfusionbench.manifest import Difference, disagreements
from llmfusionbench.release.failures import failures_of
from llmfusionbench.release.info import ReleaseInfo
from llmfusionbench.release.place import LocalPlace, ReleasePlace
from llmfusionbench.release.routing_check import check_routing
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.release.row_check import check_rows
from llmfusionbench.release.shard_files import by_row_group
from llmfusionbench.schema import SIDECARS, TABLES
from llmfusionbench.storage.address import Address
from llmfusionbench.storage.kinds import CARD
from llmfusionbench.types import sorted_splits
from llmfusionbench.validation.candidates import COLUMN, Rows, renamed

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.dataset as ds

    from llmfusionbench.release.torch_data import TableDataset


class Release:
    """A release. What its files hold is compared with the manifest before they are used.

    The sizes and the Parquet footers of all files of a directory are checked here, and the SHA-256 of a file when it is first
    used. A release elsewhere is checked as its place says.

    Args:
        path: The directory, or the place of a release elsewhere.
        damaged: Also open a release whose files differ from its manifest, to look at it.

    Raises:
        ReleaseError: `path` is not a release, its manifest cannot be read, or a file differs from it.
        SchemaError: it has a newer major version of the schemas.
    """

    def __init__(self, path: str | Path | ReleasePlace, *, damaged: bool = False) -> None:
        self.place = path if isinstance(path, ReleasePlace) else LocalPlace(Path(path))
        self.manifest: dict[str, Any] = self.place.read_manifest()
        self.damaged = damaged
        self._found_good: set[str] = set()
        while not damaged and (difference := self._serious_difference()) is not None:
            now = self.place.read_manifest()
            if now == self.manifest:
                raise difference.error(self.path)
            self.manifest = now  # another run has replaced the release since the manifest was read

    def __repr__(self) -> str:
        rows = sum(s["rows"] for s in self.manifest["tables"].get("responses", {"splits": {}})["splits"].values())
        return f"Release({str(self.path)!r}, {rows:,} responses, splits {', '.join(self.splits)})"

    @property
    def path(self) -> Path | Address:
        """Its directory; the address of a release elsewhere, which is for messages."""
        return self.place.path

    @property
    def directory(self) -> Path:
        """Its directory on this machine. Raises InputError if it is elsewhere."""
        if isinstance(self.path, Path):
            return self.path
        raise InputError(f"{self.path}: its files are not on this machine. Remedy: use release.local(), which downloads them")

    @property
    def inputs(self) -> list[Path]:
        """The directory that it is read from, if that is on this machine: nothing may be written there meanwhile."""
        return [self.path] if isinstance(self.path, Path) else []

    @property
    def manifest_sha256(self) -> str:
        """The SHA-256 of its manifest, in hexadecimal."""
        return self.place.manifest_sha256

    def local(self) -> Release:
        """The same release with all of its files on this machine: itself, or one that is downloaded and checked completely.

        Raises:
            HubError: the Hub does not answer, or a file is missing or damaged.
            ReleaseError: the same of another place.
        """
        return self if isinstance(self.path, Path) else Release(self.place.local(), damaged=self.damaged)

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

    def differences(self) -> list[Difference]:
        """How its files differ from the manifest. Reads all files of a directory, unless an earlier run has.

        The files of a release elsewhere are not read for this: each is compared when it is first used.
        """
        opening = list(self._opening_differences())
        seen = {difference.name for difference in opening}
        return [*opening, *self.place.unused_differences(self.manifest, [n for n in self.manifest["files"] if n not in seen])]

    def _serious_difference(self) -> Difference | None:
        """What differs from the manifest and is no card, which people write into."""
        return next((d for d in self._opening_differences() if d.name != CARD), None)

    def _opening_differences(self) -> Iterator[Difference]:
        yield from disagreements(self.manifest)
        yield from self.place.opening_differences(self.manifest)

    def names(self, table: str, split: str | None = None) -> list[str]:
        """The names of the shards of a table, in order. Raises UnknownNameError for an unknown table or split."""
        if table not in self.tables:
            raise UnknownNameError("table", table, self.tables)
        splits = self.manifest["tables"][table]["splits"]
        if split is not None and split not in splits:
            raise UnknownNameError(f"split of {table}", split, splits)
        wanted = sorted_splits(splits) if split is None else [split]
        names = sorted(self.manifest["files"])
        return [n for s in wanted for n in names if n.startswith(f"{table}/{s}-")]

    def present(self, names: list[str]) -> list[str]:
        """`names` of shards. Raises ReleaseError if one does not exist, as far as that is known without a request."""
        for name in names:
            if (error := self.place.missing(name)) is not None:
                raise error
        return names

    def good(self, names: list[str]) -> list[str]:
        """`names` of shards.

        Raises:
            ReleaseError: one is missing or differs from the manifest; if `damaged`, one that cannot be read as its table.
        """
        check = self.place.structure_differences if self.damaged else self.place.differences
        if (difference := next(check(self.manifest, self.present(names)), None)) is not None:
            if difference.name in self._found_good:
                raise ReleaseError(f"{self.path / difference.name}: changed while it was read. Remedy: run it again")
            raise difference.error(self.path)
        self._found_good.update(names)
        return names

    def files(self, table: str, split: str | None = None) -> list[Path]:
        """The paths of the shards of a table, in order, unchecked, if they are on this machine: see `local`.

        Raises:
            UnknownNameError: unknown table or split.
            InputError: the release is elsewhere.
        """
        return [self.directory / name for name in self.names(table, split)]

    def checked(self, files: Sequence[Path]) -> Sequence[Path]:
        """`files`, which are shards of this release on this machine. Raises as `good`."""
        self.good([file.relative_to(self.directory).as_posix() for file in files])
        return files

    def table(self, name: str, split: str | None = None) -> ds.Dataset:
        """A table as a lazy Arrow dataset: `.to_table(columns=, filter=)`, `.count_rows()`, `.to_batches()`.

        Column choices and row filters are pushed down to the files.

        Args:
            name: One of `tables`.
            split: All splits by default.

        Raises:
            UnknownNameError: unknown table or split.
            ReleaseError: a shard that the manifest lists is missing, or differs from the manifest.
        """
        with self.place.reading(name):
            return self.place.dataset(self.good(self.names(name, split)), name)

    def to_pandas(self, name: str, split: str | None = None, columns: list[str] | None = None) -> pd.DataFrame:
        """A table as a pandas frame. For polars, pass `table(...).to_table()` to `polars.from_arrow`. Raises as `rows`."""
        frame: pd.DataFrame = self._read(name, split, columns=columns).to_pandas()
        return frame

    def _table(self, name: str, split: str | None, columns: list[str] | None) -> ds.Dataset:
        """As `table`, after a look at the columns. Raises UnknownNameError for one that the table has not."""
        table = self.table(name, split)
        if (unknown := next((c for c in columns or () if c not in table.schema.names), None)) is not None:
            raise UnknownNameError(f"column of {name}", unknown, table.schema.names)
        return table

    def _read(
        self, name: str, split: str | None = None, columns: list[str] | None = None, wanted: pc.Expression | None = None
    ) -> pa.Table:
        """Rows of a table. Raises as `rows`, and the errors of Arrow for a filter that it cannot use."""
        table = self._table(name, split, columns)
        if wanted is not None:
            table.schema.empty_table().filter(wanted)  # an error of the filter is none of the files
        with self.place.reading(name):
            return table.to_table(columns=columns, filter=wanted, fragment_readahead=self.place.readahead)

    def to_torch(self, name: str = "logs", split: str | None = None, columns: list[str] | None = None) -> TableDataset:
        """A table as a map-style torch `Dataset`. Raises MissingExtraError if torch is not installed."""
        from llmfusionbench.release.torch_data import TableDataset

        release = self.local()
        return TableDataset(release.checked(release.files(name, split)), name, columns=columns)

    def rows(
        self,
        name: str,
        split: str | None = None,
        columns: list[str] | None = None,
        filter: pc.Expression | None = None,  # noqa: A002
    ) -> pa.Table:
        """The rows of a table in order, those of a filter if there is one.

        Raises:
            UnknownNameError: unknown table, split or column.
            ReleaseError: as `table`; a number is not allowed by the schema, or a value that the table requires is missing.
        """
        return self._today(check_rows(self._read(name, split, columns, filter), name, self.path), name)

    def batches(self, name: str, split: str | None = None, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of a table in order, at most one row group at a time; the next one is read ahead.

        Raises:
            ReleaseError: as `rows`.
            UnknownNameError: unknown table, split or column.
        """
        table = self._table(name, split, columns)
        with self.place.reading(name):
            batches = by_row_group(table).to_batches(columns=columns, batch_readahead=0, fragment_readahead=1)
        for batch in self.place.read_batches(name, batches):
            yield self._today(check_rows(batch, name, self.path), name)

    def routing(self, split: str | None = None, *, failures: str | None = None) -> RoutingTable:
        """Queries x candidates as dense matrices.

        Args:
            split: All splits by default.
            failures: What failed answers (`error`, `empty`) count as in performance and judge score: `zero`, or `missing`. By
                default these are as the release has them (missing), and only the target of routers counts failures as 0.

        Raises:
            UnknownNameError: unknown split or policy for failures.
            ReleaseError: a file differs from the manifest, or a value is not allowed by the schema.
        """
        view = self._today(self._read("routing", split), "routing")
        queries = self.rows("queries", split, columns=["query_id", "domain"])
        llms = {row["llm"]: row for row in self.rows("llms").to_pylist()}
        check_routing(view, set(llms), self.path)
        table = RoutingTable.from_view(view, queries, llms)
        if any(chunk.flatten().field("failures").null_count for chunk in view[COLUMN].chunks):  # made before schema 2.1
            answers = self.rows("responses", split, columns=["query_id", "llm", "mode", "status", "performance"])
            lost = failures_of(answers, table.query_ids, table.candidates)
            table = replace(table, failures=lost, replicates=np.maximum(table.replicates, lost), scored=lost[:0])
        if split is not None and table.failures.any():
            table = replace(table, scored_tasks=self._scored_tasks)
        return table if failures is None else table.with_failures(failures)

    @cached_property
    def _scored_tasks(self) -> frozenset[str]:
        """Tasks with a performance in any split."""
        view = self._read("routing", columns=["task", "candidates"])
        lists = view[COLUMN].combine_chunks()
        lists = lists if isinstance(lists, pa.Array) else pa.concat_arrays(lists.chunks)
        known = lists.flatten().field("performance").is_valid().to_numpy(zero_copy_only=False)
        rows = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy(zero_copy_only=False))[known]
        return frozenset(view["task"].take(pa.array(np.unique(rows))).unique().to_pylist())

    def _today(self, rows: Rows, table: str) -> Rows:
        """`rows` of a table with the names of today; those of a release of today have them."""
        return renamed(rows, table, self.manifest["schema_version"])

    def info(self) -> ReleaseInfo:
        """Counts, tokens, coverage, missing values and licences. Reads no texts."""
        return ReleaseInfo.of(self.manifest, lambda table, columns: self._read(table, columns=columns))
