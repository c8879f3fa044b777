"""Answers to some queries of a release, of which a split or all may have none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from llmfusionbench.evaluation.release_facts import answers_of, tokens_of
from llmfusionbench.release import Release
from llmfusionbench.types import Candidate
from tests.helpers.large_release import write_large_release


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write_large_release(tmp_path / "r", queries=6, shards=1)


def without_answers(place: Path, *splits: str) -> Release:
    """The release with no shards of `responses` and `logs` in these splits."""
    manifest = json.loads((place / "manifest.json").read_text())
    for table in ("responses", "logs"):
        for split in splits:
            del manifest["tables"][table]["splits"][split]
            for name in [n for n in manifest["files"] if n.startswith(f"{table}/{split}-")]:
                del manifest["files"][name]
                (place / name).unlink()
    (place / "manifest.json").write_text(json.dumps(manifest))
    return Release(place)


def test_a_split_without_answers(release: Path) -> None:
    whole = Release(release)
    asked = {split: whole.rows("queries", split)["query_id"].to_pylist() for split in ("train", "test")}
    pairs = whole.rows("responses", columns=["llm", "mode"]).group_by(["llm", "mode"]).aggregate([]).to_pylist()
    names = [Candidate(pair["llm"], pair["mode"]).name for pair in pairs]
    near = tokens_of(whole, set(asked["train"]), names)
    part = without_answers(release, "test")
    answers, row, column = answers_of(part, asked["test"], names, ["input_tokens"])
    assert (answers.num_rows, len(row), len(column)) == (0, 0, 0)
    assert all(np.isnan(found).all() for found in tokens_of(part, set(asked["test"]), names).values())
    both = tokens_of(part, {*asked["train"], *asked["test"]}, names)
    assert all(np.array_equal(both[query], near[query], equal_nan=True) for query in asked["train"])


def test_no_answers_and_no_queries(release: Path) -> None:
    query = Release(release).rows("queries")["query_id"][0].as_py()
    part = without_answers(release, "train", "test")
    answers, _, _ = answers_of(part, [query], ["a"], ["output_tokens"])
    assert answers.column_names == ["query_id", "llm", "mode", "output_tokens"]
    assert answers.num_rows == 0
    assert answers_of(part, [], [], ["output_tokens"])[0].num_rows == 0
    assert tokens_of(part, set(), ["a"]) == {}
