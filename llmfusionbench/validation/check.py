"""`validate`: everything that is wrong with a release or with one file of rows, found in one streaming pass."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError, LLMFusionBenchError
from llmfusionbench.manifest import MANIFEST, read_manifest
from llmfusionbench.schema import SIDECARS, TABLES, TableSchema, table_schema
from llmfusionbench.storage.files import sha256
from llmfusionbench.types import Progress
from llmfusionbench.validation.explain import explain
from llmfusionbench.validation.issue import Issue, shorten
from llmfusionbench.validation.keys import Hashes, KeyCheck, repeated_keys
from llmfusionbench.validation.predicates import compile_schema, is_plain, is_text
from llmfusionbench.validation.rows import Rows, kind_of, read_rows

_UNLISTED = {MANIFEST, "rejected.jsonl"}


def validate(
    path: str | Path, *, schema: str | None = None, max_errors: int | None = None, progress: Progress | None = None
) -> list[Issue]:
    """Everything wrong with a release directory, or with one Parquet, JSONL or CSV file; an empty list if nothing is.

    Args:
        path: The directory or the file.
        schema: The table that the file holds; by default told from its name, or from its folder's.
        max_errors: Maximum number of issues to report.
        progress: Called as progress(stage, done, total), in rows.

    Raises:
        InputError: there is nothing at `path`, or it cannot be told which table the file holds.
        UnknownNameError: there is no such table as `schema`.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or directory. Remedy: check the path")
    count = _counter(progress)
    found = _release(path, count) if path.is_dir() else _file(path, schema, count)
    return list(found if max_errors is None else islice(found, max_errors))


def _counter(progress: Progress | None) -> Callable[[int], None]:
    """A function that adds the rows of a batch to those checked so far, and reports the sum."""
    done = 0

    def count(rows: int) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress("rows checked", done, None)

    return count


def _file(path: Path, schema: str | None, count: Callable[[int], None]) -> Iterator[Issue]:
    kind_of(path, str(path))
    table = table_schema(schema or guess_table(path))
    check = TableCheck(table, count)
    yield from check.file(path, path.name)
    yield from check.repeated()


def guess_table(path: Path) -> str:
    """The table that a file holds, by its name or by its folder's.

    Raises:
        InputError: neither is the name of a table.
    """
    stem = path.name.split(".")[0]
    for name in (stem, stem.split("-")[0], path.resolve().parent.name):
        if name in TABLES + SIDECARS:
            return name
    raise InputError(f"{path}: cannot tell which table this is. Remedy: name it with --schema {'|'.join(TABLES)}")


def _release(path: Path, count: Callable[[int], None]) -> Iterator[Issue]:
    try:
        manifest = read_manifest(path)
    except LLMFusionBenchError as error:
        yield Issue(MANIFEST, None, None, _bare(error, path / MANIFEST, path), "a readable manifest")
        return
    intact = set()
    for name, entry in sorted(manifest["files"].items()):
        issue = _digest_issue(path, name, entry)
        if issue is None:
            intact.add(name)
        else:
            yield issue
    on_disk = {f.relative_to(path).as_posix() for f in path.rglob("*") if f.is_file()}
    hidden = {f for f in on_disk if any(part.startswith(".") for part in f.split("/"))}  # of git, and of download caches
    for name in sorted(on_disk - hidden - manifest["files"].keys() - _UNLISTED):
        yield Issue(name, None, None, "the file is not in the manifest", "only files that the manifest lists")

    keys: dict[str, TableCheck] = {}
    present = [t for t in TABLES + SIDECARS if t in manifest["tables"]]
    for name in sorted(set(TABLES) - set(present)):
        yield Issue(MANIFEST, None, "tables", None, f"an entry for {name}")
    for name in sorted(set(manifest["tables"]) - set(TABLES + SIDECARS)):
        yield Issue(MANIFEST, None, "tables", shorten(name), f"one of {', '.join(TABLES)}")
    for name in present:
        check = keys[name] = TableCheck(table_schema(name), count, exact=True)
        files = [f for f in sorted(manifest["files"]) if f.startswith(f"{name}/")]
        for file in files:
            if (path / file).is_file():
                yield from check.file(path / file, file, split=Path(file).name.split("-")[0])
            else:
                check.whole = False
        yield from check.repeated()
        yield from _count_issues(manifest, name, check, intact)
    for check in keys.values():
        yield from check.dangling(keys)


def _digest_issue(path: Path, name: str, entry: dict[str, Any]) -> Issue | None:
    file = path / name
    if not file.is_file():
        return Issue(name, None, None, "no such file", "the file that the manifest lists")
    size, expected = file.stat().st_size, entry.get("bytes")
    if size != expected:
        return Issue(name, None, None, f"{size:,} bytes", f"{expected} bytes, as in the manifest")
    digest = sha256(file)
    if digest != entry.get("sha256"):
        return Issue(name, None, None, f"sha256 {digest}", f"sha256 {entry.get('sha256')}, as in the manifest")
    return None


def _count_issues(manifest: dict[str, Any], name: str, check: TableCheck, intact: set[str]) -> Iterator[Issue]:
    """Issues of rows counted wrong, of files that are what the manifest takes them for."""
    counted: dict[str, int] = {}
    for file, rows in check.rows_of.items():
        stated = manifest["files"][file].get("rows")
        if file in intact and stated != rows:
            yield Issue(MANIFEST, None, f"files.{file}.rows", shorten(stated), f"{rows:,}, as in the file")
        split = Path(file).name.split("-")[0]
        counted[split] = counted.get(split, 0) + rows
    if not check.whole or not check.rows_of.keys() <= intact:
        return
    splits = manifest["tables"][name]["splits"]
    for split in sorted(splits.keys() | counted.keys()):
        stated = splits.get(split, {}).get("rows")
        if stated != counted.get(split, 0):
            place = f"tables.{name}.splits.{split}.rows"
            yield Issue(MANIFEST, None, place, shorten(stated), f"{counted.get(split, 0):,}, as in its files")


def _bare(error: Exception, *places: object) -> str:
    """The words of `error` without the place they begin with, which the issue names itself."""
    words = str(error)
    for place in places:
        words = words.removeprefix(f"{place}: ")
    return words


class TableCheck:
    """The check of one table, over all of its files: values, then keys, then foreign keys."""

    def __init__(self, table: TableSchema, count: Callable[[int], None], *, exact: bool = False) -> None:
        self.table = table
        self.rows = 0
        self.whole = True
        """Whether every row could be read, so that a key that is not known is not there."""
        self.rows_of: dict[str, int] = {}
        """File -> its rows, of the files that could be read to their end."""
        self._exact = exact  # the columns of a release are all there, of the very types
        self._count = count
        self._check = compile_schema(table.json_schema)
        self._keys = KeyCheck(table.key)
        self._references = {f: KeyCheck(f.columns) for f in table.foreign_keys if f.columns != table.key}
        self._files: list[tuple[int, Path, str]] = []  # first row in the table, file, name
        self._lines: dict[str, array[int]] = {}  # of text files: the line of each row

    def file(self, path: Path, name: str, split: str | None = None) -> Iterator[Issue]:
        """The issues of the values in one file; its keys are remembered."""
        first = self.rows
        self._files.append((first, path, name))
        try:
            for rows in read_rows(path, name, self.table):
                if rows.lines is None:
                    if rows.first == 0:
                        yield from self._columns(rows.batch.schema, name)
                    rows.batch = _plain_columns(rows.batch)
                yield from self._batch(rows, name, split)
                self._count(rows.batch.num_rows)
        except InputError as error:
            self.whole = False
            yield Issue(name, None, None, _bare(error, name, path), "a whole, readable file")
        else:
            self.rows_of[name] = self.rows - first

    def _columns(self, found: pa.Schema, name: str) -> Iterator[Issue]:
        """Issues of a Parquet file's columns, which need no row to be wrong."""
        for column in self.table.columns:
            positions = found.get_all_field_indices(column.name)
            if len(positions) > 1:
                yield Issue(name, None, column.name, f"there {len(positions)} times", "one column")
                continue
            if not positions:
                if self._exact or not column.nullable:
                    yield Issue(name, None, column.name, None, f"a column of type {column.arrow_type}")
                continue
            kind = found.field(positions[0]).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            if (self._exact and kind != column.arrow_type) or not is_plain(kind):
                yield Issue(name, None, column.name, f"of type {kind}", f"{column.arrow_type}")
        for extra in sorted(set(found.names) - {c.name for c in self.table.columns}):
            yield Issue(name, None, shorten(extra), "unknown", f"only {', '.join(c.name for c in self.table.columns)}")

    def _batch(self, rows: Rows, name: str, split: str | None) -> Iterator[Issue]:
        batch = rows.batch
        if rows.lines is not None:
            self._lines.setdefault(name, array("q")).extend(rows.lines)
        broken = list(_encoding_issues(rows, name))
        yield from broken
        keyed = set(self.table.key) | {c for f in self._references for c in f.columns}
        if keyed <= {f.name for f in batch.schema if is_text(f.type)} and not broken:
            self._keys.add(batch, self.rows)
            for reference in self._references.values():
                reference.add(batch, self.rows)
        else:
            self.whole = False
        self.rows += batch.num_rows
        if broken or not _same_columns(batch.schema, self.table):
            return  # reported by name once, not row by row
        bad = self._check(batch.to_struct_array())
        failing = set() if bad is None else set(np.flatnonzero(bad).tolist())
        found = (issue for i in sorted(failing | rows.invalid.keys()) for issue in self._explain(rows, i, name))
        yield from merge(rows.issues, found, key=lambda issue: issue.line or 0)
        if split is not None and "split" in batch.schema.names:
            yield from self._misplaced(rows, name, split)

    def _explain(self, rows: Rows, i: int, name: str) -> Iterator[Issue]:
        row = rows.as_row(i)
        line = rows.lines[i] if rows.lines else None
        reasons = list(explain(self.table.json_schema, row))
        if not reasons:
            raise AssertionError(f"{name} row {rows.first + i}: the columnar check and jsonschema disagree on {row!r}")
        for column, value, expected in reasons:
            yield Issue(name, rows.first + i, column, value, expected, line)

    def _misplaced(self, rows: Rows, name: str, split: str) -> Iterator[Issue]:
        found = rows.batch.column("split")
        for i in pc.indices_nonzero(pc.not_equal(found, split)).to_pylist():
            yield Issue(name, rows.first + i, "split", shorten(found[i].as_py()), f'"{split}", as the file\'s name says')

    def repeated(self) -> Iterator[Issue]:
        """The issues of keys that occur twice in the table."""
        keys = _rows_at(self._read, self._keys.suspects(), self.table.key)
        for row, first, key in repeated_keys(keys):
            name, number, line = self._place(row)
            other_name, other_number, other_line = self._place(first)
            other = f"{other_name} row {other_number}" if other_line is None else f"{other_name} line {other_line}"
            text = ", ".join(shorten(k) for k in key)
            yield Issue(name, number, ", ".join(self.table.key), text, f"a key that occurs once; {other} has it", line)

    def dangling(self, tables: dict[str, TableCheck]) -> Iterator[Issue]:
        """The issues of foreign keys that point to no row of the other table."""
        for foreign in self.table.foreign_keys:
            other = tables.get(foreign.table)
            if other is None or not other.whole:
                continue  # what is missing of it is reported already
            mine = self._keys if foreign.columns == self.table.key else self._references[foreign]
            missing = mine.rows_of(np.flatnonzero(~np.isin(mine.hashes, other.hashes_of(foreign.columns))))
            for row, key in _rows_at(self._read, missing, foreign.columns):
                name, number, line = self._place(row)
                text = ", ".join(shorten(k) for k in key)
                yield Issue(name, number, ", ".join(foreign.columns), text, f"a row of {foreign.table} with that key", line)

    def hashes_of(self, columns: tuple[str, ...]) -> Hashes:
        """[keys] uint64: the hashes of the key, or of a foreign key."""
        if columns == self.table.key:
            return self._keys.hashes
        return next(check.hashes for foreign, check in self._references.items() if foreign.columns == columns)

    def _read(self) -> Iterator[Rows]:
        for first, path, name in self._files:
            with suppress(InputError):  # reported when the file was first read
                for rows in read_rows(path, name, self.table):
                    yield Rows(first + rows.first, rows.batch)

    def _place(self, row: int) -> tuple[str, int, int | None]:
        # The last such file: one without rows begins where its successor does.
        first, _, name = [f for f in self._files if f[0] <= row][-1]
        lines = self._lines.get(name)
        return name, row - first, lines[row - first] if lines else None


def _rows_at(
    read: Callable[[], Iterator[Rows]], wanted: list[int], columns: tuple[str, ...]
) -> Iterator[tuple[int, tuple[object, ...]]]:
    """(row, its values in `columns`) of the wanted rows of a table, which are sorted."""
    position = 0
    for rows in read() if wanted else ():
        end = rows.first + rows.batch.num_rows
        inside = []
        while position < len(wanted) and wanted[position] < end:
            inside.append(wanted[position])
            position += 1
        if inside:
            taken = rows.batch.select(list(columns)).take(pa.array([row - rows.first for row in inside]))
            for row, values in zip(inside, taken.to_pylist(), strict=True):
                yield row, tuple(values[c] for c in columns)


def _same_columns(found: pa.Schema, table: TableSchema) -> bool:
    """Whether a batch has no unknown column and lacks none that may not be null."""
    names = set(found.names)
    return names <= {c.name for c in table.columns} and {c.name for c in table.columns if not c.nullable} <= names


def _plain_columns(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` without the columns that cannot be checked row by row; each is an issue already."""
    names = batch.schema.names
    kept = [i for i, f in enumerate(batch.schema) if names.count(f.name) == 1 and is_plain(f.type)]
    columns = [_whole_dictionary(batch.column(i)) for i in kept]
    return pa.RecordBatch.from_arrays(columns, [names[i] for i in kept])


def _whole_dictionary(column: pa.Array) -> pa.Array:
    """`column`, decoded where a value in its dictionary is broken: it may be one that only other batches use."""
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
    """Issues of strings that are not UTF-8, which Arrow would hand on unread."""
    for column in rows.batch.schema.names:
        array = rows.batch.column(column)
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
                yield Issue(name, rows.first, column, "damaged", "a well-formed column")
                continue
            for i, value in enumerate(array.cast(pa.large_binary()).to_pylist()):
                try:
                    (value or b"").decode("utf-8")
                except UnicodeDecodeError as error:
                    yield Issue(name, rows.first + i, column, f"byte 0x{value[error.start]:02x} at {error.start}", "UTF-8")
