"""The external sort: nothing lost, nothing twice, each query whole in one shard of its split, whatever order it came in."""

from __future__ import annotations

import hashlib
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from llmfusionbench.builders.making import spill
from llmfusionbench.builders.making.normalise import NORMAL
from llmfusionbench.builders.making.spill import Settled, Spill, prefix_of, read_slices
from llmfusionbench.types import SPLITS


def query(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:24]


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=NORMAL)


def records(count: int, queries: int, seed: int = 0) -> list[dict[str, Any]]:
    """Answers to some queries in a random order, with texts of random lengths."""
    rng = random.Random(seed)
    rows = []
    for i in range(count):
        number = rng.randrange(queries)
        rows.append(
            {
                "query_id": query(number), "row": i, "prompt": "?" * rng.randrange(50), "response": "x" * rng.randrange(200),
                "split": SPLITS[number % 3],
            }
        )  # fmt: skip
    return rows


def spilled(folder: Path, rows: list[dict[str, Any]], part: int = 7) -> Spill:
    store = Spill(folder)
    for start in range(0, len(rows), part):
        store.add(batch(rows[start : start + part]))
    store.flush()
    return store


@pytest.mark.parametrize(("run_bytes", "shard_bytes"), [(1, 500), (3_000, 2_000), (10**9, 500), (2_000, 10**9), (10**9, 10**9)])
def test_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_bytes: int, shard_bytes: int) -> None:
    monkeypatch.setattr(spill, "RUN_BYTES", run_bytes)
    monkeypatch.setattr(spill, "SHARD_BYTES", shard_bytes)
    rows = records(400, 60)
    store = spilled(tmp_path, rows)
    plans = list(store.plan(store.settle()))
    found: list[dict[str, Any]] = []
    homes: dict[str, tuple[str, int]] = {}
    for plan in plans:
        part = read_slices(plan).to_pylist()
        for row in part:
            assert homes.setdefault(row["query_id"], (plan.split, plan.index)) == (plan.split, plan.index)
            assert row["split"] == plan.split
        found += part
    assert sorted(r["row"] for r in found) == list(range(400))
    assert all(r["sequence"] == r["row"] for r in found)
    assert sorted(found, key=lambda r: r["row"]) == [dict.fromkeys(NORMAL.names) | r | {"sequence": r["row"]} for r in rows]
    for split in SPLITS:
        mine = [p for p in plans if p.split == split]
        assert [p.index for p in mine] == list(range(len(mine)))
        assert {p.total for p in mine} == {len(mine)}
        assert len(mine) == 1 or shard_bytes == 500 or shard_bytes == 2_000
        ends = [(int(p.queries[0]), int(p.queries[-1])) for p in mine]
        assert all(a[1] < b[0] for a, b in pairwise(ends)), "shards are ranges of ids, in order"


def test_shards_hold_about_what_they_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "SHARD_BYTES", 5_000)
    rows = [r | {"split": "train"} for r in records(2_000, 500)]
    store = spilled(tmp_path, rows)
    sizes = []
    for plan in store.plan(store.settle()):
        part = read_slices(plan)
        sizes.append(
            sum(len(p) + len(r) for p, r in zip(part["prompt"].to_pylist(), part["response"].to_pylist(), strict=True))
        )
    assert sum(sizes) == sum(len(r["prompt"]) + len(r["response"]) for r in rows)
    assert max(sizes) < 8_000
    assert len(sizes) > 30


def test_the_plan_does_not_depend_on_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "RUN_BYTES", 2_000)
    monkeypatch.setattr(spill, "SHARD_BYTES", 3_000)
    rows = records(300, 40)
    shuffled = random.Random(1).sample(rows, len(rows))
    plans = []
    for name, order in (("a", rows), ("b", shuffled), ("c", sorted(rows, key=lambda r: r["query_id"]))):
        (tmp_path / name).mkdir()
        store = spilled(tmp_path / name, order, part=11)
        plans.append([(p.split, p.index, p.total, p.queries.tolist()) for p in store.plan(store.settle(0.3))])
    assert plans[0] == plans[1] == plans[2]


def test_runs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "RUN_BYTES", 5_000)
    spilled(tmp_path, records(400, 60))
    sizes = [p.stat().st_size for p in tmp_path.iterdir()]
    assert len(sizes) > 5
    assert max(sizes) < 25_000


def test_the_most_guarded_split_wins(tmp_path: Path) -> None:
    rows = [
        {"query_id": query(q), "split": s}
        for q, s in [(1, "train"), (1, "test"), (2, "partial_test"), (2, "test"), (3, "train")]
    ]
    settled = spilled(tmp_path, rows, part=2).settle()
    ids = pa.array([query(i) for i in (1, 2, 3, 4)])
    assert settled.split_of(ids).to_pylist() == ["test", "partial_test", "train", None]
    assert settled.present == ["train", "test", "partial_test"]


def test_the_test_share_is_by_hash_and_from_train_alone(tmp_path: Path) -> None:
    rows = [{"query_id": query(i), "split": "train" if i % 5 else "partial_test"} for i in range(5_000)]
    store = spilled(tmp_path, rows, part=1_000)
    shares = {}
    for share in (0.0, 0.1, 0.3, 0.999):
        settled = store.settle(share)
        shares[share] = {q for q, s in zip(settled.queries.tolist(), settled.codes.tolist(), strict=True) if s == 1}
        assert (settled.codes == 2).sum() == 1_000
        assert len(shares[share]) == pytest.approx(4_000 * share, abs=130)
    assert shares[0.0] == set()
    assert shares[0.1] < shares[0.3] < shares[0.999], "a larger share keeps what the smaller one set aside"
    chosen = np.sort(np.array(sorted(shares[0.3]), np.float64)) / 2**64
    assert np.histogram(chosen, 10, (0, 1))[0].min() > 60, "spread over all ids, not one range of them"


def test_prefixes_sort_as_the_ids_do() -> None:
    ids = sorted(query(i) for i in range(1_000))
    assert (np.diff(prefix_of(pa.array(ids)).astype(object)) > 0).all()
    assert prefix_of(pa.array(["f" * 24, "0" * 24])).tolist() == [2**64 - 1, 0]
    assert prefix_of(pa.array([], pa.string())).tolist() == []


def test_splits_of_ids_beyond_the_last() -> None:
    settled = Settled(np.array([5, 7], np.uint64), np.array([0, 2], np.int8))
    ids = pa.array([f"{n:016x}00000000" for n in (0, 5, 6, 7, 8)])
    assert settled.split_of(ids).to_pylist() == [None, "train", None, "partial_test", None]
