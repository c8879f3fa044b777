"""Batches of records joined before they are prepared: order, what stays apart, and scales by file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.making.gathering import gathered
from llmfusionbench.builders.making.scales import Scales
from llmfusionbench.builders.records import Note, Part, Records, Rejected, record_table

BASE = {"task": "sums", "split": "train", "metric": "em", "llm": "m", "response": "7", "performance": 1.0}


def rows(file: str, *numbers: int, **more: Any) -> pa.Table:
    return record_table([BASE | {"file": file, "row": n, "prompt": f"{file} {n}"} | more for n in numbers])


def places(parts: list[Part]) -> list[list[tuple[str, int]]]:
    """The place of each record, batch by batch."""
    tables = [part.table for part in parts if isinstance(part, Records)]
    return [list(zip(table["file"].to_pylist(), table["row"].to_pylist(), strict=True)) for table in tables]


def test_small_batches_are_one_in_their_order() -> None:
    parts = [Records(rows(f"f{i}", *range(i))) for i in range(1, 6)]
    found = list(gathered(iter(parts), Scales()))
    assert places(found) == [[(f"f{i}", n) for i in range(1, 6) for n in range(i)]]
    assert isinstance(found[0], Records)
    assert found[0].table.num_columns == parts[0].table.num_columns


def test_a_joined_batch_has_at_most_4096_records() -> None:
    parts = [Records(rows(f"f{i}", *range(1500))) for i in range(4)]
    assert [len(batch) for batch in places(list(gathered(parts, Scales())))] == [3000, 3000]
    whole = [Records(rows("f", *range(5000)))]
    assert [len(batch) for batch in places(list(gathered(whole, Scales())))] == [5000]


@pytest.mark.parametrize(
    "other",
    [
        Records(rows("g", 0), repeats=True),
        Records(rows("g", 0), paired=True),
        Records(rows("g", 0), own={"status": "state"}),
        Records(rows("g", 0).drop_columns(["domain"])),
    ],
    ids=["repeats", "paired", "own", "columns"],
)
def test_batches_that_differ_stay_apart(other: Records) -> None:
    found = [part for part in gathered([Records(rows("f", 0)), other, other], Scales()) if isinstance(part, Records)]
    assert places(list(found)) == [[("f", 0)], [("g", 0), ("g", 0)]]
    assert (found[1].repeats, found[1].paired, found[1].own) == (other.repeats, other.paired, other.own)
    assert found[1].table.schema.equals(other.table.schema)


def test_rejected_records_stay_behind_those_before_them() -> None:
    wrong = Rejected("g", 0, "no", {})
    found = list(
        gathered([Records(rows("f", 0)), Note("f", "text"), Records(rows("f", 1)), wrong, Records(rows("h", 0))], Scales())
    )
    assert [type(part).__name__ for part in found] == ["Note", "Records", "Rejected", "Records"]
    assert places(found) == [[("f", 0), ("f", 1)], [("h", 0)]]


def test_scores_are_scaled_file_by_file() -> None:
    parts = [
        Records(rows("a", 0, performance=5.0), stated_scales={"performance": (0.0, 10.0)}),
        Records(rows("b", 0, performance=50.0), stated_scales={"performance": (0.0, 100.0)}),
    ]
    (found,) = gathered(parts, Scales())
    assert isinstance(found, Records)
    assert found.table["performance"].to_pylist() == [0.5, 0.5]


def test_no_records_come_once_a_score_is_outside_its_scale() -> None:
    scales = Scales()
    parts = [Records(rows("a", 0)), Records(rows("b", 0, performance=7.0)), Note("b", "text"), Records(rows("c", 0))]
    assert [type(part) for part in gathered(parts, scales)] == [Note]
    assert scales.refused


def test_a_large_batch_does_not_wait() -> None:
    text = "x" * (9 << 20)
    parts = [Records(rows("a", n, response=text)) for n in range(3)]
    assert places(list(gathered(parts, Scales()))) == [[("a", 0), ("a", 1)], [("a", 2)]]


class _Source:
    """A source of many files of one record."""

    def __init__(self, size: int) -> None:
        self.size = size

    def read(self, paths: object) -> Iterator[Part]:
        every = range(40)
        for start in range(0, len(every), self.size):
            yield Records(rows("f", *every[start : start + self.size]))


def test_a_release_is_the_same_however_its_records_come(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("")
    made = [build(_Source(size), [log], tmp_path / f"release{size}") for size in (1, 40)]
    assert len(made) == 2
    files = [{p.name: p.read_bytes() for p in tmp_path.glob(f"release{size}/*/*.parquet")} for size in (1, 40)]
    assert files[0] == files[1]
    assert files[0]
