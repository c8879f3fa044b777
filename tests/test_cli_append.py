"""The command `append`: what it prints, what it refuses, what it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.appending import piece
from llmfusionbench.release import Release, open_release
from llmfusionbench.schema import SCHEMA_VERSION
from llmfusionbench.validation import validate
from tests.helpers.command import Command
from tests.helpers.two_releases import TRUE_TABLES, answer, release_of, rows_of

OLD = Path(__file__).parent / "release" / "release_1_0"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Release:
    rows = [answer("one?", "ant"), answer("one?", "bee"), answer("two?", "ant", split="test")]
    return release_of(tmp_path_factory.mktemp("base") / "release", rows)


def test_what_it_prints(lfb: Command, base: Release, tmp_path: Path) -> None:
    new = release_of(tmp_path / "new", [answer("two?", "bee"), answer("three?", "ant"), answer("one?", "ant", latency_s=2)])
    status, out, err = lfb("append", base.path, new.path, "--out", tmp_path / "out", "--workers", 1)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("Warning: 1 query of split train of the appended release stayed in test:")
    assert lines[1] == f"From {base.path} to version 2"
    assert [line.split() for line in lines if line.startswith(("queries", "responses"))] == [
        ["queries", "1", "0", "0"], ["responses", "2", "0", "1", "latency_s", "1"],
    ]  # fmt: skip
    assert lines[-1] == f"Wrote {tmp_path / 'out'}: version 2."


def test_the_words_of_an_edited_card(lfb: Command, tmp_path: Path) -> None:
    old, new = release_of(tmp_path / "old", [answer("one?", "ant")]), release_of(tmp_path / "new", [answer("two?", "ant")])
    assert "Note: README.md" not in lfb("append", old.path, new.path, "--out", tmp_path / "plain")[1]
    with open(tmp_path / "old" / "README.md", "a", encoding="utf-8") as card:
        card.write("\nWe asked them at night.\n")
    status, out, _ = lfb("append", old.path, new.path, "--out", tmp_path / "out")
    assert status == 0
    assert f"Note: README.md of {old.path} was edited, and the card of the new version is made without those words." in out
    assert "at night" not in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_diff_shows_the_changelog(lfb: Command, base: Release, tmp_path: Path) -> None:
    rows = [answer("two?", "bee"), answer("one?", "ant", performance=0.25), answer("one?", "bee", "no", license="MIT")]
    release_of(tmp_path / "new", rows)
    assert lfb("append", base.path, tmp_path / "new", "--out", tmp_path / "out", "--prefer", "new")[0] == 0
    (step,) = open_release(tmp_path / "out").manifest["history"]
    status, out, _ = lfb("diff", base.path, tmp_path / "out", "--json")
    found = {d.pop("table"): d for d in json.loads(out)}
    assert status == 1
    assert step["changes"] == {
        table: {name: d[name] for name in ("added", "removed", "changed", "columns")}
        for table, d in found.items()
        if d["added"] or d["removed"] or d["changed"]
    }
    keys = [(example["what"], example["key"]) for d in found.values() for example in d["examples"]]
    assert [(e["what"], e["key"]) for e in step["examples"]] == keys
    status, out, _ = lfb("diff", tmp_path / "out", base.path, "--json")
    back = {d["table"]: d for d in json.loads(out)}
    for table, change in step["changes"].items():
        assert (back[table]["added"], back[table]["removed"]) == (change["removed"], change["added"])
        assert back[table]["columns"] == change["columns"]


def test_a_conflict(lfb: Command, base: Release, tmp_path: Path) -> None:
    release_of(tmp_path / "new", [answer("one?", "ant", performance=0.25), answer("one?", "bee", "no")])
    status, out, err = lfb("append", base.path, tmp_path / "new", "--out", tmp_path / "out")
    assert (status, out) == (1, "")
    (key,) = {row["query_id"] for row in base.rows("queries", "train").to_pylist()}
    assert err.splitlines() == [
        f"llmfusionbench: error: {tmp_path / 'new'} contradicts {base.path} in 2 values of rows that both have:",
        "  responses.response: 1",
        "  responses.performance: 1",
        f"  responses {key}, ant, direct, 0: performance is 1.0, to append is 0.25",
        f'  responses {key}, bee, direct, 0: response is "yes", to append is "no"',
        "Remedy: set --prefer old to keep the values of the release, or --prefer new to replace them",
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new", "new.jsonl", "new.llms.jsonl"]


def test_more_conflicts_than_are_shown(lfb: Command, tmp_path: Path) -> None:
    release_of(tmp_path / "old", [answer(f"{n}?", "ant", "yes" * 100) for n in range(400)])
    release_of(tmp_path / "new", [answer(f"{n}?", "ant", "no" * 100) for n in range(400)])
    status, _, err = lfb("append", tmp_path / "old", tmp_path / "new", "--out", tmp_path / "out")
    assert status == 1
    assert "in 400 values of rows that both have" in err
    assert "  ... and 390 more" in err.splitlines()
    assert len(err.splitlines()) == 14
    assert max(map(len, err.splitlines())) < 300


def test_refusals(lfb: Command, base: Release, tmp_path: Path) -> None:
    status, _, err = lfb("append", base.path, base.path, "--out", tmp_path / "out")
    assert (status, len(err.splitlines())) == (1, 1)
    assert "whose rows stay as they are. Remedy: append a release with other rows" in err
    assert lfb("append", base.path, "sample", "--out", tmp_path / "out", "--prefer", "both")[0] == 2
    assert "no such directory" in lfb("append", base.path, tmp_path / "none", "--out", tmp_path / "out")[2]
    assert "lies in the input" in lfb("append", base.path, "sample", "--out", base.path / "out")[2]
    assert not (tmp_path / "out").exists()


def test_the_sample_is_said_to_be_simulated(lfb: Command, base: Release, tmp_path: Path) -> None:
    status, out, _ = lfb("append", "sample", base.path, "--out", tmp_path / "out")
    assert status == 0
    assert out.startswith("SIMULATED DATA: no LLM was asked.")
    assert "Warning: simulated and real answers are in one release" in out
    sample, made = open_release("sample"), open_release(tmp_path / "out")
    for table in TRUE_TABLES:
        assert rows_of(made, table) == rows_of(sample, table) | rows_of(base, table)
    assert validate(tmp_path / "out") == []


@pytest.mark.parametrize("older", ["release", "new"])
def test_a_release_of_an_older_schema(lfb: Command, base: Release, tmp_path: Path, older: str) -> None:
    sides = [OLD, base.path] if older == "release" else [base.path, OLD]
    assert lfb("append", *sides, "--out", tmp_path / "out")[0] == 0
    made = open_release(tmp_path / "out")
    assert made.manifest["schema_version"] == SCHEMA_VERSION
    for table in TRUE_TABLES:
        assert rows_of(made, table) == rows_of(open_release(OLD), table) | rows_of(base, table)
    assert validate(made.path) == []


def test_a_run_that_fails_leaves_no_trace(lfb: Command, base: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = release_of(tmp_path / "new" / "release", [answer("three?", "ant"), answer("four?", "ant", split="test")])
    written: list[str] = []
    whole = piece.write_shard

    def write(root: Path, name: str, *rest: Any, **more: Any) -> dict[str, Any]:
        written.append(name)
        if name.startswith("routing/test"):
            raise OSError(28, "No space left on device", str(root / name))
        return whole(root, name, *rest, **more)

    monkeypatch.setattr(piece, "write_shard", write)
    for workers in (1, 2):
        status, _, err = lfb("append", base.path, new.path, "--out", tmp_path / "deep" / "out", "--workers", workers)
        assert status == 1
        assert f"{tmp_path / 'deep' / 'out'}" in err
        assert "No space left on device" in err
        assert [p.name for p in tmp_path.iterdir()] == ["new"]
    assert len(written) > 6
