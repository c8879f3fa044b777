"""What `llmfusionbench collect` is asked for: the tasks, the queries and the LLMs, which make or extend a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from llmfusionbench.cli.call_options import names_in
from llmfusionbench.cli.console import say
from llmfusionbench.cli.mapping import pair

if TYPE_CHECKING:
    from llmfusionbench.builders.collecting.endpoint import Endpoint
    from llmfusionbench.builders.collecting.journal import RunJournal
    from llmfusionbench.builders.collecting.run import Run
    from llmfusionbench.builders.tasks.query import Query

ASKS: Final = ("tasks", "own_tasks", "prompts", "task_files", "limit", "split", "seed", "mode", "replicates", "stream")
"""Options that say what a run is asked for."""


def asked_run(
    folder: Path,
    endpoints: Sequence[Endpoint],
    options: dict[str, Any],
    *,
    into: Path,
    journal: RunJournal | None = None,
    max_cost: float | None = None,
) -> Run:
    """The run with what the options ask for; without its journal, files are written for a look only."""
    from llmfusionbench.builders.collecting.run import Request, Run, extend
    from llmfusionbench.builders.known.tasks import canonical_task
    from llmfusionbench.builders.reading.run_files import RUN
    from llmfusionbench.release.card_text import counted

    is_run = (folder / RUN).is_file()
    before = Run.read(folder) if is_run else None
    names = _tasks(options, before.record["tasks"] if before else ())
    if not is_run and not names and options["prompts"] is None:
        raise click.UsageError("Nothing to ask. Name --tasks, --own-tasks or --prompts.")
    if options["retry"] or (before and options["llms"] is None and not any(options[name] for name in ASKS)):
        found = before or Run.read(folder)
        found.check_queries()
        return found if journal is None else found.with_cap(max_cost)
    earlier = [mode for found in before.modes.values() for mode in found] if before else []
    modes = names_in((options["mode"] or "",)) or list(dict.fromkeys(earlier)) or ["direct"]
    request = Request(
        selected={canonical_task(name): options["seed"] or 0 for name in names},
        modes=modes,
        replicates=options["replicates"] or 1,
        endpoints=endpoints,
        max_cost=max_cost,
    )
    queries = _queries(names, list(dict.fromkeys((*modes, *earlier))), before.commits if before else {}, options)
    run, added = extend(folder, request, *queries, into=into, journal=journal)
    for llm, difference in added.changed.items():
        say(f"Note: {llm}, which has no answers, is asked with other settings from now on: {difference}.", err=True)
    new = f", {added.new:,} of them new" if before and added.new else ""
    say(f"{folder}: {counted(added.total, 'query', 'queries')}{new}, {counted(len(run.record['llms']), 'LLM')}.", err=True)
    return run


def _tasks(options: dict[str, Any], before: Collection[str]) -> list[str]:
    """The tasks that are named, all of them for `all`; `before` are those that the run asks already."""
    from llmfusionbench.builders.known.tasks import canonical_task
    from llmfusionbench.builders.tasks import CATALOG
    from llmfusionbench.builders.tasks.own_tasks import read_tasks

    names = names_in((options["tasks"] or "",))
    own = list(read_tasks(options["own_tasks"])) if options["own_tasks"] is not None else []
    if "all" in names:
        return list(dict.fromkeys([*CATALOG, *own, *(name for name in names if name != "all")]))
    asked = {*names, *map(canonical_task, names), *before}
    if names and (others := [name for name in own if name not in asked]):
        are = f"task {others[0]} is" if len(others) == 1 else f"tasks {', '.join(others)} are"
        say(
            f"Note: {options['own_tasks']}: {are} not asked, since --tasks does not name "
            f"{'it' if len(others) == 1 else 'them'}. Remedy: add --tasks {','.join([*names, *others])}, or drop --tasks to "
            "ask all tasks of this file",
            err=True,
        )
    return names or own


def _queries(
    names: list[str], modes: list[str], commits: dict[str, str], options: dict[str, Any]
) -> tuple[Iterator[Query], Iterator[Query]]:
    """The queries of the tasks, and the plain prompts. `commits` has those of data sets that the run has read."""
    from llmfusionbench.builders.known.tasks import canonical_task
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
    named = [canonical_task(task) for task, _ in pairs]
    if twice := [task for task in named if named.count(task) > 1]:
        raise click.UsageError(f"--task-file names two files for {twice[0]}. Give one of them.")
    given: dict[str, Any] = {"seed": options["seed"] or 0, "limit": options["limit"], "split": options["split"], "modes": modes}
    given |= {"rejected": leave_out, "note": lambda line: say(f"Note: {line}", err=True)}
    tasks = chosen(names, files=files, own=options["own_tasks"], commits=commits, **given)
    plain = chosen((), prompts=options["prompts"], **given) if options["prompts"] is not None else iter(())
    return counted_out(tasks), counted_out(plain)
