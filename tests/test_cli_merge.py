"""The command `merge`: what it prints, what it refuses, what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmfusionbench.release import Release
from tests.helpers.command import Command
from tests.helpers.two_releases import answer, release_of


def test_what_it_prints(lfb: Command, tmp_path: Path) -> None:
    release_of(tmp_path / "a", [answer("one?", "ant", source_id="0"), answer("two?", "ant")])
    release_of(tmp_path / "b", [answer("one?\n", "bee", source_id="q1")])
    status, out, err = lfb("merge", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out", "--workers", 1)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == f"Wrote {tmp_path / 'out'}: 2 queries, 1 of them in more than one release, 2 candidates."
    assert "Conflict" not in out
    assert lfb("validate", tmp_path / "out")[0] == 0


def test_a_conflict_and_the_preferred_side(lfb: Command, tmp_path: Path) -> None:
    release_of(tmp_path / "a", [answer("one?", "ant")])
    release_of(tmp_path / "b", [answer("one?", "ant", "no")])
    status, out, err = lfb("merge", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out")
    assert (status, out) == (1, "")
    assert "  responses.response: 1" in err.splitlines()
    assert 'response is "yes", here it is "no"' in err
    assert not (tmp_path / "out").exists()
    status, out, err = lfb("merge", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out", "--prefer", "last")
    assert (status, err) == (0, "")
    assert "Conflict: responses.response differs in 1 row; the last counts." in out


@pytest.mark.parametrize("sides", ["ab", "ba"])
def test_a_log_that_scored_nothing_contradicts_no_metric(lfb: Command, tmp_path: Path, sides: str) -> None:
    release_of(tmp_path / "a", [answer("one?", "ant", metric="bypass", performance=None)])
    release_of(tmp_path / "b", [answer("one?", "bee")])
    status, out, err = lfb("merge", *(tmp_path / side for side in sides), "--out", tmp_path / "out", "--workers", 1)
    assert (status, err) == (0, "")
    assert "Conflict" not in out
    assert Release(tmp_path / "out").rows("queries")["metric"].to_pylist() == ["em"]


def test_the_conflicts_of_each_release_have_lines_of_their_own(lfb: Command, tmp_path: Path) -> None:
    for name, said in (("a", "yes"), ("b", "no"), ("c", "hm")):
        release_of(tmp_path / name, [answer("one?", "ant", said)])
    status, out, err = lfb("merge", *(tmp_path / name for name in "abc"), "--out", tmp_path / "out")
    assert (status, out) == (1, "")
    heads = [line for line in err.splitlines() if " contradicts " in line]
    assert [line.split(" contradicts ")[0].split()[-1] for line in heads] == [str(tmp_path / "b"), str(tmp_path / "c")]
    assert heads[1].startswith("  ")
    assert "\\n" not in err


def test_refusals(lfb: Command, tmp_path: Path) -> None:
    status, _, err = lfb("merge", "sample", "--out", tmp_path / "out")
    assert (status, len(err.splitlines())) == (1, 1)
    assert "1 release to merge, expected two or more. Remedy: name them all" in err
    assert "no such directory" in lfb("merge", "sample", tmp_path / "none", "--out", tmp_path / "out")[2]
    assert lfb("merge", "sample", "sample", "--out", tmp_path / "out", "--prefer", "old")[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_simulated_answers_are_called_so(lfb: Command, tmp_path: Path) -> None:
    release_of(tmp_path / "a", [answer("one?", "ant")])
    status, out, _ = lfb("merge", "sample", tmp_path / "a", "--out", tmp_path / "out")
    assert status == 0
    assert out.startswith("SIMULATED DATA: no LLM was asked.")
    assert "Warning: simulated and real answers are in one release" in out
    assert "Warning: the releases have no query in common" in out
