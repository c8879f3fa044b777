"""The check of one table, over all of its files: values, then keys, then foreign keys."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from heapq import merge
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError
from llmfusionbench.schema import TableSchema, has_type, with_defaults
from llmfusionbench.validation.explain import explain
from llmfusionbench.validation.issue import Issue, shorten
from llmfusionbench.validation.keys import KeyCheck, repeated_keys
from llmfusionbench.validation.predicates import compile_schema, is_plain, is_text
from llmfusionbench.validation.rows import Rows, read_rows


class TableCheck:
    """Reads the files of one table and finds their issues.

    Args:
        table: The schema of the table.
        count: Called with the number of rows of each batch.
        exact: Whether every column must be there, with its exact type, as in a release.
        older: Whether the files are of a release of an older version, which lacks columns and fields.
    """

    def __init__(self, table: TableSchema, count: Callable[[int], None], *, exact: bool = False, older: bool = False) -> None:
        self.table = table
        self.rows = 0
        self.whole = True
        """Whether every row could be read. If not, a key that was not found may still exist."""
        self.valid = True
        """Whether every value is as the schema says."""
        self.rows_of: dict[str, int] = {}
        """File -> its rows, for files that could be read to the end."""
        self._exact = exact
        self._older = older
        self._count = count
        self._check = compile_schema(table.json_schema)
        self._keys = KeyCheck(table.key, {c.name for c in table.columns if c.nullable})
        self._references = {f: KeyCheck(f.columns) for f in table.foreign_keys if f.columns != table.key}
        self._files: list[tuple[int, Path, str]] = []  # first row in the table, file, name
        self._lines: dict[str, array[int]] = {}  # text file -> the line of each row

    def file(self, path: Path, name: str, split: str | None = None) -> Iterator[Issue]:
        """The issues of the values in one file; its keys are remembered."""
        for issue in self._issues_of(path, name, split):
            self.valid = False
            yield issue

    def _issues_of(self, path: Path, name: str, split: str | None) -> Iterator[Issue]:
        first = self.rows
        self._files.append((first, path, name))
        try:
            for rows in read_rows(path, name, self.table):
                if rows.lines is None:
                    if rows.first == 0:
                        yield from self._columns(rows.batch.schema, name)
                    rows.batch = _plain_columns(rows.batch)
                    if not self._exact:
                        rows.batch = with_defaults(rows.batch, self.table)
                yield from self._batch(rows, name, split)
                self._count(rows.batch.num_rows)
        except InputError as error:
            self.whole = False
            yield Issue(name, None, None, bare_message(error, name, path), "a complete, readable file")
        else:
            self.rows_of[name] = self.rows - first

    def _columns(self, found: pa.Schema, name: str) -> Iterator[Issue]:
        """Issues of a Parquet file's columns, which even a file without rows can have."""
        for column in self.table.columns:
            positions = found.get_all_field_indices(column.name)
            if len(positions) > 1:
                yield Issue(name, None, column.name, f"there {len(positions)} times", "one column")
                continue
            if not positions:
                if self._exact or not (column.nullable or column.default is not None):
                    yield Issue(name, None, column.name, None, f"a column of type {column.arrow_type}")
                continue
            kind = found.field(positions[0]).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            typed = not (self._exact or self._older) or has_type(kind, column.arrow_type, older=self._older)
            if not typed or not is_plain(kind):
                yield Issue(name, None, column.name, f"of type {kind}", f"{column.arrow_type}")
        known = self.table.arrow.names
        for extra in sorted(set(found.names) - set(known)):
            yield Issue(name, None, shorten(extra), "unknown", f"only {', '.join(known)}")

    def _batch(self, rows: Rows, name: str, split: str | None) -> Iterator[Issue]:
        batch = rows.batch
        if rows.lines is not None:
            self._lines.setdefault(name, array("q")).extend(rows.lines)
        broken = list(_encoding_issues(rows, name))
        yield from broken
        keyed = set(self.table.key) | {c for f in self._references for c in f.columns}
        if keyed <= {f.name for f in batch.schema if is_text(f.type) or pa.types.is_integer(f.type)} and not broken:
            self._keys.add(batch, self.rows)
            for reference in self._references.values():
                reference.add(batch, self.rows)
        else:
            self.whole = False
        self.rows += batch.num_rows
        names = set(batch.schema.names)
        if broken or not set(self.table.json_schema["required"]) <= names <= set(self.table.arrow.names):
            return  # the file's columns are an issue already: not one per row, too
        bad = self._check(batch.to_struct_array())
        failing = set() if bad is None else set(np.flatnonzero(bad).tolist())
        found = (issue for i in sorted(failing | rows.invalid.keys()) for issue in self._explain(rows, i, name))
        yield from merge(rows.issues, found, key=lambda issue: issue.line or 0)
        if split is not None and "split" in names:
            stated = batch.column("split")
            for i in pc.indices_nonzero(pc.not_equal(stated, split)).to_pylist():
                yield Issue(name, rows.first + i, "split", shorten(stated[i].as_py()), f'"{split}", as in the file name')

    def _explain(self, rows: Rows, i: int, name: str) -> Iterator[Issue]:
        row = rows.as_row(i)
        line = rows.lines[i] if rows.lines else None
        reasons = list(explain(self.table.json_schema, row))
        if not reasons:
            raise AssertionError(f"{name} row {rows.first + i}: the columnar check and jsonschema disagree on {row!r}")
        for column, value, expected in reasons:
            yield Issue(name, rows.first + i, column, value, expected, line)

    def repeated(self) -> Iterator[Issue]:
        """The issues of keys that occur more than once in the table."""
        keys = self._keys_at(self._keys.suspects(), self.table.key)
        for row, first, key in repeated_keys(keys):
            name, number, line = self._place(first)
            other = f"{name} row {number}" if line is None else f"{name} line {line}"
            yield self._key_issue(row, self.table.key, key, f"a unique key; {other} has the same one")

    def dangling(self, tables: dict[str, TableCheck]) -> Iterator[Issue]:
        """The issues of foreign keys that the other table does not have."""
        for foreign in self.table.foreign_keys:
            other = tables.get(foreign.table)
            if other is None or not other.whole:
                continue  # its missing rows are issues already
            mine = self._keys_of(foreign.columns)
            missing = mine.rows_of(np.flatnonzero(~np.isin(mine.hashes, other._keys_of(foreign.columns).hashes)))
            for row, key in self._keys_at(missing, foreign.columns):
                yield self._key_issue(row, foreign.columns, key, f"a row of {foreign.table} with that key")

    def _keys_of(self, columns: tuple[str, ...]) -> KeyCheck:
        """The values of the key, or of a foreign key."""
        if columns == self.table.key:
            return self._keys
        return next(check for foreign, check in self._references.items() if foreign.columns == columns)

    def _keys_at(self, wanted: Sequence[int], columns: Sequence[str]) -> Iterator[tuple[int, tuple[object, ...]]]:
        """(row, its values in `columns`) of the wanted rows, which are sorted. Reads the files again if there are any."""
        rows = np.asarray(wanted, np.int64)
        for first, path, name in self._files if rows.size else ():
            with suppress(InputError):  # an issue already since the first reading
                for part in read_rows(path, name, self.table):
                    start = first + part.first
                    inside = rows[slice(*np.searchsorted(rows, [start, start + part.batch.num_rows]))]
                    batch = part.batch if self._exact else with_defaults(part.batch, self.table)
                    taken = batch.select(list(columns)).take(pa.array(inside - start)).to_pylist() if inside.size else []
                    for row, values in zip(inside.tolist(), taken, strict=True):
                        yield row, tuple(values[c] for c in columns)

    def _place(self, row: int) -> tuple[str, int, int | None]:
        """(file, row in the file, line) of a row of the table."""
        # The last such file: one without rows begins where its successor does.
        first, _, name = [f for f in self._files if f[0] <= row][-1]
        lines = self._lines.get(name)
        return name, row - first, lines[row - first] if lines else None

    def _key_issue(self, row: int, columns: Sequence[str], key: Sequence[object], expected: str) -> Issue:
        name, number, line = self._place(row)
        return Issue(name, number, ", ".join(columns), ", ".join(map(shorten, key)), expected, line)


def bare_message(error: Exception, *places: object) -> str:
    """The message of `error` without the place that it begins with, which the issue states itself."""
    message = str(error)
    for place in places:
        message = message.removeprefix(f"{place}: ")
    return message


def _plain_columns(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` without the columns that cannot be checked row by row; each is an issue already."""
    names = batch.schema.names
    kept = [i for i, f in enumerate(batch.schema) if names.count(f.name) == 1 and is_plain(f.type)]
    return pa.RecordBatch.from_arrays([_whole_dictionary(batch.column(i)) for i in kept], [names[i] for i in kept])


def _whole_dictionary(column: pa.Array) -> pa.Array:
    """`column`, decoded if its dictionary has a broken value, which perhaps only other batches use."""
    if isinstance(column, pa.DictionaryArray):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            try:
                return column.dictionary_decode()
            except pa.ArrowException as error:
                raise InputError(f"a damaged column ({error})") from error
    return column


def _encoding_issues(rows: Rows, name: str) -> Iterator[Issue]:
    """Issues of strings that are not UTF-8, which Arrow passes on unread."""
    for column in rows.batch.schema.names:
        array = rows.batch.column(column)
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            if not is_text(array.type):
                yield Issue(name, rows.first, column, "damaged", "a well-formed column")
                continue
            for i, value in enumerate(array.cast(pa.large_binary()).to_pylist()):
                try:
                    (value or b"").decode("utf-8")
                except UnicodeDecodeError as error:
                    yield Issue(name, rows.first + i, column, f"byte 0x{value[error.start]:02x} at {error.start}", "UTF-8")
