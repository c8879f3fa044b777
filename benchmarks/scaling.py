"""How time and memory of each stage grow with the number of answers.

    python benchmarks/scaling.py [--scale 0.25 1 4] [--json FILE] [--workers 2]

For each size, logs are simulated and all stages run as a user runs them, each command in a process of its own: `build`,
`validate`, `rescore`, `tokens`, `audit`, `export sft`, and the routing table in Python. The baseline of each size, in the same
run, is pyarrow's stream of the same CSV into one Parquet file of texts (zstd 1). Per stage: seconds, CPU seconds of all its
processes, MB of its largest process at the peak, CPU seconds per million answers, and CPU as a multiple of the baseline.

The last lines compare sizes: CPU per answer of the largest as a multiple of that of the smallest, which is 1 where cost grows
in proportion, and the same of the peak, which is 1 where memory is constant. Fixed costs such as starting Python make the first
one smaller. A size of 4 takes about 12 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import llmfusionbench as lfb

OURS: Final = [sys.executable, "-m", "llmfusionbench"]
STREAM: Final = "pyarrow's stream (baseline)"
ROUTING: Final = "import sys, llmfusionbench as lfb; lfb.open_release(sys.argv[1]).routing()"
STREAMED: Final = "import sys; from pathlib import Path; from _stream import streamed; streamed(Path(sys.argv[1]))"


class Spent(NamedTuple):
    """What a command takes."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all processors, for the command and the processes that it starts."""
    peak: float
    """MB of the largest of these processes."""


def spent(command: list[str]) -> Spent:
    """Run a command to its end; it must succeed."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=Path(__file__).parent)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)}: {said.read().decode(errors='replace')[-2000:]}")
    return Spent(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def stages(folder: Path, workers: int) -> dict[str, list[str]]:
    """Stage -> its command, for the logs in a folder."""
    logs, release = sorted((folder / "logs").glob("*.csv")), folder / "release"
    shared = ["--workers", str(workers)]
    return {
        STREAM: [sys.executable, "-c", STREAMED, str(folder / "logs")],
        "build": [*OURS, "build", "fusionbench", *map(str, logs), "--out", str(release), *shared],
        "validate": [*OURS, "validate", str(release)],
        "rescore": [*OURS, "rescore", str(release), "--out", str(folder / "rescored"), *shared],
        "tokens": [*OURS, "tokens", str(release), "--tokenizer", "cl100k_base", "--out", str(folder / "counted"), *shared],
        "audit": [*OURS, "audit", str(release), "--out", str(folder / "audit"), *shared],
        "export sft": [*OURS, "export", "sft", str(release), "--out", str(folder / "corpus"), *shared],
        "routing table": [sys.executable, "-c", ROUTING, str(release)],
    }


def measure(scale: float, workers: int) -> dict[str, Any]:
    """All stages of one size, printed as they end."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        subprocess.run(
            [*OURS, "simulate", "--scale", str(scale), "--out", str(folder / "logs")], check=True, capture_output=True
        )
        size = sum(path.stat().st_size for path in (folder / "logs").glob("*.csv"))
        found: dict[str, Spent] = {}
        rows = 0
        for stage, command in stages(folder, workers).items():
            found[stage] = spent(command)
            if stage == "build":
                rows = lfb.open_release(folder / "release").table("responses").count_rows()
                print(f"{rows:,} simulated answers, {size / 1e6:,.0f} MB of CSV")
                _show(STREAM, found[STREAM], rows, found[STREAM])
            if stage != STREAM:
                _show(stage, found[stage], rows, found[STREAM])
        about = _release(folder / "release")
    return {"rows": rows, "bytes": size, **about, "stages": {stage: one._asdict() for stage, one in found.items()}}


def _release(release: Path) -> dict[str, int]:
    """What grows with a release beside its rows."""
    files = lfb.open_release(release).manifest["files"]
    return {
        "files": len(files),
        "shards": sum(name.startswith("responses/") for name in files),
        "release_bytes": sum(entry["bytes"] for entry in files.values()),
        "manifest_bytes": (release / "manifest.json").stat().st_size,
    }


def _show(stage: str, one: Spent, rows: int, base: Spent) -> None:
    per_million, times = one.cpu / rows * 1e6, one.cpu / base.cpu
    print(
        f"  {stage:28} {one.wall:8.1f} s {one.cpu:8.1f} CPU s {one.peak:6,.0f} MB "
        f"{per_million:8.1f} CPU s a million answers {times:6.1f} x the baseline",
        flush=True,
    )


def compare(sizes: list[dict[str, Any]]) -> None:
    """Print how the largest size compares with the smallest."""
    first, last = min(sizes, key=lambda one: one["rows"]), max(sizes, key=lambda one: one["rows"])
    print(f"from {first['rows']:,} to {last['rows']:,} answers: CPU per answer, peak")
    for stage, small in first["stages"].items():
        large = last["stages"][stage]
        grown = (large["cpu"] / last["rows"]) / (small["cpu"] / first["rows"])
        print(f"  {stage:28} x {grown:5.2f}   x {large['peak'] / small['peak']:5.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, nargs="+", default=[0.25, 1.0, 4.0], help="1.0 is 256,000 answers")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    sizes = [measure(scale, options.workers) for scale in options.scale]
    if len(sizes) > 1:
        compare(sizes)
    if options.json is not None:
        options.json.write_text(json.dumps(sizes, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
