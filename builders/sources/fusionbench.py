"""FusionBench: the long CSV (or Parquet) of FusionFactory, 40 rows a query, as the reference release is published.

Its traps are all met here: the think suffix, costs a million times too high, one LLM logged at wrong prices, pass@1 written as
a Python dictionary, vectors written as text, and backslashes that some writers doubled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmfusionbench.builders.reading.backslashes import has_doubled_backslashes, undoubled
from llmfusionbench.builders.reading.csv import csv_columns, read_csv
from llmfusionbench.builders.reading.fields import BadRecordError, answer_text
from llmfusionbench.builders.reading.file_names import labels
from llmfusionbench.builders.reading.parquet import readable_rows
from llmfusionbench.builders.reading.tensors import parse_tensors
from llmfusionbench.builders.records import Embeddings, Llms, Part, Records, Rejected, identity
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate
from llmfusionbench.validation.issue import shorten

COLUMNS: Final = (
    "task_name", "task_id", "task_description", "task_description_embedding", "query", "query_embedding", "ground_truth",
    "metric", "llm", "input_price", "output_price", "input_tokens_num", "output_tokens_num", "performance", "cost",
    "response", "llm_description",
)  # fmt: skip
"""The columns of the format; `llm_judge` joins them once answers are judged."""

_NEEDED: Final = ("task_name", "query", "llm")

CORRECTED_PRICES: Final = {"deepseek-r1": (0.55, 2.19)}
"""LLM -> (input, output) USD per 1M tokens, for those that were logged at wrong prices."""

CODE_SCORE: Final = re.compile(r"""\s*\{\s*['"]pass@1['"]\s*:\s*(?:np\.float(?:32|64)\(\s*)?([^\s(){}]{1,40}?)\s*\)?\s*\}\s*""")
_NOTHING: Final = {"", "nan", "NaN", "None"}
_LARGEST_WHOLE: Final = 2.0**53


class FusionBench:
    """Reads official FusionBench files, CSV or Parquet.

    Args:
        split: The split of every query; by default told from the name of each file or of its folder.
        embeddings: Keep the vectors that came with the queries, as a sidecar of the release.
        judge: The name to record as the judge of the column `llm_judge`.
        license: Licence of the queries, where there is one for all; the format does not state any.
    """

    def __init__(
        self,
        *,
        split: str | None = None,
        embeddings: bool = True,
        judge: str = "fusionbench",
        license: str | None = None,  # noqa: A002 - the name of the column
    ) -> None:
        self.split = split
        self.embeddings = embeddings
        self.judge = judge
        self.license = license

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files.

        Raises:
            InputError: a file is neither CSV nor Parquet, lacks a column that the format needs, or names no split.
        """
        for path, file in zip(paths, labels(paths), strict=True):
            split = self.split or split_of(path)
            row = 0
            for batch in _batches(path, file):
                if isinstance(batch, Rejected):
                    yield batch
                    row += 1
                else:
                    yield from self._parts(_Columns(file, row, batch), split)
                    row += batch.num_rows

    def _parts(self, log: _Columns, split: str) -> Iterator[Part]:
        names = [Candidate.parse(n.strip()) for n in log.distinct("llm")]
        llm = log.map("llm", dict(zip(log.distinct("llm"), (c.llm for c in names), strict=True)).__getitem__)
        mode = log.map("llm", dict(zip(log.distinct("llm"), (c.mode for c in names), strict=True)).__getitem__)
        yield Llms(_prices(log, llm))
        tokens_in, tokens_out = log.numbers("input_tokens_num", whole=True), log.numbers("output_tokens_num", whole=True)
        response = log.text("response")
        judge_score = log.numbers("llm_judge")
        columns = {
            "file": pa.array([log.file] * log.rows, pa.string()),
            "row": pa.array(np.arange(log.first, log.first + log.rows)),
            "task": log.text("task_name"),
            "split": pa.array([split] * log.rows, pa.string()),
            "source_id": log.text("task_id"),
            "prompt": log.text("query"),
            "mode": mode,
            "ground_truth": log.map("ground_truth", _reference),
            "metric": log.text("metric"),
            "license": pa.array([self.license] * log.rows, pa.string()),
            "llm": llm,
            "response": response,
            "status": _status(response, tokens_in, tokens_out),
            "input_tokens": tokens_in.cast(pa.int64()),
            "output_tokens": tokens_out.cast(pa.int64()),
            "tokenizer": log.text("tokenizer"),
            "performance": log.numbers("performance", code_score),
            "cost_usd": _unexplained_cost(log, llm, tokens_in, tokens_out),
            "provenance": pc.if_else(pc.equal(log.text("provenance"), ""), None, log.text("provenance")),
            "judge": pc.if_else(judge_score.is_valid(), self.judge, pa.scalar(None, pa.string())),
            "judge_score": judge_score,
        }
        table = pa.table(columns)
        yield from log.rejected(columns)
        yield Records(table.filter(pa.array(~log.damaged)) if log.damaged.any() else table)
        if self.embeddings:
            yield from _embeddings(log, mode)


class _Columns:
    """The columns of a batch as texts, parsed as they are asked for; cells that do not parse are noted."""

    def __init__(self, file: str, first: int, batch: pa.RecordBatch) -> None:
        self.file, self.first, self.rows = file, first, batch.num_rows
        self.damaged = np.zeros(self.rows, bool)
        self._batch = batch
        self._encoded: dict[str, pa.DictionaryArray] = {}
        self._problems: dict[int, list[str]] = {}

    def text(self, name: str) -> pa.Array:
        """The column as text; empty where the cell is, or where there is no such column."""
        if name not in self._batch.schema.names:
            return pa.array([""] * self.rows, pa.string())
        return _as_text(self._batch.column(name))

    def _codes(self, name: str) -> pa.DictionaryArray:
        if name not in self._encoded:
            self._encoded[name] = self.text(name).dictionary_encode()
        return self._encoded[name]

    def distinct(self, name: str) -> list[str]:
        values: list[str] = self._codes(name).dictionary.to_pylist()
        return values

    def map(self, name: str, function: Callable[[str], str]) -> pa.Array:
        """`function` of every cell, called once for each distinct one."""
        return pa.array([function(v) for v in self.distinct(name)], pa.string()).take(self._codes(name).indices)

    def numbers(self, name: str, parse: Callable[[str], float] = float, *, whole: bool = False) -> pa.Array:
        """[n] float64 of the column; null where the cell is empty. A cell that is no number damages its record."""
        values: list[float | None] = []
        wrong = []
        for code, cell in enumerate(self.distinct(name)):
            value = None
            if cell.strip() not in _NOTHING:
                try:
                    value = parse(cell)
                except ValueError:
                    wrong.append(code)
                else:
                    fits = np.isfinite(value) and "_" not in cell  # Python takes 1_000 for a number
                    if not fits or (whole and (value != int(value) or abs(value) > _LARGEST_WHOLE)):
                        value = None
                        wrong.append(code)
            values.append(value)
        indices = self._codes(name).indices
        if wrong:
            for row in np.flatnonzero(np.isin(indices.to_numpy(), wrong)).tolist():
                expected = "a whole number" if whole else "a number"
                found = shorten(self.text(name)[row].as_py())
                self._problems.setdefault(row, []).append(f"{name} is {found}, expected {expected}")
                self.damaged[row] = True
        return pa.array(values, pa.float64()).take(indices)

    def rejected(self, columns: dict[str, pa.Array]) -> Iterator[Rejected]:
        """The records with cells that did not parse."""
        for row, problems in sorted(self._problems.items()):
            record = identity({name: values[row].as_py() for name, values in columns.items()})
            yield Rejected(self.file, self.first + row, "; ".join(problems), record)


def split_of(path: Path) -> str:
    """The split that a file's name or its folder's states.

    Raises:
        InputError: neither names one.
    """
    for part in (path.name, *(p.name for p in list(path.absolute().parents)[:2])):
        words = re.split(r"[^a-z]+", part.lower())
        if "test" in words:
            return "partial_test" if "partial" in words else "test"
        if "train" in words:
            return "train"
    raise InputError(f"{path}: its name states no split. Remedy: --split train, test or partial_test")


def code_score(cell: str) -> float:
    """A performance as it is logged: a number, or the text of a dictionary `{'pass@1': ...}`.

    Raises:
        ValueError: it is neither.
    """
    match = CODE_SCORE.fullmatch(cell[:200])
    return float(match[1] if match else cell)


def _reference(cell: str) -> str:
    """A list of texts written as its repr as the text of a JSON array; any other cell as it is."""
    try:
        return answer_text(cell) or ""
    except BadRecordError:  # its escapes stand for what is no text
        return cell


def _status(response: pa.Array, tokens_in: pa.Array, tokens_out: pa.Array) -> pa.Array:
    """`error` where a call left neither an answer nor a count; otherwise as the answer says."""
    failed = pc.and_(pc.equal(response, ""), pc.and_(tokens_in.is_null(), tokens_out.is_null()))
    return pc.if_else(failed, "error", pa.scalar(None, pa.string()))


def _prices(log: _Columns, llm: pa.Array) -> list[dict[str, Any]]:
    """What the log says of each LLM, in the order they come; prices that are known to be wrong are put right."""
    table = pa.table(
        {"llm": llm, "input_price": log.numbers("input_price"), "output_price": log.numbers("output_price"),
         "description": log.text("llm_description")}
    )  # fmt: skip
    rows = table.group_by("llm", use_threads=False).aggregate([(c, "first") for c in table.column_names[1:]]).to_pylist()
    said = []
    for row in rows:
        if not row["llm"]:
            continue  # its records are rejected
        prices = CORRECTED_PRICES.get(row["llm"], (row["input_price_first"], row["output_price_first"]))
        said.append(
            {
                "llm": row["llm"],
                "input_price": prices[0],
                "output_price": prices[1],
                "description": row["description_first"] or None,
            }
        )
    return said


def _unexplained_cost(log: _Columns, llm: pa.Array, tokens_in: pa.Array, tokens_out: pa.Array) -> pa.Array:
    """USD, from the logged cost, which lacks the division by a million; null where tokens and price will give it."""
    explained = pc.and_(tokens_in.is_valid(), tokens_out.is_valid())
    wrong = pc.is_in(llm, pa.array(list(CORRECTED_PRICES)))
    return pc.if_else(pc.or_(explained, wrong), pa.scalar(None, pa.float64()), pc.divide(log.numbers("cost"), 1e6))


def _embeddings(log: _Columns, mode: pa.Array) -> Iterator[Part]:
    """The vectors of the batch; one that is elided is null, one that is damaged is rejected."""
    for column, embedded in (("query_embedding", "prompt"), ("task_description_embedding", "task_description")):
        cells = log.text(column)
        rows = pc.indices_nonzero(pc.and_(pc.not_equal(cells, ""), pc.equal(mode, "direct")))
        vectors, damaged = parse_tensors(cells.take(rows))
        names = log.text("task_name").take(rows)
        for place in np.flatnonzero(damaged).tolist():
            reason = (
                f"{column} is {shorten(cells[rows[place].as_py()].as_py())}, expected the text of a tensor of finite numbers"
            )
            record = {"task": names[place].as_py(), "embedded": embedded}
            yield Rejected(log.file, log.first + rows[place].as_py(), f"{reason}; the record is kept without it", record)
        whole = pa.array(~damaged)
        if len(rows):
            table = {
                "task": names,
                "prompt": log.text("query").take(rows),
                "embedded": pa.array([embedded] * len(rows)),
                "embedding": vectors,
            }
            yield Embeddings(pa.table(table).filter(whole))


def _as_text(column: pa.Array) -> pa.Array:
    """A column of any type as text, empty where null; lists of texts become the text of a JSON array."""
    if pa.types.is_nested(column.type):
        texts = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in column.to_pylist()]
        return pc.fill_null(pa.array(texts, pa.string()), "")
    return pc.fill_null(column.cast(pa.string()), "")


def _batches(path: Path, file: str) -> Iterator[pa.RecordBatch | Rejected]:
    """The rows of a CSV or Parquet file.

    Raises:
        InputError: it is neither, or lacks a column that the format needs.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        yield from _parquet_batches(path, file)
    else:
        doubled = has_doubled_backslashes(path)
        _check_columns(path, csv_columns(path))
        for batch in read_csv(path, file=file):
            yield undoubled(batch) if doubled and isinstance(batch, pa.RecordBatch) else batch


def _parquet_batches(path: Path, file: str) -> Iterator[pa.RecordBatch | Rejected]:
    try:
        with pq.ParquetFile(path) as parquet:
            _check_columns(path, parquet.schema_arrow.names)
            row = 0
            for group in range(parquet.num_row_groups):  # one at a time: over all of them, memory grows with the file
                for batch in parquet.iter_batches(batch_size=4096, row_groups=[group]):
                    yield from readable_rows(_without_bytes(batch), file, row)
                    row += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({error}). Remedy: download it again") from error


def _without_bytes(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with its bytes as texts, whatever they are."""
    columns = [
        column.cast(pa.large_string(), safe=False)
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type) or pa.types.is_binary_view(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _check_columns(path: Path, names: list[str]) -> None:
    missing = [c for c in _NEEDED if c not in names]
    if missing:
        raise InputError(
            f"{path}: no column {', '.join(missing)}; it has {', '.join(names)}. Remedy: another source, or `table` with --map"
        )
