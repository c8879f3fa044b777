"""`llmfusionbench judge`."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from llmfusionbench.cli.call_options import batches_of, call_options, check_batches, names_in
from llmfusionbench.cli.console import interval, say, say_json_text, show_table
from llmfusionbench.cli.info import SIMULATED
from llmfusionbench.cli.options import out_path
from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError
from llmfusionbench.storage.kinds import check_file

if TYPE_CHECKING:
    from llmfusionbench.builders.judging import JudgeRun, Plan
    from llmfusionbench.builders.judging.outcome import Scored
    from llmfusionbench.release import Release
    from llmfusionbench.statistics import Estimate


_PAGE: Final = b"<!DOCTYPE HTML"
"""How a page begins, in capital letters."""


@click.command(name="judge")
@click.argument("release")
@click.option("--judge", "judges", multiple=True, metavar="NAME", help="LLM of the file of LLMs that judges. Repeatable.")
@click.option(
    "--llms", "llms_file", type=click.Path(path_type=Path), metavar="FILE", help="File of LLMs (YAML): see docs/llms_file.md."
)
@click.option("--rubric", default="correctness", metavar="NAME", help="Rubric: correctness, paper, or a YAML file.")
@click.option("--pairwise", is_flag=True, help="Compare two answers to a query, in both orders.")
@click.option("--replicates", default=1, type=click.IntRange(min=1), help="Judgements of each judge on each answer.")
@click.option(
    "--with-reference/--without-reference",
    "reference",
    default=None,
    help="Whether judges see the ground truth. Default: as the rubric states.",
)
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Judge only answers of this split. Repeatable.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Judge only answers of this task. Repeatable.")
@click.option("--candidate", "candidates", multiple=True, metavar="NAME", help="Judge only this candidate. Repeatable.")
@click.option("--against", metavar="NAME", help="With --pairwise: compare only with this candidate.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Most answers, or pairs, drawn by hash.")
@click.option("--seed", default=0, help="Another seed draws others for --limit.")
@click.option("--max-cost", type=float, metavar="USD", help="Most USD that the run may cost, earlier runs included.")
@call_options
@click.option(
    "--retry", metavar="KIND,...", help="Ask again only what has no score: error, empty, length (cut off), unparsed or refusal."
)
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="With --retry: most tokens of the new replies.")
@click.option("--dry-run", is_flag=True, help="Forecast requests, tokens and cost, and ask nothing.")
@click.option("--allow-partial", is_flag=True, help="Write the release even if questions have no reply.")
@click.option("--out", type=out_path(), help="Directory for the new release, written atomically.")
@click.option("--run", "run_folder", type=out_path(), help="Directory of the run, with its journal. Default: OUT.run.")
@click.option("--report", is_flag=True, help="Show the report on the judges of RELEASE, and ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="With --report: print the report as JSON.")
@click.option("--html", type=out_path(), metavar="FILE", help="Write the report as a page to this file.")
@click.option("--revision", help="Commit, tag or branch of a release on the Hub.")
@click.option("--workers", type=click.IntRange(min=1), help="Number of processes that write. Default: one per core.")
@click.option("--overwrite", is_flag=True, help="Replace an existing release, or page of the report.")
def command(release: str, revision: str | None, **options: Any) -> None:
    """Have LLMs judge the answers of RELEASE, and write their scores as another release.

    Judgements that RELEASE has stay; only what is missing is asked. Each judge's scores are rows of judge_scores, and logs and
    routing get the mean of the judges. A reply without a score is a row without a score, with the text. An interrupted run is
    resumed by the same command, and pays for no reply twice. --retry asks again only judgements without a score.

    \b
    Examples:
      llmfusionbench judge my-release --judge my-llm --llms llms.yaml --rubric correctness --out judged
      llmfusionbench judge my-release --judge a --judge b --llms llms.yaml --rubric paper --limit 500 --out judged
      llmfusionbench judge my-release --judge my-llm --llms llms.yaml --pairwise --dry-run
      llmfusionbench judge my-release --judge my-llm --llms llms.yaml --out judged --overwrite --retry length --max-tokens 4096
      llmfusionbench judge sample --report
    """
    from llmfusionbench.release import open_release

    opened = open_release(release, revision=revision)
    if "simulated" in opened.provenance:
        say(SIMULATED, err=options["as_json"])
    if options["report"]:
        if options["judges"]:
            raise click.UsageError("--report asks no judge. Drop --judge, or drop --report.")
        llms = [] if options["llms_file"] is None else [options["llms_file"]]
        check_page(options["html"], [*opened.inputs, *llms], overwrite=options["overwrite"])
        show_report(opened, as_json=options["as_json"], html=options["html"])
        return
    if options["as_json"]:
        raise click.UsageError("--json needs --report.")
    _run(opened, **options)


def _run(
    opened: Release,
    *,
    judges: tuple[str, ...],
    llms_file: Path | None,
    rubric: str,
    pairwise: bool,
    replicates: int,
    reference: bool | None,
    dry_run: bool,
    out: Path | None,
    run_folder: Path | None,
    html: Path | None,
    **options: Any,
) -> None:
    from llmfusionbench.builders.collecting.llms_file import read_llms_file
    from llmfusionbench.builders.judging import Choice, Retry, Task, judge, plan, read_rubric
    from llmfusionbench.builders.judging.run_folder import default_run, retried_with

    check_batches(options | {"dry_run": dry_run}, ("retry", "dry_run"))
    if options["max_tokens"] and not options["retry"]:
        raise click.UsageError("--max-tokens needs --retry. Other replies have the max_tokens of the rubric or of the LLM.")
    if not judges or llms_file is None:
        raise click.UsageError("Name one or more LLMs with --judge, and the file that describes them with --llms.")
    if out is None and not dry_run:
        raise click.UsageError("Name the new release with --out, or add --dry-run.")
    if dry_run and html is not None:
        raise click.UsageError("--html needs a report, and --dry-run makes none. Drop one of them.")
    folder = default_run(out) if run_folder is None and out is not None else run_folder
    if out is not None and folder is not None:
        read = [*opened.inputs, llms_file, rubric, *options["batch_results"]]
        check_page(html, read, overwrite=options["overwrite"], written=[out, folder])
    known = {endpoint.name: endpoint for endpoint in read_llms_file(llms_file)}
    for name in judges:
        if name not in known:
            raise UnknownNameError("LLM", name, known)
    batches = batches_of(options, "judge", judges)
    names = ("splits", "tasks", "candidates", "against", "limit", "seed")
    task = Task(
        judges=[known[name] for name in judges], rubric=read_rubric(rubric), pairwise=pairwise, reference=reference,
        replicates=replicates, choice=Choice(**{name: options[name] for name in names}),
        retry=Retry(kinds=names_in((options["retry"],)), max_tokens=options["max_tokens"]) if options["retry"] else None,
    )  # fmt: skip
    if dry_run:
        show_forecast(plan(opened.local(), task, retried_with(folder)), folder, batch=options["batch"])
        return
    assert out is not None
    kept = ("max_cost", "halt_on_drift", "allow_partial", "overwrite", "workers")
    done = judge(
        opened, out, task, run=run_folder, say=say, batches=batches, results=options["batch_results"],
        **{name: options[name] for name in kept},
    )  # fmt: skip
    show(done, pairwise=pairwise)
    assert done.release is not None
    say(f"Wrote {out}. Its history in manifest.json states what was judged, by whom and how.")
    try:
        show_report(done.release, as_json=False, html=html)
    except MissingExtraError as error:  # the scores are there
        say(f"The report on the judges was not made: {error}, then: llmfusionbench judge {out} --report")


def check_page(html: Path | None, inputs: Sequence[str | Path], *, overwrite: bool, written: Sequence[Path] = ()) -> None:
    """Raise InputError if the report must not be written to a page: before anything is asked.

    Args:
        html: The page; None for none.
        inputs: Files and directories that are read.
        overwrite: Whether it may replace a file.
        written: Directories that are written as a whole.
    """
    if html is None:
        return
    place = html.resolve()
    for directory in written:
        whole = directory.resolve()
        if place == whole or place in whole.parents or whole in place.parents:
            raise InputError(f"{html}: is in the way of {directory}, which is written whole. Remedy: choose another --html")
    check_file(html, overwrite=overwrite, inputs=inputs, option="--html")
    if place.is_file() and not _is_page(place):
        raise InputError(f"{html}: is there, and is not a page that could be replaced. Remedy: choose another --html")
    if not (place.parent.is_dir() and os.access(place.parent, os.W_OK)):
        raise InputError(f"{html}: {html.parent} is not a directory to write to. Remedy: make it, or choose another --html")


def _is_page(place: Path) -> bool:
    with open(place, "rb") as file:
        return file.read(len(_PAGE)).upper() in (_PAGE, b"")


def show_forecast(planned: Plan, folder: Path | None, *, batch: bool = False) -> None:
    """Print what a run will take."""
    from llmfusionbench.builders.judging import forecast_of

    pairwise, items = planned.task.pairwise, len(planned.found.items)
    number = items // 2 if pairwise else items  # a pair has two items, one for each order
    _show_plan(number, planned.found.eligible, planned.there, planned.found.skipped, pairwise)
    forecast = forecast_of(planned, folder, datetime.now(UTC).date(), batch=batch)
    show_table(*forecast.table())
    for note in forecast.notes():
        say(note)


def _show_plan(number: int, eligible: int, there: int, skipped: dict[str, int], pairwise: bool) -> None:
    from llmfusionbench.release.card_text import counted

    noun = "pair" if pairwise else "answer"
    are = "is" if there == 1 else "are"
    say(f"{number:,} of {counted(eligible, noun)} that can be judged; {counted(there, 'judgement')} {are} there already.")
    for reason, count in sorted(skipped.items()):
        if count:
            say(f"Skipped {counted(count, 'answer')}: {reason}.")


def show(done: JudgeRun, *, pairwise: bool) -> None:
    """Print the results of a run of judges."""
    from llmfusionbench.release.card_text import counted

    _show_plan(done.items, done.eligible, done.there, done.skipped, pairwise)
    header = ["judge", "questions", "replies", "with a score", "parse rate", "95% interval", "input tokens", "output tokens"]
    rows = [
        [
            judged.judge, judged.asked, judged.replies, judged.scored, *_cells(judged.parse_rate),
            judged.spent.input_tokens, judged.spent.output_tokens, _cost(judged.spent.cost_usd, judged.spent.unpriced),
        ]
        for judged in done.judges
    ]  # fmt: skip
    show_table("Judges", [*header, "cost, USD"], rows)
    faults = [[judged.judge, fault, count] for judged in done.judges for fault, count in judged.faults.items()]
    if faults:
        show_table("Replies without a score", ["judge", "why", "replies"], faults)
    if done.means:
        show_table("Mean scores, 95% intervals over queries", ["judge", "scores", "mean", "95% interval"], _rows(done.means))
    if done.compared:
        pairs = [[c.judge, c.pairs, c.ties, c.half, *_cells(c.first)] for c in done.compared]
        header = [
            "judge",
            "pairs in both orders",
            "ties",
            "pairs in one order",
            "share of the answer shown first",
            "95% interval",
        ]
        show_table("Pairs, decided by both orders together", header, pairs)
    title = "Share of wins, ties count half" if pairwise else "Mean judge scores of candidates"
    if done.candidates:
        header = ["candidate", "comparisons" if pairwise else "answers", "mean", "95% interval"]
        show_table(title, header, _rows(done.candidates))
    if done.again is not None:
        say(f"Asked again: {counted(done.again, 'request')}." if done.again else "Nothing was left to ask again.")
    if done.enough:
        are = "is" if done.enough == 1 else "are"
        say(
            f"Note: {counted(done.enough, 'reply', 'replies')} {are} cut off at this maximum of tokens or a higher one. "
            "Remedy: raise --max-tokens"
        )
    if done.unknown:
        say(
            f"Note: this run has no reply to {counted(done.unknown, 'judgement')} without a score, so it is not known "
            "whether it was cut off. Remedy: name the run that asked first with --run"
        )
    if done.unfinished:
        have, them = ("has", "it") if done.unfinished == 1 else ("have", "them")
        say(f"{counted(done.unfinished, 'question')} {have} no reply; judging the new release again asks {them}.")


def show_report(release: Release, *, as_json: bool, html: Path | None) -> None:
    """Print the report on the judges of a release, and write it as a page.

    Raises:
        InputError: the release has no judge scores, or the page cannot be written.
        MissingExtraError: a package that the report needs is not installed.
    """
    from llmfusionbench.builders.judging import costs_of
    from llmfusionbench.evaluation.judges import judge_report

    report = judge_report(release, costs=costs_of(release))
    if html is not None:
        report.to_html(html)
    if as_json:
        say_json_text(report.to_json())
        return
    for line in report.lines():
        say(line)
    if html is not None:
        say(f"Wrote {html}.")


def _rows(scored: list[Scored]) -> list[list[object]]:
    return [[row.name, row.scores.n, *_cells(row.scores)] for row in scored]


def _cells(found: Estimate) -> list[object]:
    value, low, high = (None if math.isnan(x) else x for x in (found.value, found.low, found.high))
    return [value, interval(low, high)]


def _cost(usd: float, unpriced: int) -> str:
    if unpriced and not usd:
        return "not known"
    return f"{usd:.6f}" + (f", and {unpriced:,} attempts at an unknown price" if unpriced else "")
