"""Any table of answers: CSV, TSV, JSON, JSONL or Parquet, one row an answer or one a query, with a mapping of its columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import InputError
from ..files import open_binary
from ..types import Candidate
from .csv_input import csv_columns, read_csv
from .json_input import BadRecordError, fields, labels, read_items, stem, writable
from .normalise import identity
from .records import LOG, Part, Records, Rejected
from .table_cells import Cells
from .table_mapping import COLUMNS, TableMapping, parse_mapping

_SUFFIXES: Final = {
    ".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_ROWS: Final = 4096
_UNKNOWN: Final = "unknown"


class Table:
    """Reads tables of any make.

    A column of the file that has the name of one of ours maps by itself. A record needs an LLM, and a prompt or a source_id;
    its task is the file's name where nothing says it, its metric `unknown`.

    Args:
        map: Our column -> the file's, or `=text` for a constant, such as `{"prompt": "question", "task": "=trivia"}`; or a YAML
            file with such lines, or with sections `map`, `wide`, `llms` and `split`.
        wide: For tables with one row a query: our column -> a pattern of the file's with `{llm}` in it, such as
            `{"performance": "{llm}", "response": "{llm}|model_response"}`. An LLM whose cells are all empty was not asked.
        llms: The LLMs of a wide table; by default those that the patterns find.
        split: The split of records that name none.
    """

    def __init__(
        self,
        *,
        map: Mapping[str, str] | str | Path | None = None,  # noqa: A002
        wide: Mapping[str, str] | None = None,
        llms: Sequence[str] | None = None,
        split: str | None = None,
    ) -> None:
        self.map = map
        self.wide = wide
        self.llms = llms
        self.split = split

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files.

        Raises:
            InputError: a file cannot be read, or lacks a column that the mapping names or that a log needs.
            UnknownNameError: the mapping names a column that we do not have.
        """
        mapping = parse_mapping(self.map, self.wide, self.llms)
        for path, file in zip(paths, labels(paths), strict=True):
            columns = _columns(path, file)
            mapping.check(columns, str(path))
            reading = _Reading(file, mapping, _defaults(mapping, path, self.split), mapping.source_of(columns), {})
            if mapping.wide:
                reading.answers.update(_answers(mapping, columns, path))
            for chunk in _chunks(path, file, reading.needed()):
                if isinstance(chunk, Rejected):
                    yield chunk
                else:
                    yield from reading.parts(chunk)


@dataclass(frozen=True)
class _Chunk:
    batch: pa.RecordBatch
    rows: npt.NDArray[np.int64]
    """[n] number of each record in its file."""


@dataclass(frozen=True)
class _Reading:
    """How the chunks of one file become parts."""

    file: str
    mapping: TableMapping
    constants: dict[str, pa.Scalar]
    sources: dict[str, str]
    answers: dict[str, dict[str, str]]
    """LLM -> our column -> theirs, in a wide table."""

    def needed(self) -> list[str]:
        """The columns of the file that are read."""
        wide = (column for columns in self.answers.values() for column in columns.values())
        return list(dict.fromkeys([*self.sources.values(), *wide]))

    def parts(self, chunk: _Chunk) -> Iterator[Part]:
        """The records of a chunk; in a wide table the queries first, then the answers of each LLM."""
        cells = Cells(chunk.batch)
        columns: dict[str, pa.Array] = {"file": pa.array([self.file] * len(chunk.rows)), "row": pa.array(chunk.rows)}
        for ours in COLUMNS:
            if ours in self.sources:
                columns[ours] = cells.column(ours, self.sources[ours], LOG.field(ours).type)
            if ours in self.constants:
                constant = pa.repeat(self.constants[ours], len(chunk.rows))
                columns[ours] = pc.coalesce(columns[ours], constant) if ours in columns else constant
        if not self.mapping.wide:
            for i in np.flatnonzero(columns["llm"].is_null().to_numpy(zero_copy_only=False)).tolist():
                cells.problems.setdefault(i, []).append(
                    f"{self.sources.get('llm', 'llm')} is empty, expected the name of an LLM"
                )
            yield from self._checked(chunk, cells, _with_candidates(columns))
            return
        common = {k: v for k, v in columns.items() if k not in ("llm", "mode")}
        yield from self._checked(chunk, cells, common)
        broken = set(cells.problems)
        for llm, sources in self.answers.items():
            cells.problems.clear()
            answer = {ours: cells.column(ours, theirs, LOG.field(ours).type) for ours, theirs in sources.items()}
            asked = _any_said(cells, sources)
            asked[list(broken)] = False
            names = {"llm": pa.array([llm] * len(chunk.rows))} | ({"mode": columns["mode"]} if "mode" in columns else {})
            yield from self._checked(chunk, cells, _with_candidates(common | answer | names), asked)

    def _checked(
        self, chunk: _Chunk, cells: Cells, columns: dict[str, pa.Array], wanted: npt.NDArray[np.bool_] | None = None
    ) -> Iterator[Part]:
        kept = np.ones(len(chunk.rows), bool) if wanted is None else wanted.copy()
        for i, problems in sorted(cells.problems.items()):
            if kept[i]:
                record = identity({k: v[i].as_py() for k, v in columns.items()})
                yield Rejected(self.file, int(chunk.rows[i]), "; ".join(problems), record)
                kept[i] = False
        table = pa.table(columns)
        yield Records(table if kept.all() else table.filter(pa.array(kept)))


def _with_candidates(columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Names like `name_think` taken apart into LLM and mode."""
    encoded = columns["llm"].dictionary_encode()
    candidates = [Candidate.parse(name) for name in encoded.dictionary.to_pylist()]
    llm = pa.array([c.llm for c in candidates], pa.string()).take(encoded.indices)
    mode = pa.array(["think" if c.mode == "think" else None for c in candidates], pa.string()).take(encoded.indices)
    return columns | {"llm": llm, "mode": pc.coalesce(mode, columns["mode"]) if "mode" in columns else mode}


def _any_said(cells: Cells, sources: Mapping[str, str]) -> npt.NDArray[np.bool_]:
    """[n] whether any cell of an answer holds something."""
    said = np.zeros(cells.batch.num_rows, bool)
    for theirs in sources.values():
        column = cells.batch.column(theirs)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            said |= pc.fill_null(pc.not_equal(column, ""), False).to_numpy(zero_copy_only=False)
        else:
            said |= column.is_valid().to_numpy(zero_copy_only=False)
    return said


def _defaults(mapping: TableMapping, path: Path, split: str | None) -> dict[str, pa.Scalar]:
    """What every record has unless it says otherwise."""
    texts = {"task": stem(path), "metric": _UNKNOWN, "split": split or mapping.split or "train"} | mapping.constants
    found = {}
    for ours, value in texts.items():
        cells = Cells(pa.record_batch({ours: pa.array([value])}))
        found[ours] = cells.column(ours, ours, LOG.field(ours).type)[0]
        if cells.problems:
            raise InputError(f"the constant {cells.problems[0][0]}. Remedy: mend it in the mapping")
    return found


def _answers(mapping: TableMapping, columns: Sequence[str], path: Path) -> dict[str, dict[str, str]]:
    """LLM -> our column -> theirs, of those that the file has."""
    found = {}
    for llm in mapping.llms_in(columns):
        named = {ours: pattern.replace("{llm}", llm) for ours, pattern in mapping.wide.items()}
        there = {ours: theirs for ours, theirs in named.items() if theirs in columns}
        if not there:
            TableMapping(columns=named).check(columns, str(path))
        found[llm] = there
    return found


def _format(path: Path) -> str:
    name = path.name.lower()
    for ending in (".gz", ".zst"):
        name = name.removesuffix(ending)
    known = _SUFFIXES.get(Path(name).suffix)
    if known:
        return known
    with open_binary(path) as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return "parquet"
    return "json" if head.startswith((b"{", b"[")) else "csv"


def _columns(path: Path, file: str) -> list[str]:
    """The names of a file's columns; of JSON all that any record has."""
    match _format(path):
        case "parquet":
            with _parquet(path) as parquet:
                return list(parquet.schema_arrow.names)
        case "json":
            items = (item[1] for item in read_items(path, file) if not isinstance(item, Rejected))
            return list(dict.fromkeys(key for item in items if isinstance(item, dict) for key in item))
        case delimited:
            return csv_columns(path, delimiter="\t" if delimited == "tsv" else ",")


def _chunks(path: Path, file: str, needed: list[str]) -> Iterator[_Chunk | Rejected]:
    match _format(path):
        case "parquet":
            yield from _parquet_chunks(path, needed)
        case "json":
            yield from _json_chunks(path, file, needed)
        case delimited:
            row = 0
            for part in read_csv(path, delimiter="\t" if delimited == "tsv" else ",", file=file):
                if isinstance(part, Rejected):
                    yield part
                    row += 1
                else:
                    yield _Chunk(part.select(needed), np.arange(row, row + part.num_rows))
                    row += part.num_rows


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({error}). Remedy: fetch the file again") from error


def _parquet_chunks(path: Path, needed: list[str]) -> Iterator[_Chunk]:
    row = 0
    with _parquet(path) as parquet:
        try:
            for group in range(parquet.num_row_groups):  # one at a time: over all of them, memory grows with the file
                for batch in parquet.iter_batches(batch_size=_ROWS, columns=needed, row_groups=[group]):
                    yield _Chunk(batch, np.arange(row, row + batch.num_rows))
                    row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path}: cannot be read after record {row} ({error}). Remedy: fetch the file again") from error


def _json_chunks(path: Path, file: str, needed: list[str]) -> Iterator[_Chunk | Rejected]:
    rows: list[int] = []
    records: list[dict[str, str | None]] = []
    for item in read_items(path, file):
        if isinstance(item, Rejected):
            yield item
            continue
        row, value = item
        try:
            record = fields(value)
            records.append({name: _cell(record.get(name), name) for name in needed})
        except BadRecordError as error:
            yield Rejected(file, row, str(error), {})
            continue
        rows.append(row)
        if len(rows) >= _ROWS:
            yield _json_chunk(rows, records, needed)
            rows, records = [], []
    if rows:
        yield _json_chunk(rows, records, needed)


def _json_chunk(rows: list[int], records: list[dict[str, str | None]], needed: list[str]) -> _Chunk:
    schema = pa.schema([(name, pa.string()) for name in needed])
    return _Chunk(pa.RecordBatch.from_pylist(records, schema=schema), np.array(rows, np.int64))


def _cell(value: Any, name: str) -> str | None:
    """A JSON value as text, for cells of one column need not be of one type."""
    if value is None:
        return None
    return writable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), name)
