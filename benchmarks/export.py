"""Seconds and peak memory of exporting a top-5 SFT corpus from the full simulated release, against a plain loop.

    python benchmarks/export.py [RELEASE] [--scale 1.0]

Baseline, measured in the same run on the same release, each side in its own process: the published way, which reads all rows
into a pandas frame, sorts the rows of each query, and appends record by record; it has no leakage guard. Both must choose the
same answers, which is checked by key. Without RELEASE, one is simulated and built first, which takes a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from _measuring import cost_alone
from _simulated import simulated

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters import export_sft
from llmfusionbench.types import Candidate

COLUMNS = ["query_id", "llm", "mode", "prompt", "response", "performance", "output_tokens"]


def ours(release: Path, out: Path) -> None:
    """As the loop: every split, no leakage guard, repeated answers and all."""
    export_sft(release, out / "ours", k=5, include_test=True, duplicates="keep")


def ours_guarded(release: Path, out: Path) -> None:
    """As by default: the train split, less what is like a test query, no answer twice."""
    export_sft(release, out / "guarded", k=5)


def plain(release: Path, out: Path) -> None:
    """A frame of all rows, sorted query by query."""
    frame = lfb.open_release(release).table("logs").to_table(columns=COLUMNS).to_pandas()
    entries = []
    for _, group in frame.groupby("query_id", sort=False):
        ordered = group.sort_values(["performance", "output_tokens"], ascending=[False, False]).reset_index(drop=True)
        for taken, row in ordered.iterrows():
            if not row["performance"] > 0 or taken == 5:
                break
            entries.append(
                {
                    "instruction": row["prompt"],
                    "input": "",
                    "output": row["response"],
                    "query_id": row["query_id"],
                    "worth": [row["performance"], row["output_tokens"]],
                }
            )
    with open(out / "plain.json", "w", encoding="utf-8") as file:
        json.dump(entries, file, ensure_ascii=False, indent=2)


def same_answers(release: Path, out: Path) -> int:
    """How many records both hold; the worth of their answers must be the same, for equals are drawn and may be others."""
    table = lfb.open_release(release).table("responses").to_table(
        columns=["query_id", "llm", "mode", "replicate", "performance", "output_tokens"]
    )  # fmt: skip
    worth = {
        (row["query_id"], Candidate(row["llm"], row["mode"]).name, row["replicate"]): (row["performance"], row["output_tokens"])
        for row in table.to_pylist()
    }
    made: dict[str, list[tuple[float, int]]] = {}
    for path in sorted((out / "ours" / "data").iterdir()):
        for line in path.open():
            record = json.loads(line)
            made.setdefault(record["query_id"], []).append(worth[record["query_id"], record["candidate"], record["replicate"]])
    expected: dict[str, list[tuple[float, int]]] = {}
    for entry in json.loads((out / "plain.json").read_text("utf-8")):
        expected.setdefault(entry["query_id"], []).append((entry["worth"][0], int(entry["worth"][1])))
    assert made == expected
    return sum(map(len, made.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", nargs="?", type=Path, help="the directory of a release; one is made without it")
    parser.add_argument("--scale", type=float, default=1.0, help="of the release that is made; 1.0 is 256,000 rows")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        release = arguments.release
        if release is None:
            release = simulated(folder, arguments.scale)
        rows = lfb.open_release(release).table("responses").count_rows()
        print(f"{rows:,} answers, top 5 to Alpaca JSON lines; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        figures = {}
        for work, words in (
            (ours, "export_sft, all splits, nothing left out"),
            (ours_guarded, "export_sft, by default: guard, exact repetitions"),
            (plain, "pandas, query by query"),
        ):
            (wall, cpu), memory = cost_alone(work, release, folder)
            figures[work] = wall, cpu, memory
            print(f"  {words:50} {wall:7.2f} s  {cpu:7.2f} s of CPU  {memory:6,.0f} MB", flush=True)
        records = same_answers(release, folder)
        wall, cpu, memory = (p / o for p, o in zip(figures[plain], figures[ours], strict=True))
        print(f"  the same {records:,} answers; the loop: {wall:.1f} x as long, {cpu:.1f} x the CPU, {memory:.1f} x the memory")


if __name__ == "__main__":
    main()
