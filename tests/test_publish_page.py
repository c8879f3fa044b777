"""The six commands of docs/publish.md, against a local Hub, and what they leave there for a reader with `datasets` alone."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.helpers.hub import LocalHub, run_client
from tests.helpers.publishing import commands

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "publish.md").read_text(encoding="utf-8")
START = (ROOT / "docs" / "getting_started.md").read_text(encoding="utf-8")
LATER = "question,model,answer,correct,dollars\nWho painted Guernica?,small-7b,Dali,0,0.00001\n"

READ = """
from datasets import load_dataset
for split in ("logs", "queries"):
    rows = load_dataset("my-org/my-logs", split, split="train", streaming=True)
    print(split, sorted(row["prompt"] for row in rows))
"""


def test_the_six_commands(tmp_path: Path) -> None:
    block = re.search(r"^```console\n(export MAP=.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    csv = re.search(r"^```csv\n(.*?)^```", START, re.MULTILINE | re.DOTALL)
    assert block is not None
    assert csv is not None
    mapping, *lines = (line for line in block[1].splitlines() if line)
    options = mapping.removeprefix('export MAP="').removesuffix('"')
    calls = [shlex.split(line.removeprefix("llmfusionbench ").replace("$MAP", options)) for line in lines]
    assert len(calls) == 6
    (tmp_path / "answers.csv").write_text(csv[1], encoding="utf-8")
    (tmp_path / "later.csv").write_text(LATER, encoding="utf-8")
    with LocalHub() as hub:
        printed = commands(hub, tmp_path, *calls)
        assert [p.status for p in printed] == [0] * 6, printed
        assert printed[1].out.endswith("Dry run: nothing was written.\n")
        assert len(hub.repos["my-org/my-logs"].commits) == 3, "the empty repository, and two versions"
        done = run_client(READ, hub.env(tmp_path / "reader"), tmp_path)
        [opened] = commands(hub, tmp_path, ["info", "my-org/my-logs"])
    assert done.returncode == 0, done.stderr
    first, second = "What is 2 + 3?", "Who wrote Faust?"
    assert done.stdout.splitlines() == [
        f"logs {[first, first, 'Who painted Guernica?', second, second]}",
        f"queries {[first, 'Who painted Guernica?', second]}",
    ]
    assert "queries                3" in opened.out
