"""`validate`: all issues of a release or of one file of rows, found in one streaming pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST, disagreements, examine
from llmfusionbench.schema import SCHEMA_FILES, SCHEMA_VERSION, SIDECARS, TABLES, table_schema
from llmfusionbench.storage.files import sha256
from llmfusionbench.storage.kinds import CROISSANT
from llmfusionbench.types import Progress
from llmfusionbench.validation.candidates import COLUMN, candidate_faults, renamed
from llmfusionbench.validation.issue import Issue, shorten
from llmfusionbench.validation.rows import BATCH_ROWS, kind_of
from llmfusionbench.validation.table_check import TableCheck, bare_message

_UNLISTED = {MANIFEST, "rejected.jsonl", CROISSANT, *SCHEMA_FILES.values()}
"""What may lie beside the files that a manifest lists; the last are in published releases."""


def validate(
    path: str | Path, *, schema: str | None = None, max_errors: int | None = None, progress: Progress | None = None
) -> list[Issue]:
    """All issues of a release directory, or of one Parquet, JSONL or CSV file; an empty list if it is valid.

    Args:
        path: The directory or the file.
        schema: The table that the file holds; by default guessed from the name of the file or of its folder.
        max_errors: Maximum number of issues to report.
        progress: Called as progress(stage, done, total), in rows.

    Raises:
        InputError: `path` does not exist, or the table of the file cannot be guessed.
        UnknownNameError: `schema` is not the name of a table.
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
    check = TableCheck(table_schema(schema or _guess_table(path)), count)
    yield from check.file(path, path.name)
    yield from check.repeated()


def _guess_table(path: Path) -> str:
    """The table that a file holds, from the name of the file or of its folder."""
    stem = path.name.split(".")[0]
    for name in (stem, stem.split("-")[0], path.resolve().parent.name):
        if name in TABLES + SIDECARS:
            return name
    raise InputError(f"{path}: cannot tell which table this is. Remedy: name it with --schema {'|'.join(TABLES)}")


def _release(path: Path, count: Callable[[int], None]) -> Iterator[Issue]:
    manifest, faults = examine(path)
    for error in faults:
        yield Issue(MANIFEST, None, None, bare_message(error, path / MANIFEST, path), "a readable manifest")
    if faults:
        return
    listed, tables = manifest["files"], manifest["tables"]
    damaged = {name: issue for name, entry in sorted(listed.items()) if (issue := _digest_issue(path, name, entry))}
    yield from damaged.values()
    on_disk = {f.relative_to(path).as_posix() for f in path.rglob("*") if f.is_file()}
    for name in sorted(on_disk - listed.keys() - _UNLISTED):
        if "/." not in f"/{name}":  # git and download caches keep hidden files here
            yield Issue(name, None, None, "the file is not in the manifest", "only files that the manifest lists")
    for difference in disagreements(manifest):
        yield Issue(difference.name, None, None, difference.found, difference.expected)
    for name in sorted(set(TABLES) - tables.keys()):
        yield Issue(MANIFEST, None, "tables", None, f"an entry for {name}")
    for name in sorted(tables.keys() - set(TABLES + SIDECARS)):
        yield Issue(MANIFEST, None, "tables", shorten(name), f"one of {', '.join(TABLES)}")

    checks: dict[str, TableCheck] = {}
    for name in (t for t in TABLES + SIDECARS if t in tables):
        current = manifest["schema_version"] == SCHEMA_VERSION
        check = checks[name] = TableCheck(table_schema(name), count, exact=current, older=not current)
        for file in sorted(f for f in listed if f.startswith(f"{name}/")):
            if (path / file).is_file():
                yield from check.file(path / file, file, split=_split_of(file))
            else:
                check.whole = False
        yield from check.repeated()
        yield from _count_issues(manifest, name, check, listed.keys() - damaged.keys())
    for check in checks.values():
        yield from check.dangling(checks)
    if all(name in checks and checks[name].valid and checks[name].whole for name in ("llms", "routing")):
        yield from _candidate_issues(path, manifest, checks["llms"].rows_of, checks["routing"].rows_of)


def _candidate_issues(path: Path, manifest: dict[str, Any], llms: Iterable[str], routing: Iterable[str]) -> Iterator[Issue]:
    """Issues of the candidates in files of valid rows."""
    known = {name for file in llms for name in pq.read_table(path / file, columns=["llm"])["llm"].to_pylist()}
    for name in routing:
        with pq.ParquetFile(path / name) as file:
            first = 0
            for batch in file.iter_batches(BATCH_ROWS, columns=[COLUMN]):
                today = renamed(batch, "routing", manifest["schema_version"])
                for row, value, expected in candidate_faults(today.column(0), known):
                    yield Issue(name, first + row, COLUMN, value, expected)
                first += batch.num_rows


def _split_of(file: str) -> str:
    return Path(file).name.split("-")[0]


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
    """Issues of wrong row counts in the manifest. Damaged files are issues already and do not count here."""
    counted: dict[str, int] = {}
    for file, rows in check.rows_of.items():
        stated = manifest["files"][file].get("rows")
        if file in intact and stated != rows:
            yield Issue(MANIFEST, None, f"files.{file}.rows", shorten(stated), f"{rows:,}, as in the file")
        counted[_split_of(file)] = counted.get(_split_of(file), 0) + rows
    if not check.whole or not check.rows_of.keys() <= intact:
        return
    splits = manifest["tables"][name]["splits"]
    for split in sorted(splits.keys() | counted.keys()):
        stated = splits.get(split, {}).get("rows")
        if stated != counted.get(split, 0):
            place = f"tables.{name}.splits.{split}.rows"
            yield Issue(MANIFEST, None, place, shorten(stated), f"{counted.get(split, 0):,}, as in its files")
