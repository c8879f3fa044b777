"""--embedder: what the commands make of it, and that nothing is computed twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmfusionbench.cli.main import run

FILE = """
import numpy as np
from pathlib import Path
class Lengths:
    id = "lengths"
    def encode(self, prompts):
        with open(Path(__file__).with_name("asked.txt"), "a") as file:
            file.writelines(f"{len(p or '')}\\n" for p in prompts)
        return np.array([[len(p or ""), (p or "").count("a")] for p in prompts], np.float32).reshape(-1, 2)
class Nothing:
    pass
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_vectors_are_kept_from_one_run_to_the_next(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate = [
        "evaluate",
        "sample",
        "--router",
        "knn",
        "--router",
        "ridge",
        "--embedder",
        f"{file}:Lengths",
        "--resamples",
        "20",
    ]
    assert run(evaluate) == 0
    told = capsys.readouterr().out
    assert "Note: embedder lengths: knn, ridge" in told
    asked = (file.parent / "asked.txt").read_text().splitlines()
    assert len(asked) == 392 + 112, "each prompt once, whatever asks for it"
    assert run(evaluate) == 0
    assert capsys.readouterr().out == told
    assert run(["templates", "retrieve", "sample", "--embedder", f"{file}:Lengths", "--prompt", "A new prompt"]) == 0
    assert len((file.parent / "asked.txt").read_text().splitlines()) == len(asked) + 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("minilmm", 'Did you mean "minilm"?'),
        ("nowhere.py:Mine", "nowhere.py: no such file"),
        ("{file}:Nothing", "is not an embedder. Remedy: give it id and encode(prompts)"),
        ("{file}:Mine", "No class in"),
    ],
)
def test_mistakes_are_one_line(spec: str, message: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "sample", "--router", "knn", "--embedder", spec.format(file=file)]) == 1
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
