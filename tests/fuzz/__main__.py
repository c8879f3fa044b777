"""`python -m tests.fuzz`: mutated inputs for every module here that has a function `case`; see CONTRIBUTING.md.

A case is drawn from the seed, its number and nothing else, so `--seed S --first N --count 1` repeats it.
"""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

import click
import pyarrow as pa

from tests.fuzz.oracle import complaints

HERE = Path(__file__).parent
WARM = (
    "builders.build", "auditing", "cli.audit", "cli.build", "cli.evaluate", "cli.export", "cli.info", "cli.diff",
    "cli.validate", "baselines",
)  # fmt: skip


@click.command()
@click.option("--count", default=10_000, help="Number of inputs.")
@click.option("--seed", default=0, help="Random seed.")
@click.option("--first", default=0, help="Number of the first input.")
@click.option("--module", "names", multiple=True, help="Only this module. Default: all.")
@click.option("--keep", type=click.Path(path_type=Path), default="build/fuzz", help="Folder for the inputs that fail.")
def main(count: int, seed: int, first: int, names: tuple[str, ...], keep: Path) -> None:
    """Run mutated inputs and report each that breaks a promise of the command line."""
    for name in WARM:
        importlib.import_module(f"llmfusionbench.{name}")
    pa.set_cpu_count(1)
    known = names or sorted(path.stem for path in HERE.glob("*.py") if "\ndef case(" in path.read_text("utf-8"))
    modules = [importlib.import_module(f"tests.fuzz.{name}") for name in known]
    gc.collect()
    gc.freeze()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        for number in range(first, first + count):
            module = modules[number % len(modules)]
            folder = Path(scratch) / str(number)
            folder.mkdir()
            arguments = module.case(Random(f"{seed}/{number}"), folder)
            found = complaints(arguments, folder)
            found += module.check(folder) if not found and hasattr(module, "check") else []
            if found:
                failed += 1
                kept = keep / f"{seed}-{number}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(folder, kept)
                repeat = f"make fuzz COUNT=1 SEED={seed} FIRST={number}" + "".join(f" MODULE={name}" for name in names)
                print(f"case {number}: {repeat}\n  llmfusionbench {' '.join(arguments)}\n  input: {kept}", flush=True)
                print("".join(f"  {line}\n" for line in found), flush=True)
            shutil.rmtree(folder)
            shutil.rmtree(folder.with_name(f"{folder.name}.printed"))
            if sys.stderr.isatty() and not number % 50:
                print(f"\r{number - first:,} of {count:,}", end="", file=sys.stderr)
    print(f"{count:,} inputs, seed {seed}: {failed:,} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
