"""The rows of a shard as detectors see them: whole queries, with the scores of each judge."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.batches import shard_batches, whole_queries
from llmfusionbench.auditing.detector import JUDGE_SCORES, KEY
from llmfusionbench.release import Release
from llmfusionbench.release.writer import write_shard
from tests.helpers.tiny_release import write_tiny_release


def batch(ids: list[str]) -> pa.RecordBatch:
    return pa.record_batch({"query_id": pa.array(ids, pa.string()), "row": pa.array(range(len(ids)), pa.int64())})


@given(st.lists(st.integers(1, 5), max_size=8), st.lists(st.integers(0, 6), min_size=1, max_size=12))
def test_batches_end_where_queries_end(sizes: list[int], cuts: list[int]) -> None:
    whole = batch([f"q{i:02d}" for i, size in enumerate(sizes) for _ in range(size)])
    parts, start = [], 0
    for cut in [*cuts, len(whole)]:
        parts.append(whole.slice(start, cut))
        start += cut
    made = list(whole_queries(parts))
    assert [row for b in made for row in b.to_pylist()] == whole.to_pylist()
    seen = [set(b["query_id"].to_pylist()) for b in made]
    assert all(seen)
    assert sum(map(len, seen)) == len(set(whole["query_id"].to_pylist()))


def test_scores_meet_their_answers(tmp_path: Path) -> None:
    release = Release(write_tiny_release(tmp_path / "r"))
    found = {
        (row["prompt"], row["llm"], row["mode"]): row[JUDGE_SCORES]
        for path in release.files("logs")
        for made in shard_batches(path, release.files("judge_scores"), [*KEY, "prompt", JUDGE_SCORES])
        for row in made.to_pylist()
    }
    assert found == {
        ("1+1?", "tiny", "direct"): [{"judge": "rule", "score": 1.0}],
        ("1+1?", "tiny", "think"): [{"judge": "rule", "score": 0.5}],
        ("1+2?", "tiny", "direct"): [],
        ("1+2?", "big", "direct"): [],
        ("1+3?", "tiny", "direct"): [],
        ("1+3?", "big", "direct"): [{"judge": "rule", "score": 0.25}],
    }


def test_pairs_are_not_scores_of_an_answer(tmp_path: Path) -> None:
    release = Release(write_tiny_release(tmp_path / "r"))
    rows = release.rows("judge_scores", "train")
    place = rows.schema.get_field_index("opponent")
    pairs = rows.set_column(place, rows.schema.field(place), pa.array(["big"] * len(rows)))
    write_shard(tmp_path, "judge_scores/pairs.parquet", pairs)
    (path, *_) = release.files("logs", "train")
    for judged in ([tmp_path / "judge_scores" / "pairs.parquet"], []):
        found = [row for made in shard_batches(path, judged, [*KEY, JUDGE_SCORES]) for row in made[JUDGE_SCORES].to_pylist()]
        assert found == [[]] * 4
