"""The real files of Every Eval Ever."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmfusionbench.builders.sources.eee import EEE
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, real_logs


def test_the_demo_comes_in_whole() -> None:
    paths = real_logs("formats/eee/demo/*.json*")
    raw = [json.loads(line) for path in paths if path.suffix == ".jsonl" for line in path.read_text().splitlines()]
    found = read(EEE(), *paths)
    assert found.rejected == []
    assert len(found.rows) == len(raw) == 1
    for row, said in zip(found.rows, raw, strict=True):
        assert row["performance"] == said["evaluation"]["score"]
        assert (row["llm"], row["input_tokens"]) == (said["model_id"], said["token_usage"]["input_tokens"])
        assert (row["prompt"], row["ground_truth"]) == (said["input"]["raw"], said["input"]["reference"][0])
        assert row["response"] == said["output"]["raw"][0]
    assert (found.rows[0]["task"], found.rows[0]["metric"]) == ("demo_bench", "accuracy")
    assert any("states 0.75" in note for note in found.notes)  # its aggregate is not the mean of its one sample


def test_a_leaderboard_has_no_answers() -> None:
    path = next(p for p in real_logs("formats/eee/*.json") if len(p.stem) == 36)
    with pytest.raises(InputError, match="aggregates alone"):
        list(EEE().read([Path(path)]))
