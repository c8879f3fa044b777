"""A table of a release as a map-style `torch.utils.data.Dataset`, and a collate function for it.

This module needs torch, so `Release.to_torch` imports it only when it is called.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError
from llmfusionbench.schema import table_schema, with_missing

try:
    import torch
    from torch.utils.data import Dataset
except ImportError as error:
    raise MissingExtraError("torch", "torch") from error


class TableDataset(Dataset[dict[str, Any]]):
    """The rows of Parquet files of one table, in order, as dictionaries of Python values.

    A row is read together with its row group, and the last few groups are cached. If the table is larger than memory, read
    it in order or shuffle within blocks of rows. Works in forked and spawned processes of a DataLoader.

    Args:
        files: Parquet files of one table.
        table: Its name.
        columns: Columns to read; None is all.
        cached_row_groups: Number of row groups that each process keeps in memory.

    Raises:
        UnknownNameError: a column does not exist.
    """

    def __init__(
        self, files: Sequence[Path | str], table: str, *, columns: Sequence[str] | None = None, cached_row_groups: int = 4
    ) -> None:
        if cached_row_groups < 1:
            raise InputError(f"cached_row_groups is {cached_row_groups}, expected at least 1")
        self.files = [str(file) for file in files]
        self.table = table
        self.columns = None if columns is None else list(columns)
        known = table_schema(table).arrow.names
        for column in self.columns or ():
            if column not in known:
                raise UnknownNameError("column", column, known)
        self.cached_row_groups = cached_row_groups
        self._groups: list[tuple[int, int]] = []
        rows = []
        for number, file in enumerate(self.files):
            with pq.ParquetFile(file) as parquet:
                for group in range(parquet.num_row_groups):
                    self._groups.append((number, group))
                    rows.append(parquet.metadata.row_group(group).num_rows)
        self._ends = np.cumsum([0, *rows])
        self._tables: OrderedDict[int, pa.Table] = OrderedDict()

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Several rows, in the order of `indices`; a DataLoader calls this once per batch."""
        wanted = np.asarray(indices, dtype=np.int64)
        wanted = np.where(wanted < 0, wanted + len(self), wanted)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise IndexError(f"rows {list(indices)}: the table has {len(self)} rows")
        groups = np.searchsorted(self._ends, wanted, side="right") - 1
        rows: list[dict[str, Any]] = [{}] * len(wanted)
        for group in np.unique(groups):
            places = np.flatnonzero(groups == group)
            picked = self._table(int(group)).take(pa.array(wanted[places] - self._ends[group]))
            for place, row in zip(places.tolist(), picked.to_pylist(), strict=True):
                rows[place] = row
        return rows

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_tables": OrderedDict()}  # each process fills its own cache

    def _table(self, group: int) -> pa.Table:
        table = self._tables.pop(group, None)
        if table is None:
            file, number = self._groups[group]
            schema = table_schema(self.table)
            wanted = schema.arrow.names if self.columns is None else self.columns
            # Arrow's threads do not survive a fork, and a DataLoader forks its workers.
            with pq.ParquetFile(self.files[file]) as parquet:
                present = [name for name in wanted if name in parquet.schema_arrow.names]
                table = parquet.read_row_group(number, columns=present, use_threads=False)
            table = with_missing(table, schema).select(wanted)
        self._tables[group] = table
        while len(self._tables) > self.cached_row_groups:
            self._tables.popitem(last=False)
        return table


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A batch of rows by column: numbers and booleans as tensors of shape [B], anything else as lists.

    Missing numbers become NaN in a float64 column; a column without any value stays a list of None.

    >>> collate([{"llm": "a", "cost_usd": 0.5}, {"llm": "b", "cost_usd": None}])
    {'llm': ['a', 'b'], 'cost_usd': tensor([0.5000,    nan], dtype=torch.float64)}
    """
    return {name: _column([row[name] for row in rows]) for name in rows[0]} if rows else {}


def _column(values: list[Any]) -> Any:
    present = [value for value in values if value is not None]
    if not present or not all(isinstance(value, (bool, int, float)) for value in present):
        return values
    if len(present) < len(values) or any(isinstance(value, float) for value in present):
        return torch.tensor([math.nan if value is None else float(value) for value in values], dtype=torch.float64)
    return torch.tensor(values)
