"""Judgements of pairs: they stay only while both answers that were compared do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import append
from llmfusionbench.release import Release, open_release
from tests.helpers.two_releases import answer, change, release_of, rows_of


def judged(llm: str, opponent: str | None, judge: str = "rule", **more: Any) -> dict[str, Any]:
    """An answer to the one question, with a judgement."""
    return answer("one?", llm, f"{llm} says so", judge=judge, judge_score=0.75, judge_opponent=opponent) | more


def judgements(release: Release) -> list[tuple[str, str, str | None]]:
    return sorted(((r["llm"], r["judge"], r["opponent"]) for r in rows_of(release, "judge_scores").values()), key=repr)


def test_a_comparison_goes_with_either_of_its_answers(tmp_path: Path) -> None:
    cat = judged("cat", None)
    old = release_of(tmp_path / "old", [judged("ant", "bee"), judged("ant", "cat", "other"), answer("one?", "bee", "no"), cat])
    new = release_of(tmp_path / "new", [answer("one?", "bee", "maybe"), cat | {"judge": "third", "judge_opponent": "bee"}])
    made = append(old, new, tmp_path / "out", prefer="new").release
    assert judgements(made) == [("ant", "other", "cat"), ("cat", "rule", None), ("cat", "third", "bee")]
    back = append(new, old, tmp_path / "back", prefer="old").release
    assert judgements(back) == judgements(made)


@pytest.mark.parametrize("opponent", ["bee_think", "bee@think"])
def test_the_opponent_is_a_candidate_in_any_spelling(tmp_path: Path, opponent: str) -> None:
    bees = [answer("one?", "bee", "no"), answer("one?", "bee", "no", mode="think"), answer("two?", "bee", "no", mode="think")]
    asked = [judged("ant", "bee_think"), judged("ant", "bee", "other"), judged("ant", "bee_think", prompt="two?")]
    old = release_of(tmp_path / "old", [*bees, *asked])
    assert change(old, "judge_scores", {"opponent": opponent}, opponent="bee_think") == 2
    new = release_of(tmp_path / "new", [answer("one?", "bee", "maybe", mode="think")])
    made = append(open_release(old.path), new, tmp_path / "out", prefer="new").release
    (stays,) = (r["query_id"] for r in made.rows("queries").to_pylist() if r["prompt"] == "two?")
    found = [(r["opponent"], r["query_id"] == stays) for r in rows_of(made, "judge_scores").values()]
    assert sorted(found) == [("bee", False), (opponent, True)]


def test_any_replicate_of_the_opponent_counts(tmp_path: Path) -> None:
    """A judgement does not tell which of them was shown."""
    old = release_of(tmp_path / "old", [judged("ant", "bee"), *(answer("one?", "bee", "no", replicate=i) for i in range(2))])
    new = release_of(tmp_path / "new", [answer("one?", "bee", "maybe", replicate=1)])
    assert judgements(append(old, new, tmp_path / "out", prefer="new").release) == []
