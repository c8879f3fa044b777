"""An append against a plain union by key in pandas, on random small releases; and the same bytes for any number of workers."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.builders import append
from llmfusionbench.builders.appending import plan
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release, diff_releases, open_release
from llmfusionbench.schema import table_schema
from llmfusionbench.validation import validate
from tests.helpers.two_releases import TRUE_TABLES, all_bytes, answer, release_of, rows_of

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


def random_log(seed: int, queries: int, *, first: int = 0) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [
        answer(
            f"{n}: what is it?", llm, f"{llm} says {n} " + "so " * rng.randint(1, 60), split="test" if n % 5 == 0 else "train",
            judge="rule", judge_score=rng.choice([None, 0.0, 0.5, 1.0]),
        )
        for n in range(first, first + queries)
        for llm in ("ant", "bee", "bee_think")
    ]  # fmt: skip


@pytest.fixture
def tiny_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of a few queries."""
    from llmfusionbench.builders.making import spill

    monkeypatch.setattr(spill, "SHARD_BYTES", 4_000)
    monkeypatch.setattr(plan, "SHARD_BYTES", 4_000)


@pytest.mark.usefixtures("tiny_shards")
def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    old = release_of(tmp_path / "old", random_log(1, 60))
    new = release_of(tmp_path / "new", [*random_log(1, 60)[90:], *random_log(2, 20, first=60)])
    made = [append(old, new, tmp_path / f"out-{n}", workers=n).release for n in (1, 3)]
    assert len(made[0].files("responses", "train")) > 3
    assert all_bytes(made[0].path) == all_bytes(made[1].path)


@pytest.mark.usefixtures("tiny_shards")
def test_shards_without_new_rows_stay_as_they_are(tmp_path: Path) -> None:
    old = release_of(tmp_path / "old", random_log(1, 60))
    made = append(old, release_of(tmp_path / "new", random_log(3, 1, first=61)), tmp_path / "out").release
    before, after = all_bytes(old.path), all_bytes(made.path)
    assert before.keys() == after.keys()
    changed = {name.partition("/")[0] for name in before if name.endswith(".parquet") and before[name] != after[name]}
    assert changed <= {"queries", "responses", "judge_scores", "logs", "routing"}
    for table in changed:
        assert sum(before[name] != after[name] for name in before if name.startswith(f"{table}/")) == 1


@pytest.mark.usefixtures("tiny_shards")
def test_shards_that_grow_too_large_are_divided(tmp_path: Path) -> None:
    old = release_of(tmp_path / "old", random_log(1, 10))
    new = release_of(tmp_path / "new", random_log(2, 60, first=10))
    made = append(old, new, tmp_path / "out").release
    sizes = [sum(len(r["response"]) for r in part.to_pylist()) for part in parts(made)]
    assert len(sizes) > 4
    assert max(sizes) < 2 * 4_000
    assert rows_of(made, "responses") == rows_of(old, "responses") | rows_of(new, "responses")
    back = append(new, old, tmp_path / "back").release
    assert rows_of(back, "logs") == rows_of(made, "logs")
    whole = release_of(tmp_path / "whole", [*random_log(1, 10), *random_log(2, 60, first=10)])
    more = append(old, whole, tmp_path / "more").release  # what both have counts once
    assert abs(len(more.files("responses")) - len(made.files("responses"))) <= 1
    assert validate(made.path) == validate(back.path) == []


def parts(release: Release) -> list[Any]:
    from llmfusionbench.release.shard_files import shard_dataset

    return [shard_dataset([file], "responses").to_table() for file in release.files("responses")]
