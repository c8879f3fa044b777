"""The whole product on data that did not exist before: a real LLM behind a real server is asked the questions of 14 tasks.

Its answers are collected, scored and judged by itself; templates, a report on routers and a corpus are made of them.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
import pytest

import llmfusionbench as lfb
from benchmarks.figures.smol_release import LLMS, task_files
from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.cli.main import run
from tests.helpers.chat_server import serving
from tests.helpers.smol import NAME, smol

JUDGE = """\
    modes:
      judge: {logprobs: true, top_logprobs: 5, structured_outputs: {choice: ["0", "1"]}}
"""
RUBRIC = """\
name: right
instructions: Decide whether the given answer is right.
scale: {low: 0, high: 1, whole: true}
reference: true
reply: number
max_tokens: 2
temperature: 0
max_characters: 300
"""
REPLICATES, MODES, JUDGED = 2, 2, 24


@pytest.mark.llm
def test_from_questions_to_routers_and_a_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    Path("right.yaml").write_text(RUBRIC)
    with serving(smol()) as server:
        Path("llms.yaml").write_text(
            LLMS.format(name=NAME, url=server.url).replace("max_tokens: 128", "max_tokens: 16") + JUDGE
        )
        asked = ["--tasks", "all", *task_files(), "--llms", "llms.yaml", "--mode", "direct,think", "--limit", "1"]
        assert run(["collect", *asked, "--replicates", str(REPLICATES), "--out", "run"]) == 0
        answers = len(CATALOG) * 2 * MODES * REPLICATES
        assert len(server.requests) == answers
        assert run(["collect", "run"]) == 0
        assert len(server.requests) == answers
        assert run(["build", "collected", "run", "--out", "built"]) == 0
        assert run(["rescore", "built", "--allow-code-execution", "--out", "scored"]) == 0
        judge = ["judge", "scored", "--judge", NAME, "--llms", "llms.yaml", "--rubric", "right.yaml", "--limit", str(JUDGED)]
        assert run([*judge, "--out", "judged"]) == 0
    printed = capsys.readouterr().out
    assert "parse rate" in printed.lower()

    release = lfb.open_release("judged")
    assert lfb.validate("judged") == []
    assert release.manifest["provenance"] == ["collected"]
    rows = release.table("responses").to_table().to_pylist()
    assert Counter((row["mode"], row["replicate"]) for row in rows) == {
        (mode, number): answers // 4 for mode in ("direct", "think") for number in range(REPLICATES)
    }
    assert all(row["status"] == "ok" and row["provenance"] == "collected" and row["served_model"] == NAME for row in rows)
    assert all(row["performance"] is not None and 0 < row["output_tokens"] <= 16 for row in rows)
    assert {row["finish_reason"] for row in rows} <= {"stop", "length"}
    scores = release.table("judge_scores").to_table()["score"]
    assert len(scores) == JUDGED == pc.count(scores).as_py()
    assert 0 <= pc.min(scores).as_py() <= pc.max(scores).as_py() <= 1

    assert run(["templates", "build", "judged", "--criterion", "judge", "--min-judge-score", "0", "--out", "templates"]) == 0
    assert lfb.open_release("templates").table("thought_templates").count_rows() > 0
    assert (
        run(["evaluate", "judged", "--router", "per_task", "--scenario", "balance", "--protocol", "kfold", "--out", "report"])
        == 0
    )
    assert json.loads(Path("report/report.json").read_text())["routers"]
    assert run(["export", "sft", "judged", "--with-labels", "--format", "messages", "--out", "corpus"]) == 0
    records = [json.loads(line) for path in Path("corpus").glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len(records) >= len(CATALOG)
