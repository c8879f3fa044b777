"""FusionBench: the long CSV (or Parquet) files of FusionFactory, 40 rows per query, as the reference release is published.

All the traps of the format are handled here: the think suffix, costs a million times too high, one LLM logged at wrong prices,
pass@1 written as a Python dictionary, vectors written as text, and backslashes that some writers doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.backslashes import has_doubled_backslashes, undoubled
from llmfusionbench.builders.reading.csv import csv_columns, read_csv
from llmfusionbench.builders.reading.fields import BadRecordError, answer_text
from llmfusionbench.builders.reading.file_names import labelled, split_of_place
from llmfusionbench.builders.reading.parquet import parquet_columns, read_parquet
from llmfusionbench.builders.reading.tables import Chunk, numbered
from llmfusionbench.builders.reading.tensors import parse_tensors
from llmfusionbench.builders.reading.text_columns import TextColumns
from llmfusionbench.builders.records import Embeddings, Llms, Part, Records, Rejected, refuse
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


@dataclass(frozen=True, kw_only=True)
class FusionBench:
    """Reads official FusionBench files, CSV or Parquet.

    Args:
        split: The split of every query; by default the one that the name of each file or of its folder states.
        embeddings: Keep the vectors of the queries, as a sidecar of the release.
        judge: Name to record as the judge of the column `llm_judge`.
        license: Licence of the queries, if all have the same; the format does not state any.
    """

    split: str | None = None
    embeddings: bool = True
    judge: str = "fusionbench"
    license: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        for path, file in labelled(paths):
            split = self.split or split_of_place(path)
            for chunk in numbered(_batches(path, file)):
                if isinstance(chunk, Rejected):
                    yield chunk
                else:
                    yield from self._parts(file, chunk, split)

    def _parts(self, file: str, chunk: Chunk, split: str) -> Iterator[Part]:
        log = TextColumns(chunk.batch)
        candidates = {name: Candidate.parse(name.strip()) for name in log.distinct("llm")}
        llm = log.map("llm", lambda name: candidates[name].llm)
        mode = log.map("llm", lambda name: candidates[name].mode)
        yield Llms(_prices(log, llm))
        tokens_in, tokens_out = log.numbers("input_tokens_num", whole=True), log.numbers("output_tokens_num", whole=True)
        response, provenance = log.text("response"), log.text("provenance")
        judge_score = log.numbers("llm_judge")
        table = pa.table(
            {
                "file": pa.repeat(file, log.rows),
                "row": pa.array(chunk.rows),
                "task": log.text("task_name"),
                "split": pa.repeat(split, log.rows),
                "source_id": log.text("task_id"),
                "prompt": log.text("query"),
                "mode": mode,
                "ground_truth": log.map("ground_truth", _reference),
                "metric": log.text("metric"),
                "license": pa.repeat(pa.scalar(self.license, pa.string()), log.rows),
                "llm": llm,
                "response": response,
                "status": _status(response, tokens_in, tokens_out),
                "input_tokens": tokens_in.cast(pa.int64()),
                "output_tokens": tokens_out.cast(pa.int64()),
                "tokenizer": log.text("tokenizer"),
                "performance": log.numbers("performance", code_score),
                "cost_usd": _unexplained_cost(log, llm, tokens_in, tokens_out),
                "provenance": pc.if_else(pc.equal(provenance, ""), None, provenance),
                "judge": pc.if_else(judge_score.is_valid(), self.judge, pa.scalar(None, pa.string())),
                "judge_score": judge_score,
            }
        )
        kept, rejected = refuse(table, log.problems)
        yield from rejected
        yield Records(kept)
        if self.embeddings:
            yield from _embeddings(log, file, chunk, mode)


def code_score(cell: str) -> float:
    """A logged performance: a number, or the text of a dictionary `{'pass@1': ...}`.

    Raises:
        ValueError: it is neither.
    """
    match = CODE_SCORE.fullmatch(cell[:200])
    return float(match[1] if match else cell)


def _reference(cell: str) -> str:
    """The repr of a list of texts as the text of a JSON array; any other cell as it is."""
    try:
        return answer_text(cell) or ""
    except BadRecordError:  # it has escapes that are not text
        return cell


def _status(response: pa.Array, tokens_in: pa.Array, tokens_out: pa.Array) -> pa.Array:
    """`error` where a call left neither an answer nor a count, else null: the answer decides."""
    failed = pc.and_(pc.equal(response, ""), pc.and_(tokens_in.is_null(), tokens_out.is_null()))
    return pc.if_else(failed, "error", pa.scalar(None, pa.string()))


def _prices(log: TextColumns, llm: pa.Array) -> list[dict[str, Any]]:
    """What the log states of each LLM, in order; prices that are known to be wrong are corrected."""
    table = pa.table(
        {"llm": llm, "input_price": log.numbers("input_price"), "output_price": log.numbers("output_price"),
         "description": log.text("llm_description")}
    )  # fmt: skip
    rows = table.group_by("llm", use_threads=False).aggregate([(c, "first") for c in table.column_names[1:]]).to_pylist()
    stated = []
    for row in rows:
        if not row["llm"]:
            continue  # its records are rejected
        prices = CORRECTED_PRICES.get(row["llm"], (row["input_price_first"], row["output_price_first"]))
        priced = dict(zip(("input_price", "output_price"), prices, strict=True))
        stated.append({"llm": row["llm"], **priced, "description": row["description_first"] or None})
    return stated


def _unexplained_cost(log: TextColumns, llm: pa.Array, tokens_in: pa.Array, tokens_out: pa.Array) -> pa.Array:
    """USD, from the logged cost, which lacks the division by a million; null where tokens and price will give it."""
    explained = pc.and_(tokens_in.is_valid(), tokens_out.is_valid())
    wrong = pc.is_in(llm, pa.array(list(CORRECTED_PRICES)))
    return pc.if_else(pc.or_(explained, wrong), pa.scalar(None, pa.float64()), pc.divide(log.numbers("cost"), 1e6))


def _embeddings(log: TextColumns, file: str, chunk: Chunk, mode: pa.Array) -> Iterator[Part]:
    """The vectors of the chunk. An elided one is null, a damaged one is rejected."""
    for column, embedded in (("query_embedding", "prompt"), ("task_description_embedding", "task_description")):
        cells = log.text(column)
        rows = pc.indices_nonzero(pc.and_(pc.not_equal(cells, ""), pc.equal(mode, "direct")))
        if not len(rows):
            continue
        cells, names = cells.take(rows), log.text("task_name").take(rows)
        vectors, damaged = parse_tensors(cells)
        for place in np.flatnonzero(damaged).tolist():
            found = f"{column} is {shorten(cells[place].as_py())}, expected the text of a tensor of finite numbers"
            record = {"task": names[place].as_py(), "embedded": embedded}
            row = int(chunk.rows[rows[place].as_py()])
            yield Rejected(file, row, f"{found}; the record is kept without it", record)
        table = {
            "task": names,
            "prompt": log.text("query").take(rows),
            "embedded": pa.repeat(embedded, len(rows)),
            "embedding": vectors,
        }
        yield Embeddings(pa.table(table).filter(pa.array(~damaged)))


def _batches(path: Path, file: str) -> Iterator[pa.RecordBatch | Rejected]:
    """The rows of a CSV or Parquet file."""
    if path.suffix.lower() in (".parquet", ".pq"):
        _check_columns(path, parquet_columns(path))
        yield from read_parquet(path, file, bytes_as_text=True)
    else:
        doubled = has_doubled_backslashes(path)
        _check_columns(path, csv_columns(path))
        for batch in read_csv(path, file=file):
            yield undoubled(batch) if doubled and isinstance(batch, pa.RecordBatch) else batch


def _check_columns(path: Path, names: list[str]) -> None:
    missing = [c for c in _NEEDED if c not in names]
    if missing:
        raise InputError(
            f"{path}: no column {', '.join(missing)}; it has {', '.join(names)}. "
            "Remedy: use another source, or `table` with --map"
        )
