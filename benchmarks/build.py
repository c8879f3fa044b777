"""Seconds and peak memory from an official CSV to validated tables, and from these to routing matrices.

    python benchmarks/build.py [--scale 0.1 [0.25 1.0 4.0 ...]] [--stream]

Baselines, measured in the same run on the same simulated logs, each in its own process: pyarrow's streaming reader of CSV into
one Parquet file of texts, the least that reading and writing takes; the script that people write (`csv.DictReader`, a pandas
frame, Parquet), which checks nothing; and a loop over its rows for the matrices. Several scales show how time and memory grow
with rows. `--stream` leaves out all but the build and pyarrow's stream, since the script holds all rows in memory.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from _measuring import cost_alone
from _stream import streamed

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.simulation import simulate


def ours_build(folder: Path) -> None:
    build("fusionbench", sorted(folder.glob("*.csv")), folder / "release", workers=2)


def plain_build(folder: Path) -> None:
    import csv

    import pandas as pd

    csv.field_size_limit(2**30)
    rows = []
    for path in sorted(folder.glob("*.csv")):
        with open(path, encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file, escapechar="\\"))
    pd.DataFrame(rows).to_parquet(folder / "plain.parquet")


def ours_validate(folder: Path) -> None:
    assert lfb.validate(folder / "release") == []


def ours_matrices(folder: Path) -> None:
    lfb.open_release(folder / "release").routing()


def plain_matrices(folder: Path) -> None:
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(folder / "plain.parquet", columns=["query", "llm", "performance"])
    queries, llms = sorted(set(frame["query"])), sorted(set(frame["llm"]))
    rows, columns = {q: i for i, q in enumerate(queries)}, {m: i for i, m in enumerate(llms)}
    matrix = np.full((len(queries), len(llms)), np.nan)
    for _, row in frame.iterrows():
        text = row["performance"].replace("{'pass@1': np.float64(", "").replace(")}", "")
        matrix[rows[row["query"]], columns[row["llm"]]] = float(text or "nan")


STREAM = (streamed, "pyarrow's stream into Parquet, zstd 1; texts alone")
WORK = (
    ("CSV to tables", ours_build, (STREAM, (plain_build, "csv.DictReader, pandas, Parquet; no checks"))),
    ("validate the release", ours_validate, ()),
    ("routing matrices", ours_matrices, ((plain_matrices, "a loop over the rows of the plain file"),)),
)
"""What is measured, and the baselines of each with what they are."""


def measure(folder: Path, scale: float, *, stream: bool) -> None:
    """Print the cost of each step for a simulated log of one size."""
    made = simulate(folder, scale=scale)
    rows = sum(made.rows.values())
    print(f"simulated official CSV: {rows:,} rows, {made.bytes / 1e6:,.0f} MB")
    for what, ours, baselines in WORK[:1] if stream else WORK:
        (wall, cpu), memory = cost_alone(ours, folder)
        print(f"  {what:22} {wall:8.2f} s {cpu:8.2f} CPU s {memory:6,.0f} MB  {rows / wall:,.0f} rows/s")
        for baseline, words in baselines[:1] if stream else baselines:
            (wall_of, cpu_of), memory_of = cost_alone(baseline, folder)
            ratio = f"ours takes {wall / wall_of:.2f} x the time, {cpu / cpu_of:.2f} x the CPU"
            print(f"    baseline             {wall_of:8.2f} s {cpu_of:8.2f} CPU s {memory_of:6,.0f} MB  {ratio} ({words})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, nargs="+", default=[0.1])
    parser.add_argument("--stream", action="store_true", help="only the build and pyarrow's stream")
    arguments = parser.parse_args()
    for scale in arguments.scale:
        with tempfile.TemporaryDirectory() as place:
            measure(Path(place), scale, stream=arguments.stream)


if __name__ == "__main__":
    main()
