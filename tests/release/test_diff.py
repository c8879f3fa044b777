"""Two releases compared: rows met by key, counted and shown as a naive comparison finds them."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.records import Embeddings
from llmfusionbench.cli.main import run
from llmfusionbench.release import diff, diff_releases, open_release
from llmfusionbench.schema import TABLES, table_schema
from tests.helpers.tiny_release import LOG, change_rows, write_tiny_release

COMPARED = [t for t in TABLES if table_schema(t).view_of is None]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_release(tmp_path_factory.mktemp("tiny") / "release")


def diffs(a: Path, b: Path) -> dict[str, tuple[int, int, int]]:
    return {d.table: (d.added, d.removed, d.changed) for d in diff_releases(open_release(a), open_release(b)) if d}


def test_a_release_equals_itself(tiny: Path) -> None:
    assert diffs(tiny, tiny) == {}
    sample = lfb.open_release("sample")
    assert not any(diff_releases(sample, sample))


def test_added_removed_and_changed(tiny: Path, tmp_path: Path) -> None:
    log = LOG.replace("1+2?,train,sums,big,,0,,,em,3\n", "").replace("1+3?,test,sums,tiny,4,1", "1+3?,test,sums,tiny,4,0")
    other = write_tiny_release(tmp_path / "other", log + "1+4?,train,sums,tiny,5,1,,,em,5\n")
    assert diffs(tiny, other) == {"queries": (1, 0, 0), "responses": (1, 1, 1)}
    assert diffs(other, tiny) == {"queries": (0, 1, 0), "responses": (1, 1, 1)}
    found = next(d for d in diff_releases(open_release(tiny), open_release(other)) if d.table == "responses")
    assert found.columns == {"performance": 1}
    changed = next(e for e in found.examples if e["what"] == "changed")
    assert changed == {
        "what": "changed", "key": changed["key"], "column": "performance", "before": 1.0, "after": 0.0,
    }  # fmt: skip
    assert changed["key"].keys() == {"query_id", "llm", "mode", "replicate"}


def test_rows_that_moved_between_splits_are_changed(tiny: Path, tmp_path: Path) -> None:
    other = write_tiny_release(tmp_path / "other", LOG.replace("1+3?,test", "1+3?,train"))
    assert diffs(tiny, other) == {"queries": (0, 0, 1)}


def test_null_is_a_value_of_its_own(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "other")
    name = "responses/train-00000-of-00001.parquet"
    change_rows(tmp_path / "other", name, lambda r: [r[0].update(performance=None), r[1].update(latency_s=1.5)])
    assert diffs(tiny, tmp_path / "other") == {"responses": (0, 0, 2)}
    change_rows(tmp_path / "other", "queries/train-00000-of-00001.parquet", lambda r: r[0].update(choices=["a"]))
    assert diffs(tiny, tmp_path / "other") == {"queries": (0, 0, 1), "responses": (0, 0, 2)}


@pytest.mark.parametrize("range_rows", [1, 3, 1_000])
def test_against_dictionaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, range_rows: int) -> None:
    """Random logs, in ranges of keys of any size."""
    monkeypatch.setattr(diff, "RANGE_ROWS", range_rows)
    rng = random.Random(range_rows)

    def log() -> str:
        lines = ["prompt,split,task,llm,response,performance,judge,judge_score,metric"]
        for i in range(20):
            for llm in ("a", "b", "b_think"):
                if rng.random() < 0.7:
                    judged = f"j,{rng.choice([0, 1])}" if rng.random() < 0.5 else ","
                    lines.append(f"{i}?,train,t,{llm},{rng.choice('xy')},{rng.choice([0, 1])},{judged},em")
        return "\n".join(lines) + "\n"

    one, other = write_tiny_release(tmp_path / "a", log()), write_tiny_release(tmp_path / "b", log())
    for found in diff_releases(open_release(one), open_release(other)):
        key = table_schema(found.table).key
        sides = []
        for place in (one, other):
            rows = open_release(place).table(found.table).to_table().to_pylist() if found.table in TABLES else []
            sides.append({tuple(r[k] for k in key): r for r in rows})
        before, after = sides
        assert found.added == len(after.keys() - before.keys())
        assert found.removed == len(before.keys() - after.keys())
        both = before.keys() & after.keys()
        assert found.changed == sum(before[k] != after[k] for k in both)
        columns = {c: sum(before[k][c] != after[k][c] for k in both) for c in table_schema(found.table).arrow.names}
        assert found.columns == {c: n for c, n in columns.items() if n}
        assert len(found.examples) == min(5, found.added + found.removed + sum(before[k] != after[k] for k in both))


def test_vectors_are_compared_too(tmp_path: Path) -> None:
    from tests.helpers.parts import Parts, record

    def with_vector(name: str, *values: float) -> Path:
        columns: dict[str, Any] = {"task": ["sums"], "prompt": ["1+1?"], "embedded": ["prompt"]}
        vectors = Embeddings(pa.table(columns | {"embedding": pa.array([list(values)], pa.list_(pa.float32()))}))
        build(Parts([record()], *([vectors] if values else [])), [], tmp_path / name)
        return tmp_path / name

    a, b, none = with_vector("a", 0.5), with_vector("b", 0.75), with_vector("none")
    assert diffs(a, a) == {}
    assert diffs(a, b) == {"embeddings": (0, 0, 1)}
    assert diffs(a, none) == {"embeddings": (0, 1, 0)}
    assert diffs(none, b) == {"embeddings": (1, 0, 0)}


def test_the_command(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", str(tiny), str(tiny)]) == 0
    assert capsys.readouterr().out == "The releases have the same rows.\n"
    other = write_tiny_release(tmp_path / "other", LOG.replace("two", "2\x1b[31m"))
    assert run(["diff", str(tiny), str(other)]) == 1
    printed = capsys.readouterr().out
    assert "response 1" in printed
    assert '"two" -> "2\\x1b[31m"' in printed
    assert "\x1b" not in printed
    assert run(["diff", str(tiny), str(other), "--json"]) == 1
    found = {d["table"]: d for d in json.loads(capsys.readouterr().out)}
    assert list(found) == COMPARED
    assert found["responses"]["changed"] == 1
    assert found["responses"]["examples"][0]["before"] == "two"
