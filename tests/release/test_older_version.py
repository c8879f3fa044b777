"""A release of schema 1.0, made by the version before: it opens in the columns of today, and `build` writes it in them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters import export_sft
from llmfusionbench.builders import build, recount, rescore
from llmfusionbench.cli.main import run
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release.diff import diff_releases
from llmfusionbench.schema import SCHEMA_VERSION, TABLES, table_schema
from tests.helpers.made_up_release import records
from tests.helpers.tiny_release import change_manifest, change_rows

OLD = Path(__file__).parent / "release_1_0"
NEW_COLUMNS = {"reasoning", "finish_reason", "served_model", "created_at", "sampling", "messages", "error", "attempts"}


@pytest.fixture(scope="module")
def old() -> lfb.Release:
    release = lfb.open_release(OLD)
    assert release.manifest["schema_version"] == "1.0"
    return release


def test_its_tables_have_the_columns_of_today(old: lfb.Release) -> None:
    for name in TABLES:
        table = old.table(name).to_table()
        assert table.schema == table_schema(name).arrow, name
        assert table.num_rows == sum(part["rows"] for part in old.manifest["tables"][name]["splits"].values())
        for column in NEW_COLUMNS & set(table.column_names):
            assert table[column].null_count == len(table), column
    for name in ("responses", "logs", "judge_scores"):
        assert old.rows(name)["replicate"].to_pylist() == [0] * len(old.rows(name))
    assert sum(b.num_rows for b in old.batches("responses", columns=["replicate"])) == 36
    assert old.table("responses").to_table(columns=["llm"], filter=pc.field("replicate") == 0).num_rows == 36


def test_its_matrices_and_facts(old: lfb.Release) -> None:
    table = old.routing(failures="zero")
    assert table.performance.shape == (6, 6)
    scored = ~np.isnan(old.routing(failures="missing").performance)
    assert table.failures.sum() == 2, "counted in responses, since the view of schema 1.0 does not have them"
    assert table.replicates.tolist() == (scored | (table.failures > 0)).astype(int).tolist()
    assert table.performance[table.failures > 0].tolist() == [0, 0]
    info = old.info()
    assert (info.schema_version, info.replicates, info.answered, info.cells) == ("1.0", 1, 34, 36)
    assert lfb.validate(OLD) == []


def test_load_dataset_and_torch(old: lfb.Release, tmp_path: Path) -> None:
    logs = datasets.load_dataset("llmfusionbench", release=str(OLD), split="train", cache_dir=str(tmp_path))
    assert logs.features == table_schema("logs").features
    assert set(logs["replicate"]) == {0}
    assert set(logs["served_model"]) == {None}
    stream = datasets.load_dataset("llmfusionbench", "routing", release=str(OLD), split="test", streaming=True)
    assert [len(row["candidates"]) for row in stream] == [6, 6]
    torch_rows = old.to_torch("responses", "test")
    assert [torch_rows[i]["replicate"] for i in range(len(torch_rows))] == [0] * 12
    assert torch_rows[0].keys() == set(table_schema("responses").arrow.names)
    assert old.to_torch("routing")[0]["candidates"][0]["replicates"] is None


def test_an_llm_whose_name_looks_like_a_mode_of_today(tmp_path: Path) -> None:
    """In schema 1.0, `two@x` is an LLM in direct mode, even beside an LLM `two`."""
    copy = tmp_path / "release"
    shutil.copytree(OLD, copy)
    for table in ("llms", "responses", "judge_scores", "logs", "routing", "thought_templates"):
        for file in sorted((copy / table).iterdir()):
            change_rows(copy, f"{table}/{file.name}", rename, pq.read_schema(file))
    assert lfb.validate(copy) == []
    table = lfb.open_release(copy).routing()
    assert [name for name in table.candidates if "two" in name] == ["two", "two@x@direct", "two@x@think", "two_think"]
    assert table.filter(llms=["two@x"]).candidates == ["two@x@direct", "two@x@think"]
    new = build("release", [copy], tmp_path / "new", workers=1)
    scored = rescore(copy, tmp_path / "scored", workers=1).release
    assert scored is not None
    for made in (new, scored):
        assert made.routing().candidates == table.candidates
        assert lfb.validate(made.path) == []
        sources = {name for row in made.rows("thought_templates")["sources"].to_pylist() for name in row}
        assert sources <= set(table.candidates)


def test_faults_of_its_keys_are_found(tmp_path: Path) -> None:
    copy = tmp_path / "release"
    shutil.copytree(OLD, copy)
    for table in ("responses", "judge_scores"):
        name = f"{table}/train-00000-of-00001.parquet"
        change_rows(copy, name, lambda rows: rows.append(dict(rows[0])), pq.read_schema(copy / name))
    name = "judge_scores/test-00000-of-00001.parquet"
    change_rows(copy, name, lambda rows: rows[0].update(llm="nobody"), pq.read_schema(copy / name))
    found = [(i.file, i.column, i.expected) for i in lfb.validate(copy) if i.file.startswith(("responses", "judge_scores"))]
    assert [(file.split("/")[0], column) for file, column, _ in found] == [
        ("responses", "query_id, llm, mode, replicate"),
        ("judge_scores", "query_id, llm, mode, replicate, judge, opponent, order"),
        ("judge_scores", "query_id, llm, mode, replicate"),
    ]
    assert all("unique key" in expected for _, _, expected in found[:2])
    assert "a row of responses" in found[2][2]


def rename(rows: list[dict[str, Any]]) -> None:
    """Call deepseek-r1 `two@x` and mistral `two` in rows of any table."""
    names = {"deepseek-r1": "two@x", "mistral-7b-instruct-v0.3": "two"}

    def called(name: str) -> str:
        llm = name.removesuffix("_think")
        return names.get(llm, llm) + name[len(llm) :]

    for row in rows:
        for cell in row.get("candidates", ()):
            cell["candidate"] = called(cell["candidate"])
        for column, change in (("llm", called), ("sources", lambda listed: [called(name) for name in listed])):
            if column in row:
                row[column] = change(row[column])


def test_build_makes_a_release_of_today(old: lfb.Release, tmp_path: Path) -> None:
    new = build("release", [OLD], tmp_path / "new", workers=1)
    assert new.manifest["schema_version"] == SCHEMA_VERSION
    assert new.manifest["rejected"] == 0
    assert lfb.validate(new.path) == []
    assert [d for d in diff_releases(old, new) if d] == []
    for name in TABLES:
        before, after = (r.table(name).to_table().to_pylist() for r in (old, new))
        if name == "routing":
            for row in before:
                for cell in row["candidates"]:
                    scored = int(cell["performance"] is not None)
                    cell |= {"replicates": 1, "failures": 1 - scored, "scored": scored}
        assert after == before, name
    again = build("release", [new.path], tmp_path / "again", workers=1)
    assert [d for d in diff_releases(new, again) if d] == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "release", str(OLD), "--out", str(tmp_path / "new"), "--strict"]) == 0
    assert "6 queries, 6 candidates, 36 responses" in capsys.readouterr().out
    assert run(["diff", str(OLD), str(tmp_path / "new")]) == 0
    assert "The releases have the same rows." in capsys.readouterr().out
    assert run(["build", "release", str(tmp_path / "none"), "--out", str(tmp_path / "x")]) == 1
    assert "no such directory" in capsys.readouterr().err


def test_what_is_made_of_it_is_of_today(old: lfb.Release, tmp_path: Path) -> None:
    """Files that are taken over are written again in the columns of today."""
    report = rescore(OLD, tmp_path / "scored", workers=1)
    counted = recount(OLD, tmp_path / "counted", tokenizer="cl100k_base", workers=1)
    for made in (report.release, counted.release):
        assert made is not None
        assert made.manifest["schema_version"] == SCHEMA_VERSION
        assert lfb.validate(made.path) == []
        kept = [d.table for d in diff_releases(old, made) if d]
        assert set(kept) <= {"responses"}
    assert counted.counted == 34
    corpus = export_sft(OLD, tmp_path / "corpus", format="messages")
    assert {r["replicate"] for r in records(corpus)} == {0}
    assert lfb.evaluate("best_single", OLD).to_json()


def test_columns_that_it_may_lack_and_those_it_may_not(tmp_path: Path) -> None:
    copy = tmp_path / "release"
    shutil.copytree(OLD, copy)
    change_manifest(copy, lambda m: m.update(schema_version=SCHEMA_VERSION))
    with pytest.raises(ReleaseError, match="replicate is missing, expected a column of type int64"):
        lfb.open_release(copy)
    assert any(issue.column == "replicate" for issue in lfb.validate(copy))
