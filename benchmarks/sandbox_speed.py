"""Programs per second in the sandbox, against a fresh `python -c` per program, in the same run.

    python benchmarks/sandbox_speed.py [--programs 1000] [--workers 2] [--sandbox auto]

Without --tasks FILE (HumanEval.jsonl.gz) the programs are generated: a function and a `check` of ten random cases, the size of
a HumanEval task. The baseline has no isolation: one process per program, as many at a time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _measuring import cost, peak

from llmfusionbench.sandbox import CodeTask, Sandbox, describe_sandbox

MADE_CODE = """
from typing import List
def clean{n}(words: List[str], least: int) -> List[str]:
    seen = {{}}
    for word in words:
        seen[word] = seen.get(word, 0) + 1
    return sorted(word for word in seen if seen[word] >= least)
"""
MADE_TESTS = """
def check(candidate):
    import random
    rng = random.Random({n})
    for _ in range(10):
        words = [rng.choice('abcdef') * rng.randint(1, 3) for _ in range(30)]
        assert candidate(words, 2) == sorted({{w for w in words if words.count(w) >= 2}})
"""


def tasks(path: Path | None, count: int) -> list[CodeTask]:
    """`count` tasks, those of the file over and over."""
    if path is None:
        return [
            CodeTask(code=MADE_CODE.format(n=n), tests=MADE_TESTS.format(n=n), entry_point=f"clean{n}") for n in range(count)
        ]
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        CodeTask(
            code=row["prompt"] + row["canonical_solution"],
            tests=row["test"],
            entry_point=row["entry_point"],
            setup=row["prompt"],
        )
        for row in (rows[n % len(rows)] for n in range(count))
    ]


def baseline(task: CodeTask) -> bool:
    """One fresh interpreter that runs program and tests together."""
    text = f"{task.code}\n{task.tests}\ncheck({task.entry_point})\n"
    return subprocess.run([sys.executable, "-c", text], capture_output=True, timeout=60, check=False).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sandbox", default="auto")
    parser.add_argument("--tasks", type=Path, help="HumanEval.jsonl.gz")
    options = parser.parse_args()
    work = tasks(options.tasks, options.programs)
    print(describe_sandbox(options.sandbox))

    passed: dict[str, int] = {}

    def isolated() -> None:
        with Sandbox(sandbox=options.sandbox, workers=options.workers) as pool:
            passed["sandbox"] = sum(verdict.passed for verdict in pool.run(work))

    def fresh() -> None:
        with ThreadPoolExecutor(options.workers) as threads:
            passed["fresh python -c"] = sum(threads.map(baseline, work))

    seconds, own = cost(isolated).wall, peak()
    plain = cost(fresh).wall
    for (name, count), taken in zip(passed.items(), (seconds, plain), strict=True):
        print(f"{name:16} {len(work) / taken:7.1f} programs/s  {taken:6.1f} s  {count} of {len(work)} passed")
    print(
        f"ratio {plain / seconds:.2f}   peak memory {own:.0f} MiB here, {peak(of_children=True):.0f} MiB in the largest child"
    )


if __name__ == "__main__":
    main()
