"""`llmfusionbench append`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llmfusionbench.cli.console import progress, say, show_table
from llmfusionbench.cli.info import SIMULATED
from llmfusionbench.cli.options import release_out


@click.command(name="append")
@click.argument("release")
@click.argument("new")
@release_out("the next version")
@click.option("--prefer", type=click.Choice(["old", "new"]), help="The side that counts where RELEASE (old) and NEW differ.")
@click.option("--workers", type=click.IntRange(min=1), help="Number of worker threads. Default: one per core.")
@click.option("--overwrite", is_flag=True, help="Replace an existing release.")
def command(release: str, new: str, out: Path | str, **settings: Any) -> None:
    """Write the next version of RELEASE: all of its rows and those of the release NEW, matched by key.

    RELEASE and NEW are each "sample", "full", the directory of a release, or a repository on the Hub. A null of one side gives
    way to a value of the other. Two different values are a conflict: all conflicts are counted, and no release is written,
    unless --prefer names the side to believe. A query in two splits goes to the more protected one. The manifest and the card
    of the new version list what changed.

    \b
    Examples:
      llmfusionbench append my-release more-answers --out my-release-2
      llmfusionbench append my-release corrected --out my-release-3 --prefer new
    """
    from llmfusionbench.builders.appending.append import append

    with progress() as tell:
        made = append(release, new, out, progress=tell, **settings)
    if "simulated" in made.release.provenance:
        say(SIMULATED)
    for warning in made.warnings:
        say(f"Warning: {warning}.")
    if made.card_was_edited:
        say(f"Note: README.md of {release} was edited, and the card of the new version is made without those words.")
        say("To keep them, name that file with --card when you publish.")
    rows = [(d.table, d.added, d.removed, d.changed, ", ".join(f"{c} {n:,}" for c, n in d.columns.items())) for d in made.diffs]
    header = ["table", "added", "removed", "changed", "columns that changed"]
    show_table(f"From {release} to version {made.version}", header, rows)
    say(f"Wrote {made.release.path}: version {made.version}.")
