"""Seconds and peak memory of an audit, near-duplicates aside, beside a loop over rows that looks for some of the same faults.

    python benchmarks/audit.py [RELEASE] [--scale 1.0] [--workers 2]

At scale 1.0 the simulated log has 256,000 answers. The baseline is what people write: row by row in Python, a few regular
expressions, the price and the score of each answer. It runs on a sample of the same rows, in one process, and is scaled to all.
Memory is the peak of the parent plus that of every worker, as if the pages that they share were not shared.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from pathlib import Path

from _measuring import Cost, cost, cost_alone, peak

import llmfusionbench as lfb
from llmfusionbench.auditing.detectors import DETECTORS
from llmfusionbench.builders import build
from llmfusionbench.builders.simulation import simulate
from llmfusionbench.processes import process_pool
from llmfusionbench.scoring import METRICS, score

SAMPLE = 8_000
PATTERNS = (
    r"(?i)\bI(?:'m| am)? (?:sorry|cannot|can't|unable)\b",
    r"(?i)<think>|</think>",
    r"<\|im_(?:start|end)\|>|</s>|\[/?INST\]",
    r"[\w.+-]+@[\w-]+\.[\w.]+",
    r"\b(?:sk|ghp|hf)[-_]\w{16,}",
    r"(.{20,200}?)\1{3,}",
    r"[\u0400-\u04ff\u0600-\u06ff\u3040-\u30ff\u4e00-\u9fff]",
)
"""Refusals, thoughts, tokens of templates, addresses, keys, loops, other scripts."""


def make(folder: Path, scale: float, workers: int) -> None:
    made = simulate(folder, scale=scale)
    build("fusionbench", sorted(folder.glob("*.csv")), folder / "release", workers=workers)
    print(f"simulated log: {sum(made.rows.values()):,} answers, {made.bytes / 1e6:,.0f} MB of CSV", flush=True)


def plain(release: Path, count: int) -> int:
    """The number of faults that the loop finds in the first rows."""
    table = lfb.open_release(release).table("logs").head(count)
    patterns, found = [re.compile(pattern) for pattern in PATTERNS], 0
    for row in table.to_pylist():
        text = row["response"] or ""
        found += not text.strip()
        found += sum(pattern.search(text) is not None for pattern in patterns)
        if None not in (row["cost_usd"], row["input_tokens"], row["output_tokens"], row["input_price"], row["output_price"]):
            expected = (row["input_tokens"] * row["input_price"] + row["output_tokens"] * row["output_price"]) / 1e6
            found += abs(row["cost_usd"] - expected) > 0.02 * expected
        if row["metric"] in METRICS and row["metric"] != "code_eval" and row["performance"] is not None:
            choices = None if row["choices"] is None else json.dumps(row["choices"])
            value = score(row["metric"], text, row["ground_truth"], status=row["status"], choices=choices).value
            found += value is not None and abs(value - row["performance"]) > 0.01
    return found


def audited(release: Path, workers: int) -> tuple[Cost, float, float, int]:
    """The cost of an audit, the peak MB of this process and of its largest worker, and the number of findings."""
    found: list[lfb.Audit] = []
    spent = cost(lambda: found.append(lfb.audit(release, workers=workers, near_duplicates=False)))
    return spent, peak(), peak(of_children=True), len(found[0].findings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", nargs="?", type=Path, help="a release; by default a simulated one is made")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = options.release or Path(folder) / "release"
        if options.release is None:
            cost_alone(make, Path(folder), options.scale, options.workers)
        rows = lfb.open_release(place).table("logs").count_rows()
        with process_pool(1) as pool:  # so that the memory of the build does not count
            spent, here, there, findings = pool.submit(audited, place, options.workers).result()
        sample = min(SAMPLE, rows)
        naive, memory = cost_alone(plain, place, sample)
    times = rows / sample
    print(f"{rows:,} answers, {len(DETECTORS)} detectors, {options.workers} processes, {findings} findings; load {load()}")
    print(
        f"  audit                 {spent.wall:8.1f} s  {spent.cpu:8.1f} s CPU  {rows / spent.cpu:>9,.0f} answers per CPU second"
    )
    total = here + options.workers * there
    print(f"    peak memory {total:,.0f} MB: {here:,.0f} in the parent, up to {there:,.0f} in each worker")
    print(f"  loop over rows        {naive.wall * times:8.1f} s  {naive.cpu * times:8.1f} s CPU  {memory:>9,.0f} MB")
    print(f"    baseline: {len(PATTERNS)} patterns, price and score; {sample:,} answers in one process, scaled to all")
    print(f"    {naive.cpu * times / spent.cpu:.1f} x the CPU of the audit, {naive.wall * times / spent.wall:.1f} x as long")


def load() -> str:
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
