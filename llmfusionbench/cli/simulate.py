"""`llmfusionbench simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llmfusionbench.cli.console import progress, say
from llmfusionbench.cli.info import SIMULATED
from llmfusionbench.cli.options import out_path


@click.command(name="simulate")
@click.option("--out", required=True, type=out_path(), help="Directory for the CSV files.")
@click.option(
    "--scale",
    type=click.FloatRange(0, 100, min_open=True),
    default=1.0,
    help="Size of the logs; 1.0 is the size of the reference release, 256,000 rows.",
)
@click.option("--seed", type=int, default=0, help="Random seed; the same seed gives the same logs.")
@click.option("--workers", type=click.IntRange(min=1), help="Number of worker processes. Default: one per core.")
@click.option("--overwrite", is_flag=True, help="Replace an existing simulated log.")
def command(out: Path, **settings: Any) -> None:
    """Write simulated logs in the official FusionBench CSV format, at any scale, in constant memory.

    Every row has the provenance `simulated`. The same scale and seed give the same bytes.

    \b
    Example:
      llmfusionbench simulate --scale 0.01 --out simulated
      llmfusionbench build fusionbench simulated/*.csv --out my-release
    """
    from llmfusionbench.builders.simulation import simulate

    with progress() as tell:
        made = simulate(out, progress=tell, **settings)
    say(SIMULATED)
    for split, path in made.files.items():
        say(f"Wrote {path}: {made.rows[split]:,} rows, {path.stat().st_size / 1e6:,.1f} MB.")
