"""A few queries of the sample as a release of many shards, for tests of what makes a release out of a release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.views import make_views
from llmfusionbench.release import Release, ReleaseWriter, open_release, write_shard
from llmfusionbench.release.writer import shard_name


def write_part(
    out: Path, *, tasks: Sequence[str] | None = None, queries: int = 1, llms: int = 20, shards: int = 2, split: str = "test"
) -> Release:
    """The first `queries` of each task and their answers by the first LLMs, in splits `split` and train; train is empty."""
    sample = open_release("sample")
    asked = sample.table("queries", split).to_table()
    asked = asked.filter(pc.is_in(asked["task"], value_set=pa.array(tasks))) if tasks else asked
    chosen = [
        row for task in pc.unique(asked["task"]) for row in asked.filter(pc.equal(asked["task"], task)).to_pylist()[:queries]
    ]
    kept = pa.Table.from_pylist(sorted(chosen, key=lambda row: row["query_id"]), asked.schema)
    models = sample.table("llms").to_table().slice(0, llms)
    with ReleaseWriter(out, overwrite=True) as writer:
        files = {"llms/train-00000-of-00001.parquet": write_shard(writer.path, "llms/train-00000-of-00001.parquet", models)}
        for index in range(shards + 1):
            rows = kept.slice(*_range(len(kept), index, shards)) if index < shards else kept.slice(0, 0)
            tables = {"queries": rows}
            for table in ("responses", "judge_scores", "thought_templates"):
                found = sample.table(table, split).to_table(
                    filter=pc.is_in(pc.field("query_id"), rows["query_id"].combine_chunks())
                )
                tables[table] = (
                    found.filter(pc.is_in(found["llm"], models["llm"].combine_chunks()))
                    if "llm" in found.column_names
                    else found
                )
            tables |= make_views(rows, tables["responses"], models, tables["judge_scores"])
            for table, content in tables.items():
                name = shard_name(table, split, index, shards) if index < shards else shard_name(table, "train", 0, 1)
                files[name] = write_shard(writer.path, name, content)
        writer.finish(files, {"source": sample.manifest["source"], "provenance": ["simulated"], "rejected": 0})
    return Release(out)


def _range(rows: int, index: int, shards: int) -> tuple[int, int]:
    start, end = rows * index // shards, rows * (index + 1) // shards
    return start, end - start


def bytes_of(release: Path) -> dict[str, bytes]:
    """Every file of a release."""
    return {f.relative_to(release).as_posix(): f.read_bytes() for f in sorted(release.rglob("*")) if f.is_file()}
