"""Every example of the README and of the pages it leads to runs, page by page, in a folder of its own.

A block of `python` or `bash` runs, in the order of the page, without network. A block of `console` is only shown: it needs a
server, takes long, or is covered by other tests.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.figures.printouts import quickstart_table
from tests.helpers import warm

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
START = (ROOT / "docs" / "getting_started.md").read_text(encoding="utf-8")
PAGES = {
    "README.md": 3,
    "CARD.md": 1,
    "docs/audit.md": 2,
    "docs/corpora.md": 3,
    "docs/evaluation.md": 2,
    "docs/getting_started.md": 8,
    "docs/judge_report.md": 1,
    "docs/publish.md": 1,
    "docs/retrieval.md": 3,
    "docs/scale.md": 1,
    "docs/scoring.md": 3,
    "docs/thought_templates.md": 2,
}
"""Page -> number of its examples that run."""


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, content) of every fenced block that names a language."""
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with what a reader would have: some logs, and the answers that getting_started.md shows."""
    (tmp_path / "logs").mkdir()
    for llm in ("first-7b", "second-70b"):
        records = [
            {
                "session_id": f"gsm8k-#{i}", "chat_history": [f"What is {i} + {i}?"], "model_input": "...",
                "output": [json.dumps({"reasoning": "add", "answer": str(2 * i)})], "generator": f"maker/{llm}",
                "configs": {}, "dataset": "gsm", "id": f"gsm8k-#{i}", "question": f"What is {i} + {i}?",
                "answer": f"# {2 * i}", "source": "ours",
            }
            for i in range(3)
        ]  # fmt: skip
        (tmp_path / "logs" / f"{llm}.json.gz").write_bytes(gzip.compress(json.dumps(records).encode()))
    (csv,) = (text for kind, text in blocks(START) if kind == "csv")
    (tmp_path / "answers.csv").write_text(csv, encoding="utf-8")
    (tmp_path / "bin").mkdir()
    warm.write_command(tmp_path / "bin" / "llmfusionbench", "-m", "llmfusionbench", libraries=warm.LEARNING)
    return tmp_path


def run(kind: str, text: str, place: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HF_HOME": str(place / "hf"),
        "HF_HUB_OFFLINE": "1",
    }
    if kind == "python":
        return warm.run("-c", text, env=environment, cwd=place, libraries=warm.LEARNING)
    return subprocess.run(["bash", "-euc", text], cwd=place, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("page", PAGES)
def test_every_example_runs(place: Path, page: str) -> None:
    done = 0
    for kind, text in blocks((ROOT / page).read_text(encoding="utf-8")):
        if kind not in ("python", "bash") or text.startswith("make "):
            continue
        result = run(kind, text, place)
        assert result.returncode == 0, f"{text}\n{result.stdout}\n{result.stderr}"
        done += 1
    assert done == PAGES[page]


def test_the_table_that_is_shown_is_what_quickstart_prints() -> None:
    assert quickstart_table() in START


def test_the_readme_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= 220
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


def test_the_readme_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README))
    assert linked >= {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").iterdir()}
    assert (ROOT / "docs" / "report.png").stat().st_size <= 150_000


def test_every_command_is_in_it() -> None:
    from llmfusionbench.cli.main import COMMANDS

    for name in COMMANDS:
        assert f"`llmfusionbench {name}" in README, name


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for line in re.findall(r"`(make [\w ]+)`", README) for word in line.split()[1:]}
    assert named
    assert named <= targets
