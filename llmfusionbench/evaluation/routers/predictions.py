"""A file of precomputed choices or scores, used as a router."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmfusionbench.errors import InputError
from llmfusionbench.evaluation.routers.decision import Decisions, from_names, from_scores
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.storage.repeats import repeated

SUFFIXES: Final = (".csv", ".jsonl", ".parquet")
_MOST_CELLS: Final = 20_000_000
_MOST_BYTES: Final = 256 << 20
_SPLIT: Final = "Remedy: keep only the rows and columns that are needed"
_TEXTS: Final = ("query_id", "task", "prompt")
"""Columns without scores."""


class PredictionsRouter:
    """A file with `query_id` and either `candidate`, or a column of scores for every candidate.

    Rows are joined with the queries by query_id; other ids are ignored. An empty `candidate` declines the query.

    Args:
        path: CSV, JSONL or Parquet.

    Raises:
        InputError: The file cannot be read, or lacks the columns.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.frame = read_predictions(self.path)

    def decide(self, table: RoutingTable, *, may_decline: bool = False) -> Decisions:
        """The file's choices for the queries of `table`; missing, duplicate and unknown ones are faults."""
        counts = self.frame["query_id"].value_counts()
        by_id = self.frame.drop_duplicates("query_id").set_index("query_id").reindex(table.query_ids)
        present = np.array([q in counts.index for q in table.query_ids], bool)
        double = np.array([counts.get(q, 0) > 1 for q in table.query_ids], bool)
        usable = present & ~double
        faults = [f"query {table.query_ids[i]}: not in {self.path.name}" for i in np.flatnonzero(~present)]
        faults += [
            f"query {table.query_ids[i]}: {counts[table.query_ids[i]]} rows in {self.path.name}, expected one"
            for i in np.flatnonzero(double)
        ]
        some = table.rows(usable)
        if "candidate" in self.frame.columns:
            names = [None if _is_missing(name) else str(name) for name in by_id["candidate"][usable]]
            made = from_names(names, some, may_decline=may_decline)
        else:
            scores = by_id.drop(columns=[c for c in ("task", "prompt") if c in by_id.columns])[usable]
            made = from_scores(scores.to_numpy(np.float64), list(scores.columns), some, may_decline=may_decline)
        return _spread(made, usable, faults)


def read_predictions(path: Path) -> pd.DataFrame:
    """The rows of a file, query_id as text. Raises InputError if it cannot be read or does not hold predictions."""
    if not path.exists():
        raise InputError(f"{path}: cannot be read (no such file). Remedy: check the path")
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: suffix {path.suffix!r}, expected one of {', '.join(SUFFIXES)}")
    try:
        if path.suffix == ".csv":
            _check_names(path, _csv_header(path))
            frame = pd.read_csv(path, dtype={"query_id": str, "candidate": str}, keep_default_na=False, na_values=[""])
        elif path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8-sig").split("\n")  # a text may hold other line ends unescaped
            records = [_record(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
            _check_size(path, len(records), len({name for record in records for name in record}))
            frame = pd.DataFrame(records)
        else:
            frame = _read_parquet(path)
    except (OSError, ValueError, OverflowError, pa.ArrowException, csv.Error) as error:  # those of pandas are ValueErrors
        raise InputError(f"{path}: cannot be read as {path.suffix[1:]} ({error}). Remedy: check the file") from error
    others = [c for c in frame.columns if c not in _TEXTS]
    if "query_id" not in frame.columns or not others:
        raise InputError(
            f"{path}: columns {', '.join(map(str, frame.columns)) or '(none)'}, expected query_id and candidate, "
            f"or query_id and a column of scores for every candidate. Remedy: {_header_remedy(list(frame.columns))}"
        )
    frame["query_id"] = frame["query_id"].astype(str)
    if "candidate" not in frame.columns:
        if path.suffix == ".csv":
            frame = frame.apply(lambda column: column if column.name in _TEXTS else _numbers(column))
        texts = [c for c in others if not pd.api.types.is_numeric_dtype(frame[c])]
        if texts:
            raise InputError(
                f"{path}: columns {', '.join(map(str, texts))} do not hold numbers, expected scores of candidates. "
                f"Remedy: {_header_remedy(texts)}"
            )
    return frame


def _csv_header(path: Path) -> list[str]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def _check_names(path: Path, names: list[str]) -> None:
    twice = next(iter(repeated(names)), None)
    if twice is not None:
        raise InputError(f"{path}: two columns are called {twice[:80]!r}. Remedy: rename or drop one of them")


def _check_size(path: Path, rows: int, columns: int) -> None:
    if rows * columns > _MOST_CELLS:
        raise InputError(f"{path}: {rows:,} rows of {columns:,} columns, expected up to {_MOST_CELLS:,} cells. {_SPLIT}")


def _read_parquet(path: Path) -> pd.DataFrame:
    """The columns of a Parquet file that matter here; what it unpacks to is checked before."""
    with pq.ParquetFile(path) as file:
        names, about = file.schema_arrow.names, file.metadata
        leaves = [file.schema.column(i) for i in range(about.num_columns)]
    _check_names(path, names)
    _check_size(path, about.num_rows, len(names))
    read = [i for i, leaf in enumerate(leaves) if leaf.path not in ("task", "prompt")]
    groups = [about.row_group(g) for g in range(about.num_row_groups)]
    unpacked = sum(group.column(i).total_uncompressed_size for group in groups for i in read)
    if unpacked > _MOST_BYTES:
        raise InputError(f"{path}: unpacks to {unpacked >> 20:,} MiB, expected up to {_MOST_BYTES >> 20:,}. {_SPLIT}")
    # Texts are read as dictionaries, since a small file may hold one long text in every row.
    wanted = [name for name in names if name not in ("task", "prompt")]
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and leaf.path in wanted]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        table = file.read(columns=wanted)
    table.validate(full=True)
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if name in ("query_id", "candidate") and (pa.types.is_binary(kind) or pa.types.is_nested(kind)):
            raise InputError(f"{path}: column {name} is {kind}, expected texts. Remedy: write it as text")
        if pa.types.is_dictionary(column.type):
            lengths = (pc.binary_length(c.dictionary.cast(pa.large_binary())).take(c.indices) for c in column.chunks)
            size = sum(pc.sum(length).as_py() or 0 for length in lengths)
            if size > _MOST_BYTES:
                raise InputError(
                    f"{path}: column {name} unpacks to {size >> 20:,} MiB, expected up to {_MOST_BYTES >> 20:,}. {_SPLIT}"
                )
            table = table.set_column(table.column_names.index(name), name, column.cast(kind))
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _header_remedy(columns: list[Any]) -> str:
    """The remedy for columns that are not those of predictions."""
    names = [str(column) for column in columns]
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        return "separate the columns by commas"
    if any(name != name.strip() for name in names):
        return "leave no spaces around the names of columns"
    return "rename or drop columns"


def _is_missing(name: Any) -> bool:
    return bool(pd.api.types.is_scalar(name) and (pd.isna(name) or name == ""))


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column whose only texts spell NaN, as numbers; any other unchanged."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    written = column.astype(str).str.strip().str.lower().isin(["nan", "null", "none", "na"])
    try:
        return pd.to_numeric(column.mask(written))
    except ValueError:
        return column


def _record(path: Path, number: int, line: str) -> dict[str, Any]:
    """A line: an object with query_id and candidate, or query_id and scores, an object of candidate -> score."""
    try:
        record = json.loads(line, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else error
        raise InputError(f"{path} line {number}: not JSON ({why}). Remedy: write one object per line") from error
    if not isinstance(record, dict):
        raise InputError(f"{path} line {number}: {line[:40]!r}, expected an object")
    scores = record.pop("scores", None)
    return {**record, **scores} if isinstance(scores, dict) else record


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twice = next(iter(repeated(key for key, _ in pairs)), None)
    if twice is not None:
        raise ValueError(f"the key {twice[:80]!r} is given twice in one object")
    return dict(pairs)


def _spread(made: Decisions, usable: np.ndarray[Any, np.dtype[np.bool_]], faults: list[str]) -> Decisions:
    """The decisions for the usable queries, extended to all."""
    choice = np.full(len(usable), -1, np.int64)
    choice[usable] = made.choice
    declined = np.zeros(len(usable), bool)
    declined[usable] = made.declined
    scores = None
    if made.scores is not None:
        scores = np.full((len(usable), made.scores.shape[1]), -np.inf)
        scores[usable] = made.scores
    return Decisions(choice, declined, scores, (*faults, *made.faults))
