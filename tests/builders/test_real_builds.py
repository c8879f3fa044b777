"""Real logs built into releases: the counts are pinned, and nothing is lost or found wrong."""

from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from tests.helpers.reading import real_logs

BUILDS = {
    "zeroeval": (
        ["zeroeval_gsm8k/*.json.gz"],
        {"queries": 1_319, "llms": 20, "responses": 26_380, "logs": 26_380, "judge_scores": 0, "routing": 1_319},
        0,
    ),
    "wildbench": (
        ["wildbench/judge=*/*.json.gz"],
        {"queries": 1_024, "llms": 5, "responses": 5_119, "logs": 5_119, "judge_scores": 10_232, "routing": 1_024},
        0,
    ),
    "llmrouter": (
        ["llmrouter/dcrouter_train.json.gz", "llmrouter/default_query_train.jsonl.gz", "llmrouter/default_llm.json"],
        {"queries": 5_608, "llms": 9, "responses": 50_472, "logs": 50_472, "judge_scores": 0, "routing": 5_608},
        8,  # texts that two queries share
    ),
}


@pytest.mark.parametrize("source", BUILDS)
def test_real_logs_build_and_validate(tmp_path: Path, source: str) -> None:
    patterns, rows, rejected = BUILDS[source]
    release = build(source, real_logs(*patterns), tmp_path / "release", workers=1)
    assert {name: release.table(name).count_rows() for name in rows} == rows
    assert release.manifest["rejected"] == rejected
    assert release.splits == ["train"]
    assert lfb.validate(tmp_path / "release") == []
