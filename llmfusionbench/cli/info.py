"""`llmfusionbench info`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmfusionbench.cli.console import say, say_json, show_table
from llmfusionbench.types import sorted_splits

if TYPE_CHECKING:
    from llmfusionbench.release import Release, ReleaseInfo


@click.command(name="info")
@click.argument("release")
@click.option("--revision", help="Commit, tag or branch of a release on the Hub.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def command(release: str, revision: str | None, as_json: bool) -> None:
    """Show what is in a release: counts, tokens, coverage of the query x candidate grid, missing values, licences.

    RELEASE is "sample", "full", the directory of a release, or a repository on the Hub. A release whose files differ from
    its manifest is shown, too, and reported.

    \b
    Example:
      llmfusionbench info sample
    """
    from llmfusionbench.release import open_release

    opened = open_release(release, revision=revision, damaged=True)
    if as_json:
        say_json(opened.info().to_dict())
    else:
        describe(opened)
    warn_of_differences(opened)


def warn_of_differences(release: Release) -> None:
    """Report on standard error how many files differ from the manifest, if any do."""
    differences = release.differences()
    if differences:
        first = differences[0]
        say(
            f"Note: {len(differences)} of the files in {release.path} differ from its manifest "
            f"({first.name}: {first.found}, expected {first.expected}). Remedy: llmfusionbench validate lists them",
            err=True,
        )


def describe(release: Release) -> None:
    """Print what is in a release."""
    info = release.info()
    say(f"Release {release.path.name}: source {info.source or 'unknown'}, schema version {info.schema_version}.")
    if "simulated" in info.provenance:
        say(SIMULATED)
    say()
    show_rows(release, info)
    tasks = [[task, n["queries"], n["responses"], n["scored"]] for task, n in info.tasks.items()]
    show_table("Tasks", ["task", "queries", "responses", "scored"], tasks)
    covered = "" if info.coverage is None else f", {info.coverage:.2%} answered"
    repeated = f", up to {info.replicates} answers each" if info.replicates > 1 else ""
    title = f"Grid: {info.cells:,} cells of {info.candidates} candidates{covered}{repeated}"
    show_table(title, ["status", "cells"], info.responses.items())
    show_table("Missing values in responses", ["column", "null"], info.missing.items())
    tokens, cost = _counted_by(info)
    figures: list[list[object]] = [
        ["input tokens", info.input_tokens, tokens],
        ["output tokens", info.output_tokens, tokens],
        ["cost, USD", _dollars(info.cost_usd), cost],
    ]
    show_table("Sums over the responses that have a figure", ["figure", "sum", "counted by"], figures)
    if info.judges:
        show_table("Judges", ["judge", "scores"], info.judges.items())
    show_table("Licences of the queries", ["licence", "queries"], info.licenses.items())
    show_table("Licences of the LLMs", ["licence", "LLMs"], info.llm_licenses.items())


def show_rows(release: Release, info: ReleaseInfo) -> None:
    """Print the number of rows of each table and split."""
    splits = sorted_splits({*release.splits, *(split for table in release.tables for split in info.rows[table])})
    show_table("Rows", ["table", *splits], [[t, *(info.rows[t].get(s) for s in splits)] for t in release.tables])


SIMULATED = "SIMULATED DATA: no LLM was asked. Use it to learn and to test, never to compare LLMs."
"""Printed with all simulated data."""


def _counted_by(info: ReleaseInfo) -> tuple[str, str]:
    """Where the tokens and the costs come from."""
    tokenizers = ", ".join(info.tokenizers)
    if info.provenance == ["collected"]:
        return tokenizers or "usage stated by the servers", "tokens at the prices of the day, or stated by the servers"
    if "collected" in info.provenance:
        return tokenizers or "the logs and the servers", "stated by the logs or the servers, else tokens at list price"
    return tokenizers or "the log does not name a tokenizer", "stated by the log, else tokens at list price"


def _dollars(value: float | None) -> float | str | None:
    """A sum in USD, of which at least three digits are shown that are not leading zeros."""
    return value if value is None or value == 0 or value >= 1 else f"{value:.3g}"
