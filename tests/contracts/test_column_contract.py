"""The contract of a schema column: it is described, it is in the card, and what a source says of it reaches the release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.records import LOG
from llmfusionbench.schema import SIDECARS, TABLES, Column, table_schema
from tests.helpers.parts import Parts, record

COLUMNS = [(table, column) for table in TABLES + SIDECARS for column in table_schema(table).columns]
CARRIED = [(table, column) for table, column in COLUMNS if table in ("queries", "responses") and column.name in LOG.names]
SETTLED = {
    "split": "train", "status": "ok", "mode": "direct", "provenance": "collected", "finish_reason": "length",
    "created_at": "2026-01-31T23:59:59.000Z",
    "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}],
    "sampling": {"temperature": 0.5, "top_p": 1.0, "max_tokens": 3, "seed": -1, "effort": "low"},
}  # fmt: skip


def a_value(column: Column) -> Any:
    """Some value that the column's schema allows."""
    if column.name in SETTLED:
        return SETTLED[column.name]
    kind = next(k for k in column.schema["type"] if k != "null") if column.nullable else column.schema["type"]
    return {"string": "word", "integer": 3, "number": 0.25, "array": ["a", "b"], "boolean": True}[kind]


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda v: getattr(v, "name", v))
def test_it_is_described_and_in_the_card(table: str, column: Column) -> None:
    assert column.description.endswith(".")
    if table in SIDECARS:
        return  # not a table of every release
    card = (Path(__file__).parents[2] / "CARD.md").read_text(encoding="utf-8")
    assert any(line.startswith((f"| {column.name} |", f"| **{column.name}** |")) and column.description in line
               for line in card.splitlines())  # fmt: skip


@pytest.mark.parametrize(("table", "column"), CARRIED, ids=lambda v: getattr(v, "name", v))
def test_what_a_source_says_reaches_the_release(tmp_path: Path, table: str, column: Column) -> None:
    value = a_value(column)
    build(Parts([record(**{column.name: value})]), [], tmp_path / "out")
    release = lfb.open_release(tmp_path / "out")
    assert release.table(table).to_table(columns=[column.name])[column.name].to_pylist() == [value]
    assert lfb.validate(tmp_path / "out") == []
