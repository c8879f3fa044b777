"""A column of scores that are words: the build is refused with the remedy, even if some records have no score at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmfusionbench.builders import build
from llmfusionbench.errors import RejectedError

MAP = {"prompt": "question", "llm": "model", "response": "answer", "performance": "verdict"}


def log(place: Path, *verdicts: str) -> Path:
    """A table of answers with these verdicts."""
    lines = [f"{i}+1?,ant,{i},{verdict}\n" for i, verdict in enumerate(verdicts)]
    path = place / "log.csv"
    path.write_text("question,model,answer,verdict\n" + "".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("verdicts", [("correct", "incorrect", ""), ("correct", "", "", ""), ("correct", "wrong", "1")])
def test_most_scores_are_words(tmp_path: Path, verdicts: tuple[str, ...]) -> None:
    with pytest.raises(
        RejectedError, match=r'their scores are words[\s\S]*verdict \(performance\) is "correct"[\s\S]*Remedy: '
    ):
        build("table", [log(tmp_path, *verdicts)], tmp_path / "out", options={"map": MAP}, workers=1)
    assert not (tmp_path / "out").exists()


def test_one_word_among_scores_costs_one_record(tmp_path: Path) -> None:
    release = build("table", [log(tmp_path, "1", "correct", "0")], tmp_path / "out", options={"map": MAP}, workers=1)
    assert release.manifest["records"] == {"taken": 2, "folded": 0, "rejected": 1}
