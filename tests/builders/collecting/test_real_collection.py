"""The whole product on data that did not exist before: a real LLM behind a real server is asked the questions of 14 tasks.

Its answers are collected, scored and judged by itself; templates, routers and a corpus are made of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.smol_release import LLMS, task_files
from llmfusionbench.cli.main import run
from tests.helpers.chat_server import serving
from tests.helpers.smol import NAME, smol

RUBRIC = """\
name: digit
scale: [0, 9]
reply: number
"""


@pytest.mark.llm
def test_from_a_real_llm_to_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    with serving(smol()) as server:
        (tmp_path / "llms.yaml").write_text(LLMS.format(name=NAME, url=server.url).replace("max_tokens: 128", "max_tokens: 24"))
        collect = ["collect", "--tasks", "all", *task_files(), "--llms", "llms.yaml", "--mode", "direct,think", "--limit", "2"]
        assert run([*collect, "--replicates", "2", "--out", "run"]) == 0
        asked = len(server.requests)
        assert asked == 14 * 4 * 2 * 2
        assert run(["collect", "run"]) == 0
        assert len(server.requests) == asked
