"""Two small releases to append one to the other, built from rows in a line each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from llmfusionbench.builders import build
from llmfusionbench.release import Release
from llmfusionbench.schema import SIDECARS, TABLES, table_schema

TRUE_TABLES = [t for t in TABLES + SIDECARS if t in SIDECARS or table_schema(t).view_of is None]

PRICES = [
    {"llm": "ant", "input_price": 1.0, "output_price": 2.0},
    {"llm": "bee", "input_price": 3.0, "output_price": 4.0},
]


def answer(question: str, llm: str, response: str | None = "yes", **more: Any) -> dict[str, Any]:
    """A log record; every question is of the task `sums` and the split `train` unless it is stated."""
    row = {
        "prompt": question, "task": "sums", "split": "train", "llm": llm, "response": response, "performance": 1.0,
        "metric": "em", "ground_truth": "yes", "input_tokens": 100, "output_tokens": 10,
    }  # fmt: skip
    return row | more


def release_of(
    place: Path, rows: Sequence[dict[str, Any]], *, prices: Sequence[dict[str, Any]] = PRICES, **more: Any
) -> Release:
    """The release at `place` of some records, and of some rows of the table `llms`."""
    place.parent.mkdir(parents=True, exist_ok=True)
    log, llms = place.with_suffix(".jsonl"), place.with_suffix(".llms.jsonl")
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    llms.write_text("".join(json.dumps(row) + "\n" for row in prices), encoding="utf-8")
    return build("table", [log], place, llms=llms, workers=1, overwrite=True, **more)


def rows_of(release: Release, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows of a table by their keys."""
    if table not in release.tables:
        return {}
    key = table_schema(table).key
    return {tuple(row[k] for k in key): row for row in release.rows(table).to_pylist()}


def change(release: Release, table: str, change: dict[str, Any], **where: Any) -> int:
    """Change rows of a release in place, and its manifest; returns their number. The release must be opened again."""
    from tests.helpers.tiny_release import change_rows

    count = 0
    for file in release.files(table):

        def edit(rows: list[dict[str, Any]]) -> None:
            nonlocal count
            for row in rows:
                if all(row[k] == v for k, v in where.items()):
                    row.update(change)
                    count += 1

        name = file.relative_to(release.path).as_posix()
        change_rows(release.path, name, edit, pq.read_schema(file))
    return count


def all_bytes(place: Path) -> dict[str, bytes]:
    """Every file of a release."""
    return {p.relative_to(place).as_posix(): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}
