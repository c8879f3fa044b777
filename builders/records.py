"""What a source yields while it reads: log records, LLMs, templates, vectors, and the records it cannot take.

A log record is one answer with everything its log says of it, in the columns of `LOG`, whatever the format was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa

_TEXT, _COUNT, _REAL = pa.string(), pa.int64(), pa.float64()

LOG: Final = pa.schema(
    {
        "file": _TEXT,  # where the record stands, for messages
        "row": _COUNT,
        "task": _TEXT,
        "domain": _TEXT,  # null: by the task
        "split": _TEXT,
        "source_id": _TEXT,
        "prompt": _TEXT,  # as it was sent, think suffix and all
        "ground_truth": _TEXT,
        "choices": pa.list_(_TEXT),
        "metric": _TEXT,
        "license": _TEXT,
        "llm": _TEXT,  # null: the record is of a query that no LLM was asked
        "mode": _TEXT,
        "response": _TEXT,
        "status": _TEXT,  # null: `ok`, or `empty` where the response is blank
        "input_tokens": _COUNT,
        "output_tokens": _COUNT,
        "tokenizer": _TEXT,
        "performance": _REAL,
        "metric_version": _TEXT,
        "cost_usd": _REAL,  # null: by tokens and price
        "latency_s": _REAL,
        "provenance": _TEXT,  # null: `imported`
        "judge": _TEXT,  # null: nobody judged the answer
        "judge_score": _REAL,
        "judge_reason": _TEXT,
        "judge_rubric": _TEXT,
    }
)
"""The columns of a log record. All are nullable: what a log does not say stays unsaid."""


@dataclass(frozen=True)
class Records:
    """Some log records."""

    table: pa.Table
    """Some of the columns of `LOG`; the others are null."""


@dataclass(frozen=True)
class Llms:
    """What the source says of LLMs: rows of the table `llms`, of which only `llm` must be given."""

    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Templates:
    """Rows of the table `thought_templates`, less `template_id`."""

    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Embeddings:
    """Vectors that came with the queries."""

    table: pa.Table
    """task, prompt, embedded (`prompt` or `task_description`), embedding list<float32>."""


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be taken."""

    file: str
    row: int | None
    """Number of the record in its file, from 0."""
    reason: str
    record: dict[str, Any]
    """What identifies the record: its short fields, without secrets."""


Part = Records | Llms | Templates | Embeddings | Rejected


class Source(Protocol):
    """A raw log format."""

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, in their order.

        Raises:
            InputError: a file is not of this format at all.
        """


def record_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows that were read one by one as a table in the columns of `LOG`."""
    return pa.Table.from_pylist(rows, schema=LOG)


def identity(record: dict[str, Any]) -> dict[str, Any]:
    """What identifies a record: its names, without its texts."""
    names = ("task", "source_id", "split", "query_id", "llm", "mode", "judge")
    return {name: record[name] for name in names if record.get(name) is not None}
