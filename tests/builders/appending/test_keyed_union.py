"""An append against a plain union by key in pandas, on random small releases; and the same bytes for any number of workers."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.builders import append
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release, diff_releases, open_release
from llmfusionbench.schema import table_schema
from llmfusionbench.validation import validate
from tests.helpers.two_releases import TRUE_TABLES, answer, release_of, rows_of

RANK = ("train", "test", "partial_test")
answers = st.builds(
    answer,
    st.sampled_from(["one?", "two?", "three?", "four?"]),
    st.sampled_from(["ant", "bee"]),
    replicate=st.integers(0, 1),
    performance=st.sampled_from([None, 0.0, 1.0]),
    latency_s=st.sampled_from([None, 1.0, 2.0]),
    created_at=st.sampled_from([None, "2026-01-02T03:04:05.000Z"]),
    split=st.sampled_from(RANK),
)
logs = st.lists(answers, min_size=1, max_size=8, unique_by=lambda r: (r["prompt"], r["llm"], r["replicate"]))


def union(old: Release, new: Release, table: str, prefer: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows of both by key: what the preferred side has, else what the other one has."""
    key = list(table_schema(table).key)
    frames = []
    for release in (old, new):
        rows = rows_of(release, table).values()
        frame = pd.DataFrame([*rows], columns=table_schema(table).arrow.names, dtype=object)
        frames.append(frame.set_index([frame[k].map(repr) for k in key]))
    first, second = frames if prefer == "old" else frames[::-1]
    both = first.combine_first(second)
    return {tuple(row[k] for k in key): row for row in both.astype(object).where(both.notna(), None).to_dict("records")}


def guarded(old: Release, new: Release) -> dict[str, str]:
    """The split of every query in the more protected of the two."""
    found: dict[str, str] = {}
    for release in (old, new):
        for row in release.rows("queries").to_pylist():
            found[row["query_id"]] = max(found.get(row["query_id"], "train"), row["split"], key=RANK.index)
    return found


def contradict(old: Release, new: Release) -> bool:
    """Whether a row of both has two values in a column."""
    for table in TRUE_TABLES:
        mine, theirs = rows_of(old, table), rows_of(new, table)
        for key in mine.keys() & theirs.keys():
            pairs = [(mine[key][c], theirs[key][c]) for c in mine[key] if c != "split"]
            if any(None not in pair and pair[0] != pair[1] for pair in pairs):
                return True
    return False


@settings(max_examples=settings().max_examples // 5)
@given(logs, logs, st.sampled_from(["old", "new"]))
def test_it_is_the_union_by_key(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]], prefer: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        old, new = release_of(place / "old", first), release_of(place / "new", second)
        splits = guarded(old, new)
        expected = {table: union(old, new, table, prefer) for table in TRUE_TABLES}
        for key, row in expected["queries"].items():
            row["split"] = splits[key[0]]
        if expected == {table: rows_of(old, table) for table in TRUE_TABLES}:
            with pytest.raises(InputError, match="adds nothing"):
                append(old, new, place / "out", prefer=prefer, workers=1)
            return
        if contradict(old, new):
            with pytest.raises(InputError, match="contradicts"):
                append(old, new, place / "out", workers=1)
            made = append(old, new, place / "out", prefer=prefer, workers=1)
        else:
            made = append(old, new, place / "out", workers=1)
        assert {table: rows_of(made.release, table) for table in TRUE_TABLES} == expected
        assert made.diffs == diff_releases(old, open_release(place / "out"))
        assert validate(place / "out") == []
        with pytest.raises(InputError, match="adds nothing"):  # it is idempotent
            append(made.release, new, place / "again", prefer=prefer, workers=1)
