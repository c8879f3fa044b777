"""The shards of the next version: which files stay as they are, and that every reader finds the rows of all of them."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmfusionbench.auditing import audit
from llmfusionbench.baselines.exporters.corpora.sft import export_sft
from llmfusionbench.builders import append
from llmfusionbench.builders.appending import plan
from llmfusionbench.builders.making import spill
from llmfusionbench.builders.revising.rescore import rescore
from llmfusionbench.release import Release, diff_releases
from llmfusionbench.release.shard_files import shard_dataset
from llmfusionbench.release.shards import shards_of
from llmfusionbench.validation import validate
from tests.helpers.two_releases import TRUE_TABLES, all_bytes, answer, release_of, rows_of


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


@pytest.fixture(autouse=True)
def _tiny_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of a few queries."""
    monkeypatch.setattr(spill, "SHARD_BYTES", 4_000)
    monkeypatch.setattr(plan, "SHARD_BYTES", 4_000)


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    old = release_of(tmp_path / "old", random_log(1, 60))
    new = release_of(tmp_path / "new", [*random_log(1, 60)[90:], *random_log(2, 20, first=60)])
    made = [append(old, new, tmp_path / f"out-{n}", workers=n).release for n in (1, 3)]
    assert len(made[0].files("responses", "train")) > 3
    assert all_bytes(made[0].path) == all_bytes(made[1].path)


def test_shards_without_new_rows_stay_as_they_are(tmp_path: Path) -> None:
    old = release_of(tmp_path / "old", random_log(1, 60))
    first = append(old, release_of(tmp_path / "new", random_log(3, 1, first=61)), tmp_path / "first").release
    second = append(first, release_of(tmp_path / "newer", random_log(4, 1, first=62)), tmp_path / "second").release
    for before, after, written in ((old, first, 1), (first, second, 1)):
        for table in ("queries", "responses", "judge_scores", "logs", "routing"):
            kept, made = (Counter(f.read_bytes() for f in release.files(table)) for release in (before, after))
            assert (made - kept).total() == written, table
            assert (kept - made).total() <= (before is first), "only the shard that grows is written again"
    assert len(first.files("responses", "train")) == len(second.files("responses", "train"))
    assert len(parts(second)[len(second.files("responses", "train")) - 1]) == 6, "two queries, three candidates"


def test_every_reader_finds_the_rows_of_a_shard_of_later_queries(tmp_path: Path) -> None:
    """Ids of such a shard lie among those of all others; a build of all records has the same rows in other shards."""
    log, more = random_log(1, 60), random_log(2, 7, first=60)
    made = append(release_of(tmp_path / "old", log), release_of(tmp_path / "new", more), tmp_path / "out").release
    whole = release_of(tmp_path / "whole", [*log, *more])
    assert len(made.files("queries", "train")) > 2
    assert [len(shard.read().responses) for shard in shards_of(made)] == [len(part) for part in parts(made)]
    assert validate(made.path) == []
    for table in (*TRUE_TABLES, "logs", "routing"):
        assert rows_of(made, table) == rows_of(whole, table)
    again = [rescore(release, tmp_path / f"again-{i}", workers=1).release for i, release in enumerate((made, whole))]
    assert all(rows_of(again[0], table) == rows_of(again[1], table) for table in ("responses", "logs"))
    tables = [release.routing("test") for release in (made, whole)]
    order = [tables[0].query_ids.index(query) for query in tables[1].query_ids]
    np.testing.assert_array_equal(tables[0].rows(order).performance, tables[1].performance)
    corpora = [export_sft(release, tmp_path / f"sft-{i}", format="alpaca") for i, release in enumerate((made, whole))]
    lines = [Counter(line for file in corpus.files for line in file.read_bytes().splitlines()) for corpus in corpora]
    assert lines[0] == lines[1]
    assert lines[0].total() == corpora[0].records > 0
    found = [[(f.detector, f.count) for f in audit(release, workers=1).findings] for release in (made, whole)]
    assert found[0] == found[1]
    assert not any(diff_releases(made, whole))


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
    return [shard_dataset([file], "responses").to_table() for file in release.files("responses")]
