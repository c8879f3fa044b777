"""Seconds and peak memory from an official CSV to validated tables, and from these to routing matrices.

    python benchmarks/build.py [--scale 0.1]

Baselines, measured in the same run on the same simulated logs, each in its own process: the script that people write
(`csv.DictReader`, a pandas frame, Parquet), which checks nothing, and a loop over its rows for the matrices.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from _measuring import cost_alone

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = simulate(folder, scale=arguments.scale)
        rows = sum(made.rows.values())
        print(f"simulated official CSV: {rows:,} rows, {made.bytes / 1e6:,.0f} MB")
        for what, ours, baseline, words in (
            ("CSV to tables", ours_build, plain_build, "csv.DictReader, pandas, Parquet; no checks"),
            ("validate the release", ours_validate, None, ""),
            ("routing matrices", ours_matrices, plain_matrices, "a loop over the rows of the plain file"),
        ):
            (seconds, _), memory = cost_alone(ours, folder)
            print(f"  {what:22} {seconds:8.2f} s  {rows / seconds:>10,.0f} rows/s  {memory:6,.0f} MB")
            if baseline:
                (plain, _), plain_memory = cost_alone(baseline, folder)
                ratio = f"{plain / seconds:5.1f} x as long ({words})"
                print(f"    baseline             {plain:8.2f} s  {plain_memory:24,.0f} MB  {ratio}")


if __name__ == "__main__":
    main()
