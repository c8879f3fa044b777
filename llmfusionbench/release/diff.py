"""How two releases differ: rows added, removed and changed in each table, matched by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from llmfusionbench.schema import SIDECARS, TABLES, table_schema

RANGE_ROWS: Final = 50_000
"""Number of rows that are compared at a time."""

_NESTED_ROWS: Final = 1_000
"""Number of lists or structs that are compared at a time, since each becomes a Python object."""

_SHOWN = 5


@dataclass(frozen=True)
class TableDiff:
    """How one table differs."""

    table: str
    added: int
    """Rows whose key is only in the second release."""
    removed: int
    """Rows whose key is only in the first release."""
    changed: int
    """Rows with the same key and a different value in some column."""
    columns: dict[str, int]
    """Column -> number of rows in which it differs."""
    examples: list[dict[str, Any]]
    """The first few: {what, key}, and {column, before, after} for a changed row."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class Tables(Protocol):
    """What is compared: a release, or one that is being written."""

    @property
    def tables(self) -> list[str]:
        """The names of its tables."""
        ...

    def table(self, name: str) -> ds.Dataset:
        """One of them."""
        ...


def diff_releases(a: Tables, b: Tables, progress: Callable[[str, int, int], None] | None = None) -> list[TableDiff]:
    """The differences from `a` to `b`, one entry per table, without the views.

    Keys are held in memory, texts are not: rows are compared one range of keys at a time.
    `progress` is called as progress(table, done, total), in ranges.
    """
    tell = progress or (lambda *_: None)
    tables = [t for t in TABLES if table_schema(t).view_of is None] + [t for t in SIDECARS if t in a.tables + b.tables]
    return [_diff_table(a, b, name, tell) for name in tables]


def _diff_table(a: Tables, b: Tables, name: str, tell: Callable[[str, int, int], None]) -> TableDiff:
    schema = table_schema(name)
    keys = list(schema.key)
    values = [c for c in schema.arrow.names if c not in keys]
    added = removed = changed = 0
    by_column = dict.fromkeys(values, 0)
    examples: list[dict[str, Any]] = []
    for done, total, before, after in _ranges(a, b, name):
        tell(name, done, total)
        mine, theirs = _match(before, after, keys)
        gone = np.setdiff1d(np.arange(before.num_rows), mine)
        new = np.setdiff1d(np.arange(after.num_rows), theirs)
        removed, added = removed + len(gone), added + len(new)
        for what, rows, side in (("removed", gone, before), ("added", new, after)):
            if len(examples) < _SHOWN:
                taken = side.select(keys).take(pa.array(rows[: _SHOWN - len(examples)])).to_pylist()
                examples += [{"what": what, "key": key} for key in taken]
        old, now = before.take(pa.array(mine)), after.take(pa.array(theirs))
        any_changed = np.zeros(len(mine), bool)
        for column in values:
            differs = differing(old[column], now[column])
            by_column[column] += int(differs.sum())
            for row in np.flatnonzero(differs & ~any_changed)[: max(0, _SHOWN - len(examples))].tolist():
                key = {k: old[k][row].as_py() for k in keys}
                change = {"column": column, "before": old[column][row].as_py(), "after": now[column][row].as_py()}
                examples.append({"what": "changed", "key": key, **change})
            any_changed |= differs
        changed += int(any_changed.sum())
    return TableDiff(name, added, removed, changed, {c: n for c, n in by_column.items() if n}, examples)


def _ranges(a: Tables, b: Tables, name: str) -> Iterator[tuple[int, int, pa.Table, pa.Table]]:
    """(number, total, rows of `a`, rows of `b`) of each range of the first key column, small enough for memory."""
    first = table_schema(name).key[0]
    nothing = ds.dataset(table_schema(name).arrow.empty_table())
    left, right = (r.table(name) if name in r.tables else nothing for r in (a, b))
    rows = left.count_rows() + right.count_rows()
    ids = pc.unique(pa.concat_tables([left.to_table(columns=[first]), right.to_table(columns=[first])])[first]).sort()
    parts = max(1, -(-rows // RANGE_ROWS))
    edges = [ids[len(ids) * i // parts].as_py() for i in range(1, parts)]
    for number, (low, high) in enumerate(zip([None, *edges], [*edges, None], strict=True)):
        condition = pc.scalar(True) if low is None else pc.field(first) >= low
        condition &= pc.scalar(True) if high is None else pc.field(first) < high
        yield number, parts, left.to_table(filter=condition), right.to_table(filter=condition)


def _match(a: pa.Table, b: pa.Table, keys: list[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows of `a` and of `b` that have the same key, in the order of `a`."""
    left = _comparable(a.select(keys)).append_column("_a", pa.array(np.arange(a.num_rows)))
    right = _comparable(b.select(keys)).append_column("_b", pa.array(np.arange(b.num_rows)))
    both = left.join(right, keys=keys, join_type="inner").sort_by("_a")
    return both["_a"].to_numpy(), both["_b"].to_numpy()


def _comparable(keys: pa.Table) -> pa.Table:
    """`keys` with a text in place of null, which a join does not find equal to itself."""
    for i, field in enumerate(keys.schema):
        if keys[field.name].null_count:
            keys = keys.set_column(i, field.name, pc.coalesce(pc.binary_join_element_wise("=", keys[field.name], ""), ""))
        elif pa.types.is_string(field.type) and field.nullable:
            keys = keys.set_column(i, field.name, pc.binary_join_element_wise("=", keys[field.name], ""))
    return keys


def differing(a: pa.ChunkedArray, b: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Where two columns differ; null equals only null."""
    if pa.types.is_nested(a.type):
        found = np.zeros(len(a), bool)
        for first in range(0, len(a), _NESTED_ROWS):
            x, y = (side.slice(first, _NESTED_ROWS).combine_chunks() for side in (a, b))
            if not x.equals(y):
                found[first : first + len(x)] = [v != w for v, w in zip(x.to_pylist(), y.to_pylist(), strict=True)]
        return found
    same: npt.NDArray[np.bool_] = pc.fill_null(pc.equal(a, b), False).to_numpy()
    both_null: npt.NDArray[np.bool_] = pc.and_(a.is_null(), b.is_null()).to_numpy()
    return ~(same | both_null)
