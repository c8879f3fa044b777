"""What a source yields while it reads: log records, notes, LLMs, templates, vectors, and rejected records.

A log record is one answer with everything that its log states, in the columns of `LOG`, whatever the format was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from llmfusionbench.schema import table_schema

_TEXT, _COUNT, _REAL = pa.string(), pa.int64(), pa.float64()

LOG: Final = pa.schema(
    {
        "file": _TEXT,  # where the record stands, for messages
        "row": _COUNT,
        "task": _TEXT,
        "domain": _TEXT,  # null: by the task
        "split": _TEXT,
        "source_id": _TEXT,
        "prompt": _TEXT,  # as it was sent, think suffix and all; null: rendered from the messages
        "messages": pa.list_(pa.struct({"role": _TEXT, "content": _TEXT})),  # as they were sent
        "prompt_think": _TEXT,  # as it was sent in think mode; then prompt and messages are those of direct mode
        "ground_truth": _TEXT,
        "choices": pa.list_(_TEXT),
        "metric": _TEXT,
        "license": _TEXT,
        "llm": _TEXT,  # null: the record is a query without an answer
        "llm_path": _TEXT,  # the path that `llm` is the end of, which tells two LLMs apart; null: the log states `llm` as such
        "mode": _TEXT,
        "replicate": _COUNT,  # null: 0
        "response": _TEXT,
        "reasoning": _TEXT,  # null: what a <think> block that begins the response holds
        "status": _TEXT,  # null: `ok`, `empty` where the response is blank, or `error` where there is only an error
        "error": _TEXT,
        "finish_reason": _TEXT,  # in the words of any endpoint
        "requested_model": _TEXT,
        "served_model": _TEXT,
        "endpoint": _TEXT,
        "service_tier": _TEXT,
        "attempts": _COUNT,
        "created_at": _TEXT,  # ISO 8601, or seconds, milliseconds or microseconds since 1970
        "sampling": table_schema("responses").arrow.field("sampling").type,
        "input_tokens": _COUNT,
        "output_tokens": _COUNT,
        "reasoning_tokens": _COUNT,
        "cached_tokens": _COUNT,
        "tokenizer": _TEXT,
        "performance": _REAL,
        "metric_version": _TEXT,
        "cost_usd": _REAL,  # null: by tokens and price
        "latency_s": _REAL,
        "provenance": _TEXT,  # null: `imported`
        "judge": _TEXT,  # null: the answer was not judged
        "judge_path": _TEXT,  # as `llm_path`, of `judge`
        "judge_opponent": _TEXT,
        "judge_order": _TEXT,
        "judge_score": _REAL,
        "judge_reason": _TEXT,
        "judge_rubric": _TEXT,
        "judge_served_model": _TEXT,
        "judge_prompt_sha256": _TEXT,
        "judge_distribution": table_schema("judge_scores").arrow.field("distribution").type,
        "judge_created_at": _TEXT,
    }
)
"""The columns of a log record. All are nullable: what a log does not state is null."""

SCORES: Final = ("performance", "judge_score")
"""Columns of a log record that hold scores, from 0 to 1."""

JUDGE_COLUMNS: Final = {
    name: f"judge_{name}" for name in table_schema("judge_scores").arrow.names if f"judge_{name}" in LOG.names
}
"""Columns of the table `judge_scores`, each with its name in a log record; the others have the same name in both."""


@dataclass(frozen=True)
class Records:
    """Some log records."""

    table: pa.Table
    """Some of the columns of `LOG`; the others are null."""
    named: Mapping[str, str] = field(default_factory=dict)
    """Our column -> what the file calls it: columns of scores, and of costs and latencies in a unit that no name states."""
    mapped: bool = False
    """Whether `--map` chooses the columns."""
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Our column of scores -> the scale of the format, from which the reader has brought it to 0..1."""
    stated_scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Our column of scores -> the scale that the mapping states; the build brings it to 0..1."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Our column -> the file's, of those that bear our names and were not mapped."""
    shares: frozenset[str] = frozenset()
    """Our columns of scores of which a cell is a percentage, so that no scale is left to be stated."""
    repeats: bool = False
    """Whether several answers of a candidate to a query may be numbered, where the log states no replicate."""
    paired: bool = False
    """Whether a record of the file gives two, one of each side of a comparison: what is wrong with both is listed once."""


@dataclass(frozen=True)
class Note:
    """What a source made of a column as a whole, for the user to know."""

    file: str
    text: str
    warning: bool = False
    """Whether it is worth a look, since the file may hold more than was read."""


@dataclass(frozen=True)
class Llms:
    """What the source states of LLMs: rows of the table `llms`, of which only the column `llm` is required."""

    rows: list[dict[str, Any]]
    """`llm` is the `llm_path` of the records, if these have one."""


@dataclass(frozen=True)
class Templates:
    """Rows of the table `thought_templates`, without `template_id`."""

    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Embeddings:
    """Vectors that came with the queries."""

    table: pa.Table
    """task, prompt, embedded (`prompt` or `task_description`), embedding list<float32>; query_id, where it is known."""


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be part of a release."""

    file: str
    row: int | None
    """Number of the record in its file, from 0."""
    reason: str
    record: dict[str, Any]
    """What identifies the record: its short fields, without secrets."""


Part = Records | Note | Llms | Templates | Embeddings | Rejected


class Source(Protocol):
    """A raw log format.

    A source of runs that are directories of files has a class attribute `FILES`: patterns of the names of the files that it
    reads, such as `("samples_*.jsonl",)`. A directory among the inputs then stands for all such files below it. A source whose
    options name files that it reads beside the inputs has a method `further`, which gives them; the manifest lists them, too.

    A source whose answers have no scores yet has a class attribute `UNSCORED = True`: the build scores them with our metrics.
    A source that knows what its queries were read from has a method `origins`, which gives it once all was read; the manifest
    lists it as `data`. A source of files that may grow meanwhile has a method `taken`, which gives the bytes that it has read
    of a file; the manifest describes these alone.
    """

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, in their order.

        Raises:
            InputError: a file is not of this format at all.
        """


def record_table(
    rows: Sequence[Mapping[str, Any]], shared: Mapping[str, Any] | None = None, numbers: Sequence[int] | None = None
) -> pa.Table:
    """Log records that were read one by one as a table in the columns of `LOG`.

    Args:
        rows: The records.
        shared: Columns that a record has, unless it states others.
        numbers: The column `row`, if the records do not state it.
    """
    stated = set().union(*rows)
    fields = [column for column in LOG if column.name in stated]
    # Arrow takes the records as they are, which needs a third of the time that a list for each column takes.
    columns = dict(zip((column.name for column in fields), pa.array(rows, pa.struct(fields)).flatten(), strict=True))
    if numbers is not None:
        columns["row"] = pa.array(numbers, _COUNT)
    for name, value in (shared or {}).items():
        values = [row.get(name, value) for row in rows] if name in stated else [value] * len(rows)
        columns[name] = pa.array(values, LOG.field(name).type)
    made = [columns[column.name] if column.name in columns else pa.nulls(len(rows), column.type) for column in LOG]
    return pa.table(made, schema=LOG)


def identity(record: Mapping[str, Any]) -> dict[str, Any]:
    """What identifies a record: its names, without its texts."""
    names = ("task", "source_id", "split", "query_id", "llm", "llm_path", "mode", "replicate", "judge", "judge_path")
    return {name: record[name] for name in names if record.get(name) is not None}


def leave_out(ours: str) -> str:
    """What can be done where a value does not fit a column that bears one of our names."""
    return f". Remedy: correct it, or leave the column out with --map {ours}="


Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def refuse(rows: Rows, problems: Mapping[int, Sequence[str]]) -> tuple[Rows, list[Rejected]]:
    """Log records with their `file` and `row`, without those at positions that have problems, and these as rejected records."""
    if not problems:
        return rows, []
    wrong = sorted(problems)
    records = zip(wrong, rows.take(pa.array(wrong)).to_pylist(), strict=True)
    rejected = [Rejected(r["file"], r["row"], "; ".join(dict.fromkeys(problems[i])), identity(r)) for i, r in records]
    kept = np.ones(rows.num_rows, bool)
    kept[wrong] = False
    return rows.filter(pa.array(kept)), rejected
