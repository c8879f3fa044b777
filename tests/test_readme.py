"""Every example of the README runs, in order, in an empty folder; what it shows is what is printed."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)

sys.path.insert(0, str(ROOT / "docs"))
from make_readme import quickstart_table  # noqa: E402


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a reader would have: some logs, and the answers that the README shows."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "logs").mkdir()
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
        (folder / "logs" / f"{llm}.json.gz").write_bytes(gzip.compress(json.dumps(records).encode()))
    (csv,) = (text for kind, text in BLOCKS if kind == "csv")
    (folder / "answers.csv").write_text(csv, encoding="utf-8")
    command = folder / "bin" / "llmfusionbench"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom llmfusionbench.cli import main\nmain()\n")
    command.chmod(0o755)
    return folder


def run(command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HF_HOME": str(place / "hf"),
        "HF_HUB_OFFLINE": "1",
    }
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)


def test_every_example_runs(place: Path) -> None:
    done = 0
    for kind, text in BLOCKS:
        if kind == "python":
            result = run([sys.executable, "-c", text], place)
        elif kind == "bash" and not text.startswith("make "):
            result = run(["bash", "-euc", text], place)
        else:
            continue
        assert result.returncode == 0, f"{text}\n{result.stdout}\n{result.stderr}"
        done += 1
    assert done >= 7


def test_the_table_it_shows_is_what_quickstart_prints() -> None:
    assert quickstart_table() in README


def test_every_command_is_in_it() -> None:
    from llmfusionbench.cli.main import COMMANDS

    for name in COMMANDS:
        assert f"`llmfusionbench {name}" in README, name


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for line in re.findall(r"`(make [\w ]+)`", README) for word in line.split()[1:]}
    assert named
    assert named <= targets
