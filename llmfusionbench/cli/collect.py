"""`llmfusionbench collect`."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmfusionbench.cli.call_options import call_options, check_batches
from llmfusionbench.cli.collect_report import go_on, report, say_lost, show_forecast, take
from llmfusionbench.cli.console import say
from llmfusionbench.cli.mapping import pair
from llmfusionbench.cli.options import out_path

if TYPE_CHECKING:
    from llmfusionbench.builders.collecting.collect import Work
    from llmfusionbench.builders.collecting.endpoint import Endpoint
    from llmfusionbench.builders.collecting.journal import RunJournal
    from llmfusionbench.builders.collecting.run import Run
    from llmfusionbench.builders.tasks.query import Query

_ASKS = ("tasks", "own_tasks", "prompts", "task_files", "limit", "split", "seed", "mode", "replicates", "stream")
"""Options that say what a run is asked for."""


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
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Most tokens of an answer, of every LLM.")
@click.option("--stream", is_flag=True, help="Have answers streamed, which measures the time to the first token.")
@click.option("--max-cost", type=float, metavar="USD", help="Maximum cost of the whole run, USD; needs the prices of all LLMs.")
@click.option("--dry-run", is_flag=True, help="Forecast requests, tokens, cost and time; ask and write nothing.")
@click.option("--pilot", type=click.IntRange(min=1), metavar="N", help="First ask N queries per LLM and mode, and forecast.")
@click.option("--yes", is_flag=True, help="Go on after the pilot without a question.")
@call_options
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
    if options["retry"] and (given := [name for name in _ASKS if options[name]]):
        raise click.UsageError(f"--retry asks for nothing new: drop --{given[0].replace('_', '-')}.")
    if options["pilot"] and (options["retry"] or options["dry_run"]):
        raise click.UsageError("--pilot goes with neither --retry nor --dry-run.")
    check_batches(options, ("retry", "dry_run", "pilot"))
    if options["yes"] and not options["pilot"]:
        raise click.UsageError("--yes needs --pilot.")
    return _collect(folder, options)


def _collect(folder: Path, options: dict[str, Any]) -> int:
    from llmfusionbench.builders.collecting.collect import Settings, check_ready, collect, forecast_of
    from llmfusionbench.builders.collecting.journal import RunJournal
    from llmfusionbench.builders.collecting.run import check_folder

    check_folder(folder)
    endpoints = _endpoints(folder, options)
    if options["dry_run"]:
        with tempfile.TemporaryDirectory() as scratch:
            run = _asked(folder, endpoints, options, into=Path(scratch))
            work = _work(run, folder, endpoints, options)
            show_forecast(forecast_of(work, folder, batch=options["batch"]))
        say("Nothing was asked.")
        return 0
    settings = Settings(max_cost=options["max_cost"], halt_on_drift=options["halt_on_drift"], say=partial(say, err=True))
    batches = _batches(options, endpoints)
    if not options["batch_results"]:
        check_ready(endpoints, settings if options["pilot"] else replace(settings, batches=batches))
    with _new(folder), RunJournal(folder) as journal, _begun(folder):
        run = _asked(folder, endpoints, options, into=folder)
        say_lost(journal)
        work = _work(run, folder, endpoints, options)
        if options["pilot"] and (status := _pilot(work, journal, settings, folder, options)) is not None:
            return status
        if options["batch_results"]:
            return take(work, journal, settings, folder, options)
        outcome = collect(work, journal, replace(settings, batches=batches), again=getattr(work, "again", None))
        return report(outcome, work, folder, options)


@contextmanager
def _new(folder: Path) -> Iterator[None]:
    """Makes the directory of a run; removes it again if nothing came to be in it."""
    from llmfusionbench.builders.reading.run_files import JOURNAL, LOCK, QUERIES, RUN

    existed = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if not existed and not (folder / RUN).is_file():
            for name in (JOURNAL, QUERIES, LOCK):
                (folder / name).unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()


@contextmanager
def _begun(folder: Path) -> Iterator[None]:
    """Takes back what a new run is asked for if an error comes before anything is asked, so that it can be corrected."""
    from llmfusionbench.builders.reading.run_files import JOURNAL, QUERIES, RUN

    keeps = (folder / RUN).is_file()
    try:
        yield
        keeps = True
    finally:
        if not keeps and not (folder / JOURNAL).stat().st_size:
            for name in (RUN, QUERIES):
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
    only = _llms(options["only"], found)
    return [one for one in found if not only or one.name in only]


def _llms(texts: Sequence[str], endpoints: Sequence[Endpoint]) -> list[str]:
    """The names of LLMs that an option gives."""
    from llmfusionbench.errors import UnknownNameError

    names, known = _names(texts), [one.name for one in endpoints]
    for name in names:
        if name not in known:
            raise UnknownNameError("LLM", name, known)
    return names


def _batches(options: dict[str, Any], endpoints: Sequence[Endpoint]) -> Any:
    """How batches are handled; None without --batch."""
    from llmfusionbench.builders.collecting.collect import Batches

    files = frozenset(_llms(options["batch_files"], endpoints))
    return Batches(wait=not options["no_wait"], files=files) if options["batch"] else None


def _asked(folder: Path, endpoints: Sequence[Endpoint], options: dict[str, Any], *, into: Path) -> Run:
    """The run with what the options ask for."""
    from llmfusionbench.builders.collecting.run import Request, Run, extend
    from llmfusionbench.builders.known.tasks import canonical_task
    from llmfusionbench.builders.reading.run_files import RUN
    from llmfusionbench.release.card_text import counted

    is_run = (folder / RUN).is_file()
    names = _tasks(options)
    if not is_run and not names and options["prompts"] is None:
        raise click.UsageError("Nothing to ask. Name --tasks, --own-tasks or --prompts.")
    if options["retry"] or (is_run and options["llms"] is None and not any(options[name] for name in _ASKS)):
        return Run.read(folder)
    before = Run.read(folder) if is_run else None
    earlier = [mode for found in before.modes.values() for mode in found] if before else []
    modes = _names((options["mode"] or "",)) or list(dict.fromkeys(earlier)) or ["direct"]
    request = Request(
        selected={canonical_task(name): options["seed"] or 0 for name in names},
        modes=modes,
        replicates=options["replicates"] or 1,
        endpoints=endpoints,
    )
    queries = _queries(names, list(dict.fromkeys((*modes, *earlier))), options)
    run, added = extend(folder, request, *queries, into=into)
    new = f", {added.new:,} of them new" if before and added.new else ""
    say(f"{folder}: {counted(added.total, 'query', 'queries')}{new}, {counted(len(run.record['llms']), 'LLM')}.", err=True)
    return run


def _tasks(options: dict[str, Any]) -> list[str]:
    """The tasks that are named, all of them for `all`."""
    from llmfusionbench.builders.tasks import CATALOG
    from llmfusionbench.builders.tasks.own_tasks import read_tasks

    names = _names((options["tasks"] or "",))
    own = list(read_tasks(options["own_tasks"])) if options["own_tasks"] is not None else []
    if "all" in names:
        return list(dict.fromkeys([*CATALOG, *own, *(name for name in names if name != "all")]))
    return names or own


def _queries(names: list[str], modes: list[str], options: dict[str, Any]) -> tuple[Iterator[Query], Iterator[Query]]:
    """The queries of the tasks, and the plain prompts."""
    from llmfusionbench.builders.records import Rejected
    from llmfusionbench.builders.tasks.chosen import chosen

    left: Counter[str] = Counter()

    def leave_out(one: Rejected) -> None:
        left[one.file] += 1
        if left[one.file] == 1:
            say(f"Note: {one.file} row {one.row} is left out: {one.reason}. Others of this file are counted.", err=True)

    def counted_out(queries: Iterator[Query]) -> Iterator[Query]:
        yield from queries
        for file, count in left.items():
            if count > 1:
                say(f"Note: {file}: {count:,} rows are left out.", err=True)
        left.clear()

    pairs = [pair(text, "--task-file") for text in options["task_files"]]
    files = {task: Path(path) for task, path in pairs}
    if twice := [task for task, _ in pairs if [name for name, _ in pairs].count(task) > 1]:
        raise click.UsageError(f"--task-file names two files for {twice[0]}. Give one of them.")
    given = {"seed": options["seed"] or 0, "limit": options["limit"], "split": options["split"], "modes": modes}
    tasks = chosen(names, files=files, own=options["own_tasks"], rejected=leave_out, **given)
    plain = chosen((), prompts=options["prompts"], rejected=leave_out, **given) if options["prompts"] is not None else iter(())
    return counted_out(tasks), counted_out(plain)


def _work(run: Run, folder: Path, endpoints: Sequence[Endpoint], options: dict[str, Any]) -> Any:
    """The calls: all of the run, or those that ask again."""
    from llmfusionbench.builders.collecting.plan import Plan
    from llmfusionbench.builders.collecting.retry import Retry
    from llmfusionbench.errors import UnknownNameError

    for one in endpoints:
        if one.name not in run.modes:
            raise UnknownNameError("LLM of the run", one.name, run.modes)
    if options["retry"]:
        return Retry(run, endpoints, _names((options["retry"],)), options["max_tokens"])
    return Plan(run, tuple(endpoints))


def _pilot(work: Work, journal: RunJournal, settings: Any, folder: Path, options: dict[str, Any]) -> int | None:
    """Make some calls, and show what the others will take; the exit status, or None to go on."""
    from llmfusionbench.builders.collecting.collect import collect, forecast_of, pilot_of

    sample = pilot_of(work, journal, options["pilot"])
    outcome = collect(sample, journal, settings)
    show_forecast(forecast_of(work, folder, batch=options["batch"]))
    if outcome.left:
        return report(outcome, sample, folder, options)
    if options["yes"] or (sys.stdin.isatty() and click.confirm("Go on with all calls?", err=True)):
        return None
    say(f"Stopped after the pilot. Go on with: {go_on(folder, options)}")
    return 0


def _names(texts: Sequence[str]) -> list[str]:
    """The names in lists that commas separate."""
    return list(dict.fromkeys(name for text in texts for part in text.split(",") if (name := part.strip())))
