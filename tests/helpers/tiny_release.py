"""A whole, valid release of a few rows, built by the real build: what the tests of damaged releases damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.builders import build
from llmfusionbench.schema import table_schema
from llmfusionbench.storage.files import sha256

LOG = """\
prompt,split,task,llm,response,performance,judge,judge_score,metric,ground_truth
1+1?,train,sums,tiny,2,1,rule,1,em,2
1+1?,train,sums,tiny_think,two,0,rule,0.5,em,2
1+2?,train,sums,tiny,3,1,,,em,3
1+2?,train,sums,big,,0,,,em,3
1+3?,test,sums,tiny,4,1,,,em,4
1+3?,test,sums,big,4,,rule,0.25,em,4
"""


def write_tiny_release(out: Path, log: str = LOG) -> Path:
    """Three queries, two splits, two LLMs, six responses, three judge scores."""
    source = out.parent / "tiny.csv"
    source.write_text(log, encoding="utf-8")
    build("table", [source], out, workers=1, overwrite=True)
    source.unlink()
    return out


def change_manifest(release: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest in place."""
    place = release / "manifest.json"
    manifest = json.loads(place.read_text(encoding="utf-8"))
    change(manifest)
    place.write_text(json.dumps(manifest), encoding="utf-8")


def change_rows(
    release: Path, name: str, change: Callable[[list[dict[str, Any]]], object], schema: pa.Schema | None = None
) -> None:
    """Change the rows of a shard in place; the manifest says what the file then is, so that its rows alone are at fault."""
    rows = pq.read_table(release / name).to_pylist()
    change(rows)
    kept = schema or pa.schema([f.with_nullable(True) for f in table_schema(name.split("/")[0]).arrow])
    replace_shard(release, name, pa.Table.from_pylist(rows, schema=kept))


def replace_shard(release: Path, name: str, table: pa.Table) -> None:
    """Put another table in the place of a shard, and into the manifest."""
    pq.write_table(table, release / name)
    restate(release, name, table.num_rows)


def restate(release: Path, name: str, rows: int | None = None) -> None:
    """Have the manifest say of a file what it is."""

    def change(manifest: dict[str, Any]) -> None:
        path = release / name
        entry = {"bytes": path.stat().st_size, "sha256": sha256(path)}
        if rows is not None:
            before = manifest["files"].get(name, {}).get("rows", 0)
            split = manifest["tables"][name.split("/")[0]]["splits"].setdefault(name.split("/")[1].split("-")[0], {"rows": 0})
            split["rows"] += rows - before
            entry["rows"] = rows
        manifest["files"][name] = entry

    change_manifest(release, change)
