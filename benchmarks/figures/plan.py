"""Plans releases of a billion and of a trillion tokens from the line that `benchmarks/scaling.py --json` has measured.

python benchmarks/figures/plan.py FILE [--core-hour 0.05] [--gb-month 0.023] [--thousand-puts 0.005]

Every figure follows the straight line through the smallest and the largest size measured. The reference release has 103 million
tokens in 256,000 answers. Memory is that of the command's own process. Prices are options, USD.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

TOKENS_PER_ANSWER: Final = 103e6 / 256_000
SIZES: Final = (1e9, 1e12)
STAGES: Final = ("build", "validate", "rescore", "tokens", "audit", "export sft")
_HOUR: Final = 3600.0


def plan(sizes: list[dict[str, Any]], tokens: float, prices: argparse.Namespace) -> dict[str, float]:
    """What a release of `tokens` takes, by the straight line through the smallest and the largest size."""
    first, last = min(sizes, key=lambda one: one["rows"]), max(sizes, key=lambda one: one["rows"])
    rows, span = tokens / TOKENS_PER_ANSWER, last["rows"] - first["rows"]

    def at(small: float, large: float) -> float:
        return large + (large - small) / span * (rows - last["rows"])

    found = {name: at(first[name], last[name]) for name in ("bytes", "files", "shards", "release_bytes", "manifest_bytes")}
    cpu = {stage: at(first["stages"][stage]["cpu"], last["stages"][stage]["cpu"]) for stage in STAGES}
    peak = max(0.0, at(first["stages"]["build"]["peak"], last["stages"]["build"]["peak"]))
    return {
        "answers, millions": rows / 1e6,
        "logs, GB": found["bytes"] / 1e9,
        "release, GB": found["release_bytes"] / 1e9,
        "shards": found["shards"],
        "files": found["files"],
        "manifest, MB": found["manifest_bytes"] / 1e6,
        **{f"{stage}, core hours": seconds / _HOUR for stage, seconds in cpu.items()},
        "memory of `build`, GB": peak / 1024,
        "cores, USD": sum(cpu.values()) / _HOUR * prices.core_hour,
        "store, USD a month": (found["bytes"] + found["release_bytes"]) / 1e9 * prices.gb_month,
        "requests to write it, USD": 2 * found["files"] / 1000 * prices.thousand_puts,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--core-hour", type=float, default=0.05)
    parser.add_argument("--gb-month", type=float, default=0.023)
    parser.add_argument("--thousand-puts", type=float, default=0.005)
    options = parser.parse_args()
    sizes = json.loads(options.file.read_text(encoding="utf-8"))
    plans = {tokens: plan(sizes, tokens, options) for tokens in SIZES}
    print("| | " + " | ".join(f"{tokens:,.0f} tokens" for tokens in SIZES) + " |")
    print("|---|" + "---:|" * len(SIZES))
    for what in plans[SIZES[0]]:
        values = (plans[tokens][what] for tokens in SIZES)
        print(f"| {what} | " + " | ".join(f"{value:,.0f}" if value >= 100 else f"{value:.2g}" for value in values) + " |")


if __name__ == "__main__":
    main()
