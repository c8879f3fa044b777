"""The bounded state of detectors: counts by place and the best examples, whatever the order in which they are merged."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.counting import Best, Tally, booleans, excerpt, lower_share, numbers
from llmfusionbench.auditing.finding import EXAMPLES, Example, Place
from tests.helpers.audit_rows import batch_of, clean_rows

ROWS = clean_rows(12)
BATCH = batch_of(ROWS)


def test_a_tally_counts_by_place() -> None:
    tally = Tally("llm", "task")
    hits = np.array([llm == "llm-1" for llm in BATCH["llm"].to_pylist()])
    looked = np.array([task != "sums" for task in BATCH["task"].to_pylist()])
    tally.add(BATCH, hits, looked)
    assert (tally.count, tally.total) == (48, 288)
    assert tally.by("llm")["llm-1"] == (48, 48)
    assert tally.by("llm")["llm-2"] == (0, 48)
    assert tally.by("llm", "task")["llm-1 / trade"] == (12, 12)
    assert "sums" not in tally.by("task")
    assert tally.places("llm") == [Place("llm", "llm-1", 48, 48)]
    assert [place.name for place in tally.places("task")] == ["garden", "kitchen", "trade", "travel"]


def test_places_are_sorted_by_what_is_sure() -> None:
    tally = Tally("llm")
    for name, count, total in (("one of one", 1, 1), ("most", 800, 1000), ("half", 500, 1000), ("none", 0, 1000)):
        tally.add_one(name, count=count, total=total)
    assert [place.name for place in tally.places("llm")] == ["most", "half", "one of one"]


def test_a_missing_value_is_a_place_of_its_own() -> None:
    tally = Tally("served_model")
    rows = [{**row, "served_model": None if row["llm"] == "llm-0" else "x"} for row in ROWS]
    tally.add(batch_of(rows), np.ones(len(rows), np.bool_))
    assert tally.by("served_model") == {"None": (60, 60), "x": (300, 300)}


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_lower_share_is_below_the_share(count: int, more: int) -> None:
    total = count + more
    low = lower_share(count, total)
    assert 0 <= low <= (count / total if total else 0)
    assert (low > 0) == (count > 0)


def test_the_lower_share_by_hand() -> None:
    assert lower_share(81, 263) == pytest.approx(0.2553, abs=1e-4)  # Newcombe 1998, table I: 81 of 263
    assert lower_share(1, 29) == pytest.approx(0.0061, abs=1e-4)  # the same table: 1 of 29


def of_row(row: int, start: int = 0) -> Example:
    """An example of a row of a part of the batch that begins at `start`."""
    place = row + start
    return Example(BATCH["query_id"][place].as_py(), BATCH["llm"][place].as_py(), "direct", 0, None, {"row": str(place)})


def best_of(ranks: np.ndarray, start: int, size: int) -> Best:
    """The best of a part of the batch."""
    best, part = Best(), BATCH.slice(start, size)
    best.offer(part, np.ones(len(part), np.bool_), partial(of_row, start=start), ranks[start : start + size])
    return best


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, float("nan")]), min_size=60, max_size=60),
    st.integers(1, 20),
    st.permutations(range(60)),
)
def test_the_best_do_not_depend_on_parts_and_order(ranks: list[float], size: int, order: list[int]) -> None:
    values = np.array(ranks)
    whole, merged = best_of(values, 0, 60), Best()
    for start in (start for start in order if start % size == 0):
        merged.merge(best_of(values, start, min(size, 60 - start)))
    assert merged.examples() == whole.examples()
    known = np.nan_to_num(values, nan=-1.0)
    shown = [known[int(example.texts["row"])] for example in whole.examples()]
    assert shown == sorted(known, reverse=True)[:EXAMPLES]


def test_equal_examples_come_from_many_queries() -> None:
    best = best_of(np.zeros(len(ROWS)), 0, len(ROWS))
    assert len({example.query_id for example in best.examples()}) == EXAMPLES


def test_nothing_is_made_of_rows_that_are_no_hits() -> None:
    best = Best()
    best.offer(BATCH, np.zeros(len(ROWS), np.bool_), lambda row: pytest.fail(f"row {row}"))
    assert best.examples() == []


def test_values_that_are_missing() -> None:
    batch = batch_of([{**ROWS[0], "performance": None}, {**ROWS[1], "performance": 0.5}])
    np.testing.assert_array_equal(np.sort(numbers(batch["performance"])), [0.5, np.nan])
    assert booleans(batch["performance"].is_null() if hasattr(batch["performance"], "is_null") else None).sum() == 1


def test_a_long_text_is_shown_without_its_middle() -> None:
    text = "a" * 1_000 + "b" * 1_000
    assert excerpt(text).startswith("a" * 300)
    assert excerpt(text).endswith("b" * 100)
    assert "1,600 of 2,000 characters omitted" in excerpt(text)
    assert excerpt(None) == "(none)"
    assert excerpt("short") == "short"
