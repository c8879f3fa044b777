"""Responses re-scored per second, by `rescore` and by a plain loop over rows, with peak memory; and tokens counted.

    python benchmarks/rescore.py [RELEASE] [--copies 2] [--workers 2]

`rescore` reads, scores, writes the new release with its views, and compares before and after; the loop only scores rows that
are in memory. Both give the same values, which is checked. Programs are not run. `--copies` repeats the release.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Collection
from functools import partial
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from _measuring import Cost, cost, peak

from llmfusionbench.builders import recount, rescore
from llmfusionbench.builders.making.views import make_views
from llmfusionbench.release import Release, ReleaseWriter, open_release, write_shard
from llmfusionbench.release.writer import shard_name
from llmfusionbench.scoring import METRICS, score

OWN = ("queries", "responses", "judge_scores", "thought_templates")
TEXT_METRICS = ("cem", "em", "em_mc", "f1_score", "gsm8k")
COLUMNS = ["query_id", "llm", "mode", "task", "metric", "response", "status", "ground_truth", "choices", "performance"]


def tiled(release: Release, copies: int, out: Path) -> Release:
    """The release `copies` times over, with other ids in each copy."""
    llms = release.table("llms").to_table()
    with ReleaseWriter(out) as writer:
        name = shard_name("llms", "train", 0, 1)
        files = {name: write_shard(writer.path, name, llms)}
        for split, copy in product(release.splits, range(copies)):
            shard = {t: renamed(release.table(t, split).to_table(), copy) for t in OWN}
            views = make_views(shard["queries"], shard["responses"], llms, shard["judge_scores"])
            for table, rows in {**shard, **views}.items():
                name = shard_name(table, split, copy, copies)
                files[name] = write_shard(writer.path, name, rows)
        writer.finish(files, {"provenance": release.provenance})
    return Release(out)


def renamed(rows: pa.Table, copy: int) -> pa.Table:
    """The rows with `copy` at the head of their ids, sorted by key."""
    for column in ("query_id", "template_id"):
        if column in rows.column_names:
            ids = pc.binary_join_element_wise(f"{copy:04x}", pc.utf8_slice_codeunits(rows[column], 4), "")
            rows = rows.set_column(rows.schema.get_field_index(column), rows.schema.field(column), ids)
    key = [
        c
        for c in ("template_id", "query_id", "llm", "mode", "replicate", "judge", "opponent", "order")
        if c in rows.column_names
    ]
    return rows.sort_by([(c, "ascending") for c in key])


def loop(release: Release, metrics: Collection[str]) -> tuple[int, Cost]:
    """The number of answers that a loop over rows scores, and its cost; they must come to the release's own values."""
    rows = [r for r in release.table("logs").to_table(columns=COLUMNS).to_pylist() if r["metric"] in metrics]
    values: list[float | None] = []
    taken = cost(
        lambda: values.extend(
            score(
                row["metric"], row["response"], row["ground_truth"],
                status=row["status"], choices=row["choices"], task=row["task"],
            ).value
            for row in rows
        )
    )  # fmt: skip
    assert values == [row["performance"] for row in rows]
    return len(rows), taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", nargs="?", default="sample", help="a release (default: the embedded sample)")
    parser.add_argument("--copies", type=int, default=2, help="how often the release is repeated")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    print("| | answers | wall, s | CPU, s | answers a CPU second |")
    print("|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        release = tiled(open_release(options.release), options.copies, Path(folder) / "source")
        new = Path(folder) / "new"
        at_work = 0.0
        for name, metrics in (("text metrics", TEXT_METRICS), ("all metrics", None)):
            whole = cost(partial(rescore, release, new, metrics=metrics, workers=options.workers, overwrite=True))
            # Before the loop fills this process: a child's peak counts what its parent held when it was started.
            at_work = at_work or peak(of_children=True)
            chosen, naive = loop(open_release(new), metrics or METRICS)
            show(f"rescore, {name}, files in and out", chosen, whole)
            show(f"row by row, {name}, scores only", chosen, naive)
        counted = cost(lambda: recount(release, new, tokenizer="cl100k_base", workers=options.workers, overwrite=True))
        show("tokens, files in and out", release.table("responses").count_rows(), counted)
    print(f"\n{options.workers} processes, {os.cpu_count()} cores. Peak memory of a process at work: {at_work:,.0f} MB.")


def show(name: str, count: int, spent: Cost) -> None:
    print(f"| {name} | {count:,} | {spent.wall:.1f} | {spent.cpu:.1f} | {count / spent.cpu:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
