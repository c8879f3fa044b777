"""`llmfusionbench rescore`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmfusionbench.cli.console import interval, progress, say, show_table
from llmfusionbench.cli.info import SIMULATED
from llmfusionbench.cli.options import engine_option, release_out

if TYPE_CHECKING:
    from llmfusionbench.builders.revising.rescore_report import Comparison, Estimate, RescoreReport


@click.command(name="rescore")
@click.argument("release")
@release_out("the new release")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Score only the queries of this metric. Repeatable.")
@click.option("--official", is_flag=True, help="Compute the reference pipeline's own numbers, including its defects.")
@click.option("--allow-code-execution", is_flag=True, help="Run the programs that LLMs wrote, in a sandbox.")
@click.option("--sandbox", default="auto", help="Kind of isolation: auto, bubblewrap, namespaces or process.")
@click.option("--truth", help="What ground truths of multiple choice are: index0, index1, letter or text. Default: by task.")
@click.option("--revision", help="Commit, tag or branch of a release on the Hub.")
@engine_option
@click.option("--workers", type=click.IntRange(min=1), help="Number of worker processes. Default: one per core.")
@click.option("--overwrite", is_flag=True, help="Replace an existing release.")
def command(release: str, out: Path | str, metrics: tuple[str, ...], revision: str | None, **settings: Any) -> None:
    """Score the answers of RELEASE again and write them as another release.

    RELEASE is "sample", "full", the directory of a release, or a repository on the Hub. In the new release,
    rescore_changes.parquet lists every answer whose performance has changed. An interrupted run is resumed by the next one
    with the same options.

    Programs are run only with --allow-code-execution, in a sandbox without network and files. If no such sandbox is
    available, the command stops, unless the weaker --sandbox process is named.

    \b
    Examples:
      llmfusionbench rescore my-release --out my-rescored-release
      llmfusionbench rescore sample --out rescored --metric em_mc --metric math
      llmfusionbench rescore sample --out published --official
      llmfusionbench rescore sample --out with-code --allow-code-execution
    """
    from llmfusionbench.builders.revising.rescore import CHANGED, rescore
    from llmfusionbench.release import open_release
    from llmfusionbench.sandbox import describe_sandbox

    opened = open_release(release, revision=revision)
    if settings["allow_code_execution"]:
        say(f"Sandbox: {describe_sandbox(settings['sandbox'])}.")
    with progress() as tell:
        report = rescore(opened, out, metrics=metrics or None, progress=tell, **settings)
    if report.resumed:
        say(f"Resumed an earlier run: {report.resumed:,} shards were done.")
    if "simulated" in opened.provenance:
        say(SIMULATED)
    show(report)
    if report.release is not None:
        say(f"Wrote {report.release.path}. The answers that changed: {report.release.path / CHANGED}.")


def show(report: RescoreReport) -> None:
    """Print the results of a re-scoring."""
    for title, rows in (("Tasks", report.tasks), ("LLMs", report.llms)):
        name = title.removesuffix("s").lower()
        header = [name, "scored", "before", "95% interval", "scored", "after", "95% interval", "changed"]
        show_table(f"{title}: mean performance, 95% intervals over queries", header, [_row(row) for row in rows])
    lost = sum(count for counts in report.missing.values() for count in counts.values())
    without = f"; {lost:,} have no score" if lost else ""
    summary = f"Scored {report.chosen - lost:,} of {report.answers:,} answers again{without}; {report.changed:,} changed"
    say(f"{summary}, {report.rounded:,} more by rounding only." if report.rounded else f"{summary}.")
    reasons = [
        [metric, reason, count]
        for metric, counts in report.missing.items()
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    if reasons:
        show_table("Answers without a performance", ["metric", "reason", "answers"], reasons)
    for warning in report.warnings:
        say(f"Warning: {warning}.")
    if any("code execution is not allowed" in counts for counts in report.missing.values()):
        say("Programs were not run. Remedy: set --allow-code-execution")


def _row(row: Comparison) -> Sequence[object]:
    return [row.name, *_cells(row.before), *_cells(row.after), row.changed]


def _cells(estimate: Estimate) -> list[object]:
    mean, low, high, scored = estimate
    return [scored, mean, interval(low, high)]
