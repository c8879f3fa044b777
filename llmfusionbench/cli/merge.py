"""`llmfusionbench merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llmfusionbench.cli.console import progress, say
from llmfusionbench.cli.info import SIMULATED, show_rows
from llmfusionbench.cli.options import release_out


@click.command(name="merge")
@click.argument("releases", nargs=-1, required=True, metavar="A B...")
@release_out()
@click.option("--prefer", type=click.Choice(["first", "last"]), help="The release that counts where two differ.")
@click.option(
    "--replicates", is_flag=True, help="Keep different answers of an LLM to a query as replicates, not as a conflict."
)
@click.option("--workers", type=click.IntRange(min=1), help="Number of worker threads. Default: one per core.")
@click.option("--overwrite", is_flag=True, help="Replace an existing release.")
def command(releases: tuple[str, ...], out: Path | str, **settings: Any) -> None:
    """Join the releases A, B, ... by query, so that logs of different tools meet in one routing table.

    Each is "sample", "full", the directory of a release, or a repository on the Hub. A query is the same in two releases if its
    task and its prompt are. A null of one side gives way to a value of the other. Two different values are a conflict: all
    conflicts are counted, and no release is written, unless --prefer names the side to believe. A query in two splits goes to
    the more protected one.

    \b
    Examples:
      llmfusionbench merge lm-eval-release inspect-release --out both
      llmfusionbench merge monday tuesday wednesday --replicates --out week
    """
    from llmfusionbench.builders.merging.merge import merge

    with progress() as tell:
        made = merge(releases, out, progress=tell, **settings)
    info = made.release.info()
    if "simulated" in made.release.provenance:
        say(SIMULATED)
    for warning in made.warnings:
        say(f"Warning: {warning}.")
    for (table, column), count in sorted(made.conflicts.counts.items()):
        say(f"Conflict: {table}.{column} differs in {count:,} row{'s' * (count > 1)}; the {settings['prefer']} counts.")
    show_rows(made.release, info)
    queries = sum(info.rows["queries"].values())
    shared = f"{made.shared:,} of them in more than one release"
    say(f"Wrote {made.release.path}: {queries:,} queries, {shared}, {info.candidates:,} candidates.")
