"""A file of precomputed choices or scores, used as a router."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from llmfusionbench.errors import InputError
from llmfusionbench.evaluation.routers.decision import Decisions, from_names, from_scores
from llmfusionbench.release.routing_table import RoutingTable

SUFFIXES: Final = (".csv", ".jsonl", ".parquet")
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
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: suffix {path.suffix!r}, expected one of {', '.join(SUFFIXES)}")
    try:
        if path.suffix == ".csv":
            frame = pd.read_csv(path, dtype={"query_id": str, "candidate": str}, keep_default_na=False, na_values=[""])
        elif path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8-sig").split("\n")  # a text may hold other line ends unescaped
            frame = pd.DataFrame([_record(path, number, line) for number, line in enumerate(lines, 1) if line.strip()])
        else:
            frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # parsing errors of pyarrow and pandas are ValueErrors
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
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else error
        raise InputError(f"{path} line {number}: not JSON ({why}). Remedy: write one object per line") from error
    if not isinstance(record, dict):
        raise InputError(f"{path} line {number}: {line[:40]!r}, expected an object")
    scores = record.pop("scores", None)
    return {**record, **scores} if isinstance(scores, dict) else record


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
