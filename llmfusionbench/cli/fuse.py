"""`llmfusionbench fuse`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmfusionbench.cli.console import interval, say, say_json, show_table
from llmfusionbench.cli.info import SIMULATED
from llmfusionbench.cli.options import failures_option, out_path
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.storage.csv_text import csv_text
from llmfusionbench.storage.files import whole_file
from llmfusionbench.storage.kinds import check_file

if TYPE_CHECKING:
    from llmfusionbench.baselines.fusion import Comparison
    from llmfusionbench.statistics import Mean


@click.command(name="fuse")
@click.argument("release")
@click.option(
    "--fusion",
    "fusions",
    multiple=True,
    metavar="NAME",
    help="Fusion method: vote, weighted_vote or topla. Repeatable. Default: all.",
)
@click.option(
    "--candidate", "candidates", multiple=True, metavar="NAME", help="Candidate that may be asked. Repeatable. Default: all."
)
@click.option(
    "--top", type=click.IntRange(min=1), help="Let vote and weighted_vote ask only the N best candidates of the train folds."
)
@click.option(
    "--size", default=5, type=click.IntRange(min=2), help="Number of candidates topla keeps, chosen by focal diversity."
)
@click.option("--split", metavar="NAME", help="Use only the queries of this split. Default: all splits.")
@failures_option
@click.option("--folds", default=5, help="Number of folds; everything is learned on the other folds.")
@click.option("--resamples", default=1000, type=click.IntRange(min=1), help="Number of random changes of signs behind p.")
@click.option("--seed", default=0, type=click.IntRange(min=0), help="Random seed of the folds and of p.")
@click.option("--revision", metavar="REV", help="Commit, tag or branch of a release on the Hub.")
@click.option("--out", type=out_path(dir_okay=False), metavar="FILE", help="Write the results to this CSV file.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def command(
    release: str,
    fusions: tuple[str, ...],
    candidates: tuple[str, ...],
    top: int | None,
    size: int,
    split: str | None,
    revision: str | None,
    failures: str,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Combine several LLMs' answers into one by voting, and measure the gain.

    Answers are compared in the form that the task's metric takes from them, so that equal numbers agree however they are
    written. Tasks whose answers cannot be put to a vote (programs, and cem, which looks for the truth) are left out. Who is
    asked, what a vote counts and the best single LLM are learned on the other folds; the cost is the sum of all calls.

    \b
    Examples:
      llmfusionbench fuse sample
      llmfusionbench fuse sample --fusion vote --candidate gemma-7b --candidate qwen2-7b-instruct --candidate gemma-2-9b-it
    """
    import numpy as np
    import pandas as pd

    from llmfusionbench.baselines.fusion import FUSIONS, Topla, Vote, compare, read_answers
    from llmfusionbench.release import open_release
    from llmfusionbench.release.failures import failure_notes

    for name in fusions:
        if name not in FUSIONS:
            raise UnknownNameError("fusion", name, FUSIONS)
    opened = open_release(release, revision=revision)
    if out is not None:
        check_file(out, overwrite=overwrite, inputs=opened.inputs)
    table = read_answers(opened, split=split, candidates=candidates or None, failures=failures)
    if len(table.candidates) < 2:
        raise InputError(f"{release}: {len(table.candidates)} candidate to ask, expected two or more. Remedy: name more")
    wanted: dict[str, Vote] = {}
    for name in fusions or FUSIONS:
        kind = FUSIONS[name]
        wanted[name] = kind(size=min(size, len(table.candidates))) if issubclass(kind, Topla) else kind(top=top)
    found = compare(table, wanted, **settings)
    rows = figures(found)
    lost = int(table.failed.sum())
    if out is not None:
        with whole_file(out) as file:
            facts = {"failures": failures, "failed_answers": lost, "provenance": " ".join(opened.provenance)}
            file.write_text(csv_text(pd.DataFrame([row | facts for row in rows])), encoding="utf-8")
    if as_json:
        failed = {"policy": failures, "answers": lost}
        say_json({"queries": len(table.query_ids), "failures": failed, "provenance": opened.provenance, "fusions": rows})
        return
    if "simulated" in opened.provenance:
        say(SIMULATED)
    there = ["oracle there"] if any(row["scored"] != len(table.query_ids) for row in rows) else []
    show_table(
        f"Answer-level fusion of {len(table.candidates)} candidates on {len(table.query_ids):,} queries of "
        f"{', '.join(sorted(set(table.tasks)))}; {settings['folds']} folds, 95% intervals",
        ["fusion", "calls", "performance", "interval", *there, "vs best single", "interval", "p", "USD / 1,000"],
        [_row(row, len(table.query_ids), partial=bool(there)) for row in rows],
    )
    for line in failure_notes(failures, table.failed, ~np.isnan(table.performance)):
        say(f"Note: {line}")
    if out is not None:
        say(f"Wrote {out}.")


def figures(found: Comparison) -> list[dict[str, Any]]:
    """A row a fusion; what is missing is None."""
    rows = []
    for i, name in enumerate(found.names):
        calls = {len(members) for members in found.members[i]}
        row: dict[str, Any] = {"fusion": name, "calls": calls.pop() if len(calls) == 1 else None}
        levels = {"performance": found.performance, "oracle_performance": found.oracle_performance}
        for key, mean in {**levels, "gain": found.gain, "cost_usd": found.cost}.items():
            row |= _figure(key, mean, i)
        row["gain_p"] = None if found.p[i] != found.p[i] else float(found.p[i])
        counts = {"scored": found.performance, "paired": found.gain, "priced": found.cost}
        rows.append({**row, **{name: int(mean.valid[i]) for name, mean in counts.items()}})
    return rows


def _figure(key: str, mean: Mean, column: int) -> dict[str, float | None]:
    parts = {key: mean.mean, f"{key}_low": mean.low, f"{key}_high": mean.high}
    values = {name: float(part[column]) for name, part in parts.items()}
    return {name: value if value == value else None for name, value in values.items()}  # NaN differs from itself


def _row(row: dict[str, Any], queries: int, *, partial: bool) -> list[object]:
    from llmfusionbench.statistics import counted

    gain, cost = row["gain"], row["cost_usd"]
    return [
        row["fusion"],
        row["calls"],
        counted(row["performance"], row["scored"], queries),
        interval(row["performance_low"], row["performance_high"]),
        *([row["oracle_performance"]] if partial else []),
        "-" if gain is None else f"{counted(gain, row['paired'], queries):+.3f}",
        interval(row["gain_low"], row["gain_high"], "+"),
        row["gain_p"],
        None if cost is None else counted(cost * 1e3, row["priced"], queries),
    ]
