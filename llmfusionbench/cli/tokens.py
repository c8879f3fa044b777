"""`llmfusionbench tokens`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llmfusionbench.cli.console import progress, say, show_table
from llmfusionbench.cli.options import engine_option, release_out


@click.command(name="tokens")
@click.argument("release")
@release_out("the new release")
@click.option("--tokenizer", default="cl100k_base", help="Name of a tiktoken encoding.")
@click.option("--fast", is_flag=True, help="Count with toktok-rs and check a sample against tiktoken.")
@click.option("--revision", help="Commit, tag or branch of a release on the Hub.")
@engine_option
@click.option("--workers", type=click.IntRange(min=1), help="Number of worker processes. Default: one per core.")
@click.option("--overwrite", is_flag=True, help="Replace an existing release.")
def command(release: str, out: Path | str, tokenizer: str, revision: str | None, **settings: Any) -> None:
    """Count the tokens of RELEASE with one tokenizer, price them by its table `llms`, and write another release.

    RELEASE is "sample", "full", the directory of a release, or a repository on the Hub. An answer without a text or prompt
    keeps the counts of its log, as its column `tokenizer` shows. Costs that the log states are not used.

    \b
    Example:
      llmfusionbench tokens sample --tokenizer cl100k_base --out counted
    """
    from llmfusionbench.builders.revising.recount import recount
    from llmfusionbench.release import open_release

    opened = open_release(release, revision=revision)
    with progress() as tell:
        report = recount(opened, out, tokenizer=tokenizer, progress=tell, **settings)
    figures: list[list[object]] = [
        ["answers", report.answers],
        [f"counted with {tokenizer}", report.counted],
        ["input tokens", report.input_tokens],
        ["output tokens", report.output_tokens],
        ["answers with a cost", report.costed],
        ["cost before, USD", report.cost_before],
        ["cost at list price, USD", report.cost_after],
    ]
    show_table("Tokens", ["figure", "sum"], figures)
    say(f"Wrote {out if report.release is None else report.release.path}.")
