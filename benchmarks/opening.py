"""What starting costs: importing the package, the help, a cached dataset, a release and its routing table, thought templates.

    python benchmarks/opening.py [RELEASE] [--scale 1.0] [--repeats 7]

Each start is a fresh process, and so is its baseline, in turn with it: Python alone, `import datasets`, and pyarrow, which
reads the same columns of the same files without a check. Figures are medians of the runs: of whole processes, and for the
release also of the work within, the first time in a process and again. The files are in the cache of the system in all runs.
Without RELEASE, one is simulated and built first, which takes a minute.

The matrices of the routing table are compared with a loop over its rows, and the templates of the embedded sample (simulated
answers) with reading those answers.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from _measuring import cost, peak
from _simulated import simulated

import llmfusionbench as lfb
from llmfusionbench.builders.templates import make_templates, read_jobs, select_answers

HELP = """
from llmfusionbench.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0
"""
LOAD = """
import datasets, llmfusionbench
datasets.load_dataset("llmfusionbench", "logs", release="sample")
"""
TIMES = """
from time import perf_counter, process_time
def timed(name):
    wall, cpu = perf_counter(), process_time()
    work()
    figures[name] = perf_counter() - wall, process_time() - cpu
timed("first")
timed("again")
"""
OPEN = """
import llmfusionbench as lfb
lfb.open_release, lfb.RoutingTable
def work():
    lfb.open_release(RELEASE).routing()
"""
READ = """
import pyarrow.dataset as ds
from pathlib import Path
def work():
    for table, columns in (("routing", None), ("queries", ["query_id", "domain"]), ("llms", None)):
        ds.dataset(sorted(map(str, Path(RELEASE, table).glob("*.parquet")))).to_table(columns=columns)
"""
END = """
import json
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print()
print(json.dumps([peak / 1024, figures]))
"""


ALONE, DATASETS, ARROW = "Python alone", "import datasets", "pyarrow reads the columns"
STARTS = (
    (ALONE, "", None),
    ("import llmfusionbench", "import llmfusionbench", ALONE),
    ("llmfusionbench --help", HELP, ALONE),
    (DATASETS, "import datasets", None),
    ("load_dataset, a cached table of the sample", LOAD, DATASETS),
    (ARROW, READ + TIMES, None),
    ("open_release + routing()", OPEN + TIMES, ARROW),
)
"""Label, code and the label of the baseline of each start."""
FIGURES = {"process": "", "first": "within it, the first time", "again": "within it, again"}
"""Figure of a start -> its words; every start has the first."""


def started(code: str, release: Path, cache: str) -> dict[str, Any]:
    """What a fresh process that runs some code takes: its MB, and (seconds, seconds of CPU) of each figure."""
    code = f"figures = {{}}\nRELEASE = {str(release)!r}\n{code}{END}"
    environment = {**os.environ, "HF_HOME": cache, "HF_HUB_OFFLINE": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    wall = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - wall
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a start failed with status {process.returncode}: {code}")
    memory, figures = json.loads(output.splitlines()[-1])
    return {"process": (wall, used.ru_utime + used.ru_stime), "memory": memory, **figures}


def starts(release: Path, repeats: int) -> None:
    """Print what each start takes, and its baseline."""
    with tempfile.TemporaryDirectory() as cache:
        for _, code, _ in STARTS:  # the modules are compiled and the table is cached
            started(code, release, cache)
        runs = [{label: started(code, release, cache) for label, code, _ in STARTS} for _ in range(repeats)]

    def medians(label: str, figure: str) -> tuple[float, float]:
        wall, cpu = zip(*(run[label][figure] for run in runs), strict=True)
        return statistics.median(wall), statistics.median(cpu)

    print(f"  {'':44} {'wall':>8} {'CPU':>8} {'peak':>7}   above its baseline, wall and CPU")
    for label, _, baseline in STARTS:
        memory = max(run[label]["memory"] for run in runs)
        for figure, words in FIGURES.items():
            if figure in runs[0][label]:
                wall, cpu = medians(label, figure)
                line = f"  {f'  {words}' if words else label:44} {wall:6.3f} s {cpu:6.3f} s {memory:4.0f} MB"
                if baseline is not None:
                    of_wall, of_cpu = medians(baseline, figure)
                    line += f"   {wall - of_wall:+.3f} s {cpu - of_cpu:+.3f} s   {baseline}"
                print(line)


def row_by_row(table: pa.Table) -> np.ndarray:
    """The performance of a view, [Q, C], filled in a loop."""
    rows = table.to_pylist()
    names = {name: place for place, name in enumerate(sorted({c["candidate"] for row in rows for c in row["candidates"]}))}
    found = np.full((len(rows), len(names)), np.nan, np.float32)
    for number, row in enumerate(rows):
        for cell in row["candidates"]:
            found[number, names[cell["candidate"]]] = cell["performance"]
    return found


def tables(place: Path, repeats: int) -> None:
    """Print what the matrices of a routing table take, and the templates of the sample."""
    table = lfb.open_release(place).table("routing").to_table()
    made = lfb.RoutingTable.from_view(table)
    np.testing.assert_array_equal(made.performance, row_by_row(table))
    ours = cost(lambda: lfb.RoutingTable.from_view(table), repeats).cpu
    loop = cost(lambda: row_by_row(table), repeats).cpu
    size = f"{len(made):,} x {len(made.candidates)}"
    print(f"matrices of {size}: {ours:.3f} s CPU; one of them by a loop {loop:.3f} s; {loop / ours:.0f} times as long")
    release = lfb.open_release("sample")
    whole = cost(lambda: make_templates(release), repeats).cpu
    reading = cost(lambda: list(read_jobs(release, select_answers(release).answers)), repeats).cpu
    print(f"386 templates of the sample (simulated): {whole:.2f} s CPU, of which reading the answers {reading:.2f} s")
    print(f"peak memory {peak():.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", nargs="?", type=Path, help="the directory of a release; one is made without it")
    parser.add_argument("--scale", type=float, default=1.0, help="of the release that is made; 1.0 is 256,000 rows")
    parser.add_argument("--repeats", type=int, default=7, help="Runs of which the median counts.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        release = (options.release or simulated(Path(folder), options.scale)).resolve()
        rows = lfb.open_release(release).table("responses").count_rows()
        load = os.getloadavg()[0]
        print(f"fresh processes, a release of {rows:,} answers; load {load:.1f} on {os.cpu_count()} cores")
        starts(release, options.repeats)
        tables(release, options.repeats)


if __name__ == "__main__":
    main()
