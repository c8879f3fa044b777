"""A release opened: lazy tables, counts that are those of a naive count, and plain `datasets` without anything of ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.errors import InputError, ReleaseError, UnknownNameError
from llmfusionbench.release import write_shard
from llmfusionbench.release.shard_files import by_row_group, shard_dataset
from llmfusionbench.schema import TABLES, table_schema
from tests.helpers.small_release import TRAIN, write_small_release
from tests.helpers.tiny_release import change_manifest, write_tiny_release


@pytest.fixture(scope="module")
def sample() -> lfb.Release:
    return lfb.open_release("sample")


# --- tables


def test_columns_are_pushed_down(sample: lfb.Release, monkeypatch: pytest.MonkeyPatch) -> None:
    table = sample.table("logs")
    assert isinstance(table, ds.Dataset)
    assert table.to_table(columns=["llm", "performance"]).column_names == ["llm", "performance"]
    read_before = pa.total_allocated_bytes()
    narrow = table.to_table(columns=["performance"])
    assert pa.total_allocated_bytes() - read_before < 2_000_000
    assert narrow.nbytes < 1_000_000


def test_rows_are_pushed_down(sample: lfb.Release) -> None:
    whole = sample.table("logs", "test").to_table()
    condition = (pc.field("task") == "gsm8k") & (pc.field("performance") > 0.5)
    found = sample.table("logs", "test").to_table(filter=condition)
    expected = [r for r in whole.to_pylist() if r["task"] == "gsm8k" and (r["performance"] or 0) > 0.5]
    assert found.to_pylist() == expected
    assert found.num_rows > 50
    assert sample.table("logs", "test").count_rows(filter=condition) == found.num_rows


def test_row_groups_that_cannot_match_are_not_read(sample: lfb.Release) -> None:
    (fragment,) = sample.table("logs", "train").get_fragments()
    groups = fragment.split_by_row_group()
    assert len(groups) > 3
    first = groups[0].row_groups[0].statistics["query_id"]
    kept = list(fragment.split_by_row_group(pc.field("query_id") == first["min"]))
    assert len(kept) < len(groups)


def test_batches_come_in_order_and_small(sample: lfb.Release) -> None:
    batches = list(sample.batches("logs", "train", columns=["query_id", "llm", "mode"]))
    assert pa.Table.from_batches(batches).equals(sample.table("logs", "train").to_table(columns=["query_id", "llm", "mode"]))
    assert max(b.num_rows for b in batches) < 15_000


def test_pandas(sample: lfb.Release) -> None:
    frame = sample.to_pandas("responses", "test", columns=["llm", "performance"])
    assert list(frame.columns) == ["llm", "performance"]
    assert len(frame) == 4_480
    assert frame["performance"].isna().sum() == sample.table("responses", "test").to_table()["performance"].null_count > 0


def test_several_shards_are_one_table(tmp_path: Path) -> None:
    release = lfb.open_release(write_small_release(tmp_path / "r"))
    assert [f.name for f in release.files("queries", "train")] == [f"train-0000{i}-of-00002.parquet" for i in (0, 1)]
    assert release.table("queries", "train").count_rows() == TRAIN
    assert [f.parent.name + "/" + f.name.split("-")[0] for f in release.files("queries")] == ["queries/train"] * 2 + [
        "queries/test"
    ]


def test_unknown_tables_and_splits(sample: lfb.Release) -> None:
    with pytest.raises(UnknownNameError, match=r'No table "response"\. Did you mean "responses"'):
        sample.table("response")
    with pytest.raises(UnknownNameError, match='No split of queries "partial"'):
        sample.table("queries", "partial")
    with pytest.raises(UnknownNameError, match=r'No split of llms "test"\. Known: train'):
        sample.table("llms", "test")
    with pytest.raises(UnknownNameError, match='No table "embeddings"'):
        sample.table("embeddings")


def test_a_shard_that_is_gone(tmp_path: Path) -> None:
    release = write_tiny_release(tmp_path / "r")
    (release / "logs" / "train-00000-of-00001.parquet").unlink()
    opened = lfb.open_release(release)
    assert opened.table("logs", "test").count_rows() == 2
    with pytest.raises(
        ReleaseError, match=r"logs/train-00000-of-00001\.parquet: no such file.*Remedy: build or download it again"
    ):
        opened.table("logs")


@pytest.mark.parametrize(
    "name", ["plain", "with space", "per%20cent", "hash#tag?query=1", "colon:s3://x", "é ü", "[a-b]*", "a\nb", "-r"]
)
def test_directories_of_any_name(tmp_path: Path, name: str, sample: lfb.Release) -> None:
    place = tmp_path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    write_tiny_release(place)
    release = lfb.open_release(place)
    assert release.table("logs").count_rows() == 6
    assert release.routing().performance.shape == (3, 3)
    assert lfb.validate(place) == []


def test_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny_release(tmp_path / "file:r")
    monkeypatch.chdir(tmp_path)
    assert lfb.open_release("file:r").table("logs").count_rows() == 6
    monkeypatch.chdir("file:r")
    assert lfb.open_release("").table("logs").count_rows() == lfb.open_release(".").table("logs").count_rows() == 6


def test_the_shown_form(sample: lfb.Release) -> None:
    assert repr(sample).startswith("Release('")
    assert repr(sample).endswith("/sample', 22,400 responses, splits train, partial_test, test)")


# --- opening


@pytest.mark.parametrize("where", ["nowhere", "./no/where", "a/b/c", "nul\0", "/", "~", "org/", "/name", "o rg/name"])
def test_what_is_no_release(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReleaseError, match=r"Remedy|no release here") as caught:
        lfb.open_release(where)
    assert "\n" not in str(caught.value)


def test_files_are_no_releases(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ReleaseError, match="file: no such directory"):
        lfb.open_release(tmp_path / "file")


def test_the_sample_is_the_sample_wherever_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sample").mkdir()
    monkeypatch.chdir(tmp_path)
    assert lfb.open_release("sample").table("queries").count_rows() == 560
    with pytest.raises(InputError, match="sample: has no revisions"):
        lfb.open_release("sample", revision="main")


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(tables=[]),
        lambda m: m.update(tables={"queries": {"splits": {"train": {"rows": None}}}}),
        lambda m: m.update(tables={"queries": []}),
        lambda m: m.update(files={"a": 1}),
        lambda m: m.update(files={"a": {"bytes": 1}}),
        lambda m: m.update(files={"a": {"bytes": True, "sha256": ""}}),
        lambda m: m.update(files={"": {"bytes": 1, "sha256": ""}}),
        lambda m: m.update(files={"a\\..\\b": {"bytes": 1, "sha256": ""}}),
        lambda m: m.update(provenance="simulated"),
        lambda m: m.update(provenance=[1]),
        lambda m: m.update(source="here"),
    ],
)
def test_manifests_that_are_none(tmp_path: Path, change: object) -> None:
    release = write_tiny_release(tmp_path / "r")
    change_manifest(release, change)  # type: ignore[arg-type]
    with pytest.raises(ReleaseError, match=r"manifest\.json: .*Remedy"):
        lfb.open_release(release)
    assert len(lfb.validate(release)) == 1


def test_manifests_nested_too_deep(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[" * 200_000)
    with pytest.raises(ReleaseError, match="not readable as JSON"):
        lfb.open_release(tmp_path)


# --- info


def test_info_counts_as_a_naive_count_does(sample: lfb.Release) -> None:
    info = sample.info()
    responses = sample.table("responses").to_table().to_pylist()
    queries = {q["query_id"]: q for q in sample.table("queries").to_table().to_pylist()}
    scores = sample.table("judge_scores").to_table().to_pylist()
    assert info.rows == {
        t: {s: sample.table(t, s).count_rows() for s in sample.manifest["tables"][t]["splits"]} for t in TABLES
    }
    assert info.candidates == len({(r["llm"], r["mode"]) for r in responses})
    assert info.cells == len(queries) * info.candidates
    assert info.responses == {**Counter(r["status"] for r in responses), "absent": info.cells - len(responses)}
    for column, missing in info.missing.items():
        assert missing == sum(r[column] is None for r in responses)
    assert info.input_tokens == sum(r["input_tokens"] or 0 for r in responses)
    assert info.output_tokens == sum(r["output_tokens"] or 0 for r in responses)
    assert info.cost_usd == pytest.approx(sum(r["cost_usd"] or 0 for r in responses))
    assert info.tokenizers == sorted({r["tokenizer"] for r in responses} - {None})
    assert info.judges == Counter(s["judge"] for s in scores if s["score"] is not None)
    assert info.licenses == Counter(q["license"] or "unknown" for q in queries.values())
    answered = sum(r["status"] in ("ok", "empty") for r in responses)
    assert info.coverage == pytest.approx(answered / info.cells)
    tasks = {r["query_id"]: queries[r["query_id"]]["task"] for r in responses}
    for task, counts in info.tasks.items():
        mine = [r for r in responses if tasks[r["query_id"]] == task]
        assert counts == {
            "queries": sum(q["task"] == task for q in queries.values()),
            "responses": len(mine),
            "scored": sum(r["performance"] is not None for r in mine),
        }
    assert json.loads(json.dumps(info.to_dict())) == info.to_dict()


def test_info_of_a_sparse_release(tmp_path: Path) -> None:
    info = lfb.open_release(write_tiny_release(tmp_path / "r")).info()
    assert (info.candidates, info.cells, info.responses) == (3, 9, {"ok": 5, "empty": 1, "absent": 3})
    assert info.coverage == pytest.approx(6 / 9)
    assert (info.input_tokens, info.cost_usd, info.tokenizers) == (None, None, [])
    assert info.judges == {"rule": 3}


def test_info_of_no_rows(tmp_path: Path) -> None:
    release = write_tiny_release(tmp_path / "r", "prompt,llm\n1+1?,tiny\n")
    for name in TABLES:
        shutil.rmtree(release / name)
        (release / name).mkdir()
    change_manifest(release, lambda m: m.update(files={}, tables={t: {"splits": {}} for t in TABLES}))
    opened = lfb.open_release(release)
    assert opened.info().coverage is None
    assert opened.routing().performance.shape == (0, 0)
    assert opened.table("logs").to_table().schema.equals(table_schema("logs").arrow)


# --- without us

PLAIN = """
import json, sys
from datasets import get_dataset_config_names, load_dataset
path = sys.argv[1]
found = {}
for name in get_dataset_config_names(path):
    for split, rows in load_dataset(path, name).items():
        found.setdefault(name, {})[split] = [len(rows), sorted(rows.features), next(iter(rows))]
assert load_dataset(path)["train"].num_rows == found["logs"]["train"][0]
assert next(iter(load_dataset(path, "queries", split="test", streaming=True)))
assert not [m for m in sys.modules if m.startswith("llmfusionbench")]
json.dump(found, sys.stdout)
"""


def test_plain_datasets_load_it(sample: lfb.Release, tmp_path: Path) -> None:
    """In a fresh interpreter, offline, from an empty cache, in another directory, without importing anything of ours."""
    shutil.copytree(sample.path, tmp_path / "copy")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(tmp_path / "copy")], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == set(TABLES)
    for name, splits in found.items():
        stated = {s: n["rows"] for s, n in sample.manifest["tables"][name]["splits"].items() if n["rows"]}
        assert {s: rows for s, (rows, _, _) in splits.items()} == stated
        for split, (_, columns, first) in splits.items():
            assert columns == sorted(table_schema(name).arrow.names)
            assert first == sample.table(name, split).head(1).to_pylist()[0]


def test_batches_of_no_rows(tmp_path: Path) -> None:
    name = "judge_scores/train-00000-of-00001.parquet"
    write_shard(tmp_path, name, table_schema("judge_scores").arrow.empty_table())
    assert pq.read_metadata(tmp_path / name).num_row_groups == 0
    batches = list(by_row_group(shard_dataset([tmp_path / name], "judge_scores")).to_batches())
    assert [batch.num_rows for batch in batches] == [0]
