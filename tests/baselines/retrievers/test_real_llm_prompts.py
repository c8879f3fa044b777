"""A real LLM is asked all three ways, from the command line: SmolLM2-135M-Instruct, as it comes from the package index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmfusionbench.cli.main import run
from tests.helpers.chat_server import serving
from tests.helpers.smol import smol


def test_a_real_llm_is_asked_three_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    llm = smol()
    out = tmp_path / "out"
    with serving(llm) as server:
        command = ["evaluate-prompts", "sample", "--url", server.url, "--model", "smollm2-135m-instruct", "--limit", "1"]
        settings = ["--k", "1", "--max-tokens", "16", "--concurrency", "1", "--timeout", "3600", "--resamples", "50"]
        assert run([*command, *settings, "--retriever", "bm25", "--out", str(out)]) == 0
        assert len(server.requests) == 3
    printed = capsys.readouterr().out
    assert "smollm2-135m-instruct on 1 queries (test)" in printed
    answers = [json.loads(line) for line in (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(answers) == 3
    assert all(a["error"] is None and a["response"].strip() and a["output_tokens"] <= 16 for a in answers)
    report = json.loads((out / "report.json").read_text())
    assert [row["method"] for row in report["overall"]] == ["zero_shot", "few_shot", "thought_template"]
    assert all(row["failed"] == 0 and row["scored"] + row["missing"] == 1 for row in report["overall"])
    asked = {a["method"]: a["input_tokens"] for a in answers if a["query_id"] == answers[0]["query_id"]}
    assert asked["zero_shot"] < asked["thought_template"]
