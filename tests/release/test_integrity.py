"""What is opened is checked: a file that is not as the manifest says is refused by everything that uses it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.storage import digests
from tests.helpers.tiny_release import change_manifest, change_rows, replace_shard

TRAIN = "{}/train-00000-of-00001.parquet"
Rows = list[dict[str, Any]]


def flip(path: Path) -> None:
    """Change a byte of the data: neither the size nor the footer shows it."""
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)


def performance_of_77(release: Path) -> None:
    """Other scores, in files of the same number of rows; the manifest stays as it was."""
    manifest = (release / "manifest.json").read_bytes()
    for split in ("train", "test"):
        change_rows(release, f"routing/{split}-00000-of-00001.parquet", lambda rows: [score_77(row) for row in rows])
    (release / "manifest.json").write_bytes(manifest)


def score_77(row: dict[str, Any]) -> None:
    for cell in row["candidates"]:
        cell["performance"] = 77.0


@pytest.mark.parametrize(
    "command",
    [
        "evaluate R --router knn",
        "evaluate R --router random --out OUT",
        "fuse R",
        "append R sample --out OUT",
        "append sample R --out OUT",
        "rescore R --out OUT",
        "tokens R --tokenizer cl100k_base --out OUT",
        "templates build R --out OUT",
        "export sft R --format openai --out OUT",
        "export routing R --format embedllm --out OUT",
    ],
)
def test_commands_refuse_tampered_scores(
    command: str, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    performance_of_77(release)
    words = [{"R": str(release), "OUT": str(tmp_path / "out")}.get(word, word) for word in command.split()]
    assert run(words) == 1
    error = capsys.readouterr().err
    assert f"{release}/routing/test-00000-of-00001.parquet: differs from the release's manifest (" in error
    assert " bytes, expected " in error
    assert "Remedy: build or download it again" in error
    assert not (tmp_path / "out").exists()


USES: dict[str, Callable[[Path], object]] = {
    "table": lambda r: Release(r).table("logs"),
    "batches": lambda r: next(Release(r).batches("logs")),
    "pandas": lambda r: Release(r).to_pandas("logs"),
    "load_dataset": lambda r: load_dataset("llmfusionbench", "logs", release=r, cache_dir=str(r.parent / "cache")),
    "streaming": lambda r: list(load_dataset("llmfusionbench", "logs", split="train", release=r, streaming=True)),
}


@pytest.mark.parametrize("use", USES)
def test_a_changed_byte_is_refused_when_the_file_is_used(use: str, release: Path) -> None:
    flip(release / TRAIN.format("logs"))
    opened = Release(release)
    assert opened.table("logs", "test").count_rows() == 2, "files are read only when they are used"
    with pytest.raises(ReleaseError, match=r"logs/train-0.* differs from the release's manifest \(sha256 .*, expected sha256 "):
        USES[use](release)


def other_table(release: Path) -> None:
    replace_shard(release, TRAIN.format("queries"), pq.read_table(release / TRAIN.format("llms")))


def column(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def damage(release: Path) -> None:
        name = TRAIN.format("responses")
        replace_shard(release, name, change(pq.read_table(release / name)))

    return damage


def rows_of_the_manifest(release: Path) -> None:
    change_manifest(release, lambda m: m["files"][TRAIN.format("llms")].update(rows=7))


def another_name(release: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["files"]["llms/all.parquet"] = manifest["files"].pop(TRAIN.format("llms"))

    (release / TRAIN.format("llms")).rename(release / "llms" / "all.parquet")
    change_manifest(release, change)


FOOTERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "another table": (other_table, "query_id is missing, expected a column of type string"),
    "another type": (
        column(lambda t: t.set_column(0, "query_id", pa.array(range(len(t))))),
        "query_id is of type int64, expected string",
    ),
    "bytes for text": (
        column(lambda t: t.set_column(0, "query_id", t["query_id"].cast(pa.binary()))),
        "query_id is of type binary, expected string",
    ),
    "one column twice": (column(lambda t: t.append_column("llm", t["llm"])), "llm is there 2 times, expected one column"),
    "one column more": (column(lambda t: t.append_column("x", t["llm"])), "x is unknown, expected only query_id"),
    "one column less": (column(lambda t: t.drop_columns("llm")), "llm is missing"),
    "other rows": (rows_of_the_manifest, "2 rows, expected 7 rows"),
    "another name": (another_name, "not the name of a shard, expected a shard of one of the splits train"),
}


@pytest.mark.parametrize("name", FOOTERS)
def test_footers_are_compared_when_a_release_is_opened(name: str, release: Path) -> None:
    """Even if the manifest has the digest of the changed file."""
    damage, message = FOOTERS[name]
    damage(release)
    with pytest.raises(ReleaseError, match=r"differs from the release's manifest \(.*Remedy") as caught:
        lfb.open_release(release)
    assert message in str(caught.value)
    assert lfb.validate(release)


def test_a_file_is_read_for_its_digest_once(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a process, and for large files in later ones, until the file changes."""
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "KEPT_BYTES", 1)
    hashed: list[str] = []
    whole_sha256 = digests.sha256
    monkeypatch.setattr(digests, "sha256", lambda path: (hashed.append(path.name), whole_sha256(path))[1])
    for _ in range(3):
        Release(release).table("logs", "train").to_table()
        Release(release).routing("train")
    assert sorted(hashed) == ["train-00000-of-00001.parquet"] * 4, "logs, routing, queries, llms"
    digests._known.clear()  # as in another process
    Release(release).table("logs", "train")
    assert len(hashed) == 4
    (note,) = (tmp_path / "cache" / "digests").iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    flip(release / TRAIN.format("logs"))
    with pytest.raises(ReleaseError, match="differs"):
        Release(release).table("logs", "train")


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": [1, 2, 3]}', "[" * 100_000, "\udcff"])
def test_a_broken_note_of_digests_is_no_error(
    content: str, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "KEPT_BYTES", 1)
    note = digests._note(os.path.realpath(release))
    note.parent.mkdir(parents=True)
    note.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert Release(release).table("logs").count_rows() == 6
    assert json.loads(note.read_text())


def test_a_note_that_others_can_write_is_not_believed(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "KEPT_BYTES", 1)
    Release(release).table("logs")
    flip(release / TRAIN.format("logs"))
    note = digests._note(os.path.realpath(release))
    entries = json.loads(note.read_text())
    name = TRAIN.format("logs")
    entries[name] = [digests.stamp_of(release / name), Release(release, damaged=True).manifest["files"][name]["sha256"]]
    note.write_text(json.dumps(entries))
    for place in (note, note.parent):
        digests._known.clear()
        place.chmod(place.stat().st_mode | 0o022)
        with pytest.raises(ReleaseError, match="differs"):
            Release(release).table("logs")
        place.chmod(place.stat().st_mode & ~0o022)


def test_a_cache_that_cannot_be_written_is_no_error(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(digests, "KEPT_BYTES", 1)
    assert Release(release).table("logs").count_rows() == 6


def test_tools_look_at_a_damaged_release(release: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`validate` lists every difference; `info` and `diff` warn and go on."""
    performance_of_77(release)
    flip(release / TRAIN.format("logs"))
    assert run(["info", str(release)]) == 0
    assert "3 of the files in" in capsys.readouterr().err
    assert run(["diff", str(whole), str(release)]) in (0, 1)
    assert "Note: 3 of the files" in capsys.readouterr().err
    named = {issue.file for issue in lfb.validate(release) if issue.row is None}
    assert {TRAIN.format("logs"), TRAIN.format("routing"), "routing/test-00000-of-00001.parquet"} <= named


# --- values


def cell(**values: object) -> Callable[[Rows], object]:
    return lambda rows: rows[0]["candidates"][0].update(values)


def query(**values: object) -> Callable[[Rows], object]:
    return lambda rows: rows[0].update(values)


VALUES: dict[str, tuple[Callable[[Rows], object], str]] = {
    "performance": (cell(performance=77.0), r"candidates\[0\]\.performance is 77\.0, expected number from 0 to 1 or null"),
    "not a number": (cell(performance=float("nan")), r"candidates\[0\]\.performance is nan, expected number from 0 to 1"),
    "infinite cost": (cell(cost_usd=float("inf")), r"candidates\[0\]\.cost_usd is inf, expected number"),
    "negative cost": (cell(cost_usd=-0.5), r"candidates\[0\]\.cost_usd is -0\.5, expected number of at least 0"),
    "judge": (cell(judge_score=2.0), r"candidates\[0\]\.judge_score is 2\.0, expected number from 0 to 1 or null"),
    "unnamed": (cell(candidate=None), r"candidates\[0\]\.candidate is null, expected string"),
    "unknown": (cell(candidate="huge_think"), r'candidates is "huge_think", expected a candidate whose LLM is in the table'),
    "twice": (lambda rows: rows[0]["candidates"].append(rows[0]["candidates"][0]), r'candidates is "\w+" twice, expected'),
    "task": (query(task=None), r"task is null, expected string"),
    "query": (query(query_id="x"), r'query_id is "x", expected string matching'),
    "query twice": (lambda rows: rows.append(rows[0]), r'query_id is "[0-9a-f]{24}", expected a unique key'),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values_outside_the_schema_are_refused(name: str, release: Path) -> None:
    """Even if the manifest has the digest of the changed file: the place, the row's key, the value and what was expected.

    `validate` finds them too.
    """
    change, message = VALUES[name]
    change_rows(release, TRAIN.format("routing"), change)
    with pytest.raises(ReleaseError, match=rf'r: table routing, row "\w+", {message}.*Remedy'):
        Release(release).routing("train")
    assert lfb.validate(release)


def test_text_that_is_not_utf8_is_refused(release: Path) -> None:
    name = TRAIN.format("routing")
    table = pq.read_table(release / name)
    damaged = pa.array([b"\xff", b"sums"], pa.binary()).view(pa.string())
    replace_shard(release, name, table.set_column(table.column_names.index("task"), "task", damaged))
    with pytest.raises(ReleaseError, match=r"table routing, a column is .*UTF-?8"):
        Release(release).routing("train")
