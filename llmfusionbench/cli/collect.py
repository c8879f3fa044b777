"""`llmfusionbench collect`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from llmfusionbench.cli.call_options import batches_of, call_options, check_batches, known_names, names_in
from llmfusionbench.cli.collect_asks import ASKS, asked_run
from llmfusionbench.cli.collect_progress import forecast_progress
from llmfusionbench.cli.collect_report import go_on, report, say_lost, show_forecast, take
from llmfusionbench.cli.console import say
from llmfusionbench.cli.options import out_path
from llmfusionbench.errors import InputError

if TYPE_CHECKING:
    from llmfusionbench.builders.collecting.endpoint import Endpoint
    from llmfusionbench.builders.collecting.journal import RunJournal
    from llmfusionbench.builders.collecting.plan import Plan
    from llmfusionbench.builders.collecting.run import Run

_NO_CAP: Final = "none"
"""The value of --max-cost that removes a cap."""
_TASKS: Final = 2
"""Tasks of a cluster that ask, unless --workers says otherwise."""


def _usd(ctx: click.Context, param: click.Parameter, value: str | None) -> float | str | None:
    """The value of --max-cost: USD, or `none`."""
    return value if value in (None, _NO_CAP) else click.FLOAT(value, param, ctx)


@click.command(name="collect")
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option("--out", type=out_path(), metavar="RUN", help="Directory of the run: a new one, or one to ask for more.")
@click.option("--tasks", metavar="NAME,...|all", help="Tasks to ask, or all. See docs/tasks.md.")
@click.option("--llms", type=click.Path(path_type=Path), metavar="FILE.yaml", help="The LLMs and their servers.")
@click.option("--mode", metavar="NAME,...", help="Modes: direct, think, or those of the file of LLMs. [default: direct]")
@click.option(
    "--replicates", type=click.IntRange(1, 999_999), metavar="N", help="Answers per query, LLM and mode. [default: 1]"
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Most queries of each task in each split.")
@click.option("--split", help="Split to ask: train, test or partial_test. Default: train and partial_test.")
@click.option("--seed", type=int, help="Seed that queries are chosen with. [default: 0]")
@click.option("--task-file", "task_files", multiple=True, metavar="TASK=PATH", help="File with the rows of a task.")
@click.option("--own-tasks", type=click.Path(path_type=Path), metavar="FILE.yaml", help="Tasks of your own.")
@click.option("--prompts", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Plain prompts to ask, too.")
@click.option("--only", multiple=True, metavar="LLM,...", help="Ask only these LLMs now.")
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most tokens of an answer, of every LLM; a query's own max_tokens stays.",
)
@click.option("--stream", is_flag=True, help="Have answers streamed, which measures the time to the first token.")
@click.option(
    "--max-cost",
    callback=_usd,
    metavar="USD|none",
    help="Maximum cost of the whole run, USD, which the run keeps; needs the prices of all LLMs. none removes it.",
)
@click.option("--dry-run", is_flag=True, help="Forecast requests, tokens, cost and time; ask and write nothing.")
@click.option("--pilot", type=click.IntRange(min=1), metavar="N", help="First make N calls per LLM, task and mode; forecast.")
@click.option("--yes", is_flag=True, help="Go on after the pilot without a question.")
@call_options
@click.option(
    "--engine", default="local", metavar="NAME", help="What runs the workers: local (processes of this machine) or ray."
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Ask with N processes, which share the limits and the cap. [default: 1]",
)
@click.option("--retry", metavar="KIND,...", help="Ask again only what was cut off (length), error, empty or refusal.")
def command(run: Path | None, out: Path | None, **options: Any) -> int:
    """Ask many LLMs the queries of tasks, and keep every answer in the directory RUN.

    A run can be stopped and killed at any moment. The command goes on where it was, and what was answered is never asked
    again. With RUN alone it goes on with what the run was asked for; with further tasks, LLMs, modes or replicates it asks the
    run for more. `llmfusionbench build collected RUN` makes a release of it, also while it is going.

    API keys are read from the environment variables that the file of LLMs names. Ctrl-C ends the run after the calls in
    flight; a second one ends it at once.

    The exit status is 0 when every call has an outcome, and 1 when the run was stopped.

    \b
    Examples:
      llmfusionbench collect --tasks gsm8k,mmlu --llms llms.yaml --mode direct,think --out my-run --dry-run
      llmfusionbench collect --tasks all --llms llms.yaml --out my-run --max-cost 20 --pilot 5
      llmfusionbench collect my-run
      llmfusionbench collect --retry length --max-tokens 4096 my-run
    """
    if run is not None and out is not None and run != out:
        raise click.UsageError("RUN and --out name two directories. Give one of them.")
    folder = run or out
    if folder is None:
        raise click.UsageError("No run is named. Give RUN to go on with one, or --out for a new one.")
    if options["retry"] and (given := [name for name in ASKS if options[name]]):
        raise click.UsageError(f"--retry asks for nothing new: drop --{given[0].replace('_', '-')}.")
    if options["pilot"] and (options["retry"] or options["dry_run"]):
        raise click.UsageError("--pilot goes with neither --retry nor --dry-run.")
    check_batches(options, ("retry", "dry_run", "pilot"))
    if _is_divided(options) and (options["batch"] or options["batch_results"]):
        raise click.UsageError("Batches are made by one process: drop --engine and --workers.")
    if options["yes"] and not options["pilot"]:
        raise click.UsageError("--yes needs --pilot.")
    return _collect(folder, options)


def _collect(folder: Path, options: dict[str, Any]) -> int:
    from llmfusionbench.builders.collecting.budget import Budget
    from llmfusionbench.builders.collecting.collect import Settings, check_ready, collect, today
    from llmfusionbench.builders.collecting.journal import RunJournal
    from llmfusionbench.builders.collecting.llms_file import read_llms_file
    from llmfusionbench.builders.collecting.run import check_folder
    from llmfusionbench.builders.collecting.run_forecast import forecast_of
    from llmfusionbench.engines import engine_of

    engine = engine_of(options["engine"], options["workers"])
    check_folder(folder)
    known = _record(folder)
    endpoints = _endpoints(folder, options)
    cap = _cap(folder, options)
    if options["dry_run"]:
        if cap is not None:
            Budget(cap, endpoints, today=today)  # refuses a cap that an LLM without prices would not keep
        with tempfile.TemporaryDirectory() as scratch:
            run = asked_run(folder, endpoints, options, into=Path(scratch))
            work = _work(run, folder, endpoints, options)
            with forecast_progress(work.counts()) as tell:
                found = forecast_of(work, folder, batch=options["batch"], progress=tell)
            show_forecast(found)
        say("Nothing was asked.")
        return 0
    settings = Settings(max_cost=cap, halt_on_drift=options["halt_on_drift"], say=partial(say, err=True))
    batches = batches_of(options, "LLM", [one.name for one in endpoints])
    if not options["batch_results"]:
        check_ready(endpoints, settings if options["pilot"] else replace(settings, batches=batches))
    existed = folder.is_dir()
    with _new(folder), RunJournal(folder) as journal, _begun(folder, new=not existed):
        if _record(folder) != known:  # the settings and the cap of the run were read before this process had the lock
            raise InputError(f"{folder}: another process has changed the run. Remedy: start the same command again")
        run = asked_run(folder, endpoints, options, into=folder, journal=journal, max_cost=settings.max_cost)
        say_lost(journal)
        in_file = read_llms_file(options["llms"]) if options["llms"] is not None else []  # also those that --only leaves out
        journal.know_prices([*run.with_prices(), *in_file, *endpoints])
        for line in journal.worth.notes() if settings.max_cost is not None else ():
            say(line, err=True)
        work = _work(run, folder, endpoints, options)
        if options["pilot"] and (status := _pilot(work, journal, settings, folder, options)) is not None:
            return status
        if options["batch_results"]:
            return take(work, journal, settings, folder, options)
        if _is_divided(options):
            from llmfusionbench.builders.collecting.crew import collect_in_parts

            outcome = collect_in_parts(work, journal, settings, engine=engine, workers=options["workers"] or _TASKS)
        else:
            outcome = collect(work, journal, replace(settings, batches=batches), again=getattr(work, "again", None))
        return report(outcome, work, folder, options)


def _is_divided(options: dict[str, Any]) -> bool:
    """Whether the calls are made by other processes than this one."""
    return options["engine"] != "local" or (options["workers"] or 1) > 1


def _record(folder: Path) -> bytes | None:
    """What `run.json` holds; None without one."""
    from llmfusionbench.builders.reading.run_files import RUN

    return (folder / RUN).read_bytes() if (folder / RUN).is_file() else None


def _cap(folder: Path, options: dict[str, Any]) -> float | None:
    """The cap on the cost: the one of the option, or else the one that the run keeps."""
    from llmfusionbench.builders.collecting.budget import Budget
    from llmfusionbench.builders.collecting.collect import today
    from llmfusionbench.builders.collecting.run import Run
    from llmfusionbench.builders.reading.run_files import RUN

    given: float | str | None = options["max_cost"]
    if isinstance(given, float):
        Budget(given, (), today=today)  # refuses what is not an amount
        return given
    kept = Run.read(folder).max_cost if given is None and (folder / RUN).is_file() else None
    if kept is not None:
        say(f"--max-cost of the run counts: {kept:g} USD. Another value replaces it, --max-cost none removes it.", err=True)
    return kept


@contextmanager
def _new(folder: Path) -> Iterator[None]:
    """Makes the directory of a run; removes it again if it stays empty."""
    existed = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if not existed and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _begun(folder: Path, *, new: bool) -> Iterator[None]:
    """Takes back what a new run is asked for if an error comes before anything is asked, so that it can be corrected.

    This process has the lock of the run, and only so may it remove files. Of a directory that is new, it removes them all.
    """
    from llmfusionbench.builders.reading.run_files import JOURNAL, LOCK, QUERIES, RUN

    keeps = (folder / RUN).is_file()
    try:
        yield
        keeps = True
    finally:
        if not keeps and not (folder / JOURNAL).stat().st_size:
            for name in (RUN, QUERIES, *((JOURNAL, LOCK) if new else ())):
                (folder / name).unlink(missing_ok=True)


def _endpoints(folder: Path, options: dict[str, Any]) -> list[Endpoint]:
    """The LLMs to ask now: those of the file, or of the run, with what the options set for all."""
    from llmfusionbench.builders.collecting.llms_file import read_llms_file
    from llmfusionbench.builders.collecting.run import Run, with_max_tokens
    from llmfusionbench.builders.reading.run_files import RUN

    if options["llms"] is not None:
        found = read_llms_file(options["llms"])
        if options["max_tokens"] and not options["retry"]:
            found = [with_max_tokens(one, options["max_tokens"]) for one in found]
        if options["stream"]:
            found = [replace(one, stream=True) for one in found]
    elif (folder / RUN).is_file():
        if options["stream"] or (options["max_tokens"] and not options["retry"]):
            raise click.UsageError("--stream and --max-tokens change how LLMs are asked. Name their file with --llms.")
        found = Run.read(folder).endpoints()
    else:
        raise click.UsageError(f"{folder} is not a run yet. Name the file of LLMs with --llms, and --tasks or --prompts.")
    only = known_names(options["only"], "LLM", [one.name for one in found])
    return [one for one in found if not only or one.name in only]


def _work(run: Run, folder: Path, endpoints: Sequence[Endpoint], options: dict[str, Any]) -> Any:
    """The calls: all of the run, or those that ask again."""
    from llmfusionbench.builders.collecting.plan import Plan
    from llmfusionbench.builders.collecting.retry import Retry
    from llmfusionbench.errors import UnknownNameError

    for one in endpoints:
        if one.name not in run.modes:
            raise UnknownNameError("LLM of the run", one.name, run.modes)
    if options["retry"]:
        return Retry(run, endpoints, names_in((options["retry"],)), options["max_tokens"])
    return Plan(run, tuple(endpoints))


def _pilot(work: Plan, journal: RunJournal, settings: Any, folder: Path, options: dict[str, Any]) -> int | None:
    """Make some calls, and show what the others will take; the exit status, or None to go on."""
    from llmfusionbench.builders.collecting.collect import collect
    from llmfusionbench.builders.collecting.run_forecast import forecast_of, pilot_of

    sample = pilot_of(work, journal, options["pilot"])
    outcome = collect(sample, journal, settings)
    with forecast_progress(work.counts()) as tell:
        found = forecast_of(work, folder, batch=options["batch"], progress=tell)
    show_forecast(found)
    if outcome.left or outcome.result.stopped is not None:
        return report(outcome, sample, folder, options)
    if options["yes"] or (sys.stdin.isatty() and click.confirm("Go on with all calls?", err=True)):
        return None
    say(f"Stopped after the pilot. Go on with: {go_on(folder, options)}")
    return 0
