"""An append against a plain union by key in pandas, on random small releases; and the same bytes for any number of workers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
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
    st.sampled_from(["yes", "yes", None]),
    replicate=st.integers(0, 1),
    performance=st.sampled_from([None, 0.0, 1.0]),
    input_tokens=st.sampled_from([None, 100]),
    output_tokens=st.sampled_from([None, 10, 10, 20]),
    tokenizer=st.sampled_from([None, "cl100k_base"]),
    latency_s=st.sampled_from([None, 1.0, 2.0]),
    created_at=st.sampled_from([None, "2026-01-02T03:04:05.000Z"]),
    split=st.sampled_from(RANK),
)
logs = st.lists(answers, min_size=1, max_size=8, unique_by=lambda r: (r["prompt"], r["llm"], r["replicate"]))


THINGS = (
    {"performance", "metric_version"},
    {"input_tokens", "output_tokens", "tokenizer", "cost_usd"},
    {"latency_s", "created_at"},
)
"""The columns of an answer that describe one thing; no log states a cost."""


def union(old: Release, new: Release, table: str, prefer: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows of both by key: what the preferred side has, else what the other one has, unless they contradict each other."""
    key = list(table_schema(table).key)
    frames = []
    for release in (old, new):
        rows = rows_of(release, table).values()
        frame = pd.DataFrame([*rows], columns=table_schema(table).arrow.names, dtype=object)
        frames.append(frame.set_index([frame[k].map(repr) for k in key]))
    first, second = frames if prefer == "old" else frames[::-1]
    both = first.combine_first(second)
    for row in first.index.intersection(second.index) if table == "responses" else ():
        mine, other = ({c: None if pd.isna(v) else v for c, v in frame.loc[row].items()} for frame in (first, second))
        torn = conflicts(mine, other)
        if {mine["status"], other["status"]} == {"missing", "ok"}:
            both.loc[row] = list((other if mine["status"] == "missing" else mine).values())
        elif torn and (mine["response"] is None or other["response"] is None):
            both.loc[row] = list(mine.values())
        for thing in THINGS:
            if torn & thing and mine["response"] == other["response"] == "yes":
                both.loc[row, list(thing)] = [mine[c] for c in thing]
    return {tuple(row[k] for k in key): row for row in both.astype(object).where(both.notna(), None).to_dict("records")}


def conflicts(mine: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    """The columns in which two answers have two values, and the counts if their tokenizer is that of a part."""
    if "missing" in (mine["status"], other["status"]) and mine["status"] != other["status"]:
        return set()
    torn = {c for c in mine if None not in (mine[c], other[c]) and mine[c] != other[c]} - {"split", "cost_usd"}
    counts = ["input_tokens", "output_tokens", "tokenizer"]
    parts = [any(a[c] is None and b[c] is not None for c in counts) for a, b in ((mine, other), (other, mine))]
    return torn | (set(counts) if all(parts) and (mine["tokenizer"] is None) != (other["tokenizer"] is None) else set())


def guarded(old: Release, new: Release) -> dict[str, str]:
    """The split of every query in the more protected of the two."""
    found: dict[str, str] = {}
    for release in (old, new):
        for row in release.rows("queries").to_pylist():
            found[row["query_id"]] = max(found.get(row["query_id"], "train"), row["split"], key=RANK.index)
    return found


def contradict(old: Release, new: Release) -> bool:
    """Whether an answer of both is in conflict; all else is the same where both have it."""
    mine, theirs = rows_of(old, "responses"), rows_of(new, "responses")
    return any(conflicts(mine[key], theirs[key]) for key in mine.keys() & theirs.keys())


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
