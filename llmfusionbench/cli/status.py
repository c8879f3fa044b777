"""`llmfusionbench status`."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from llmfusionbench.cli.console import say, say_json
from llmfusionbench.cli.options import ReleaseOut
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import public_url

if TYPE_CHECKING:
    from llmfusionbench.release.run_status import RunStatus
    from llmfusionbench.storage.kinds import DirectoryKind

_STATES: Final = {
    "running": "running",
    "stopped": "stopped by the user",
    "failed": "failed",
    "killed": "ended without a word: it was killed, or its machine stopped",
    "unfinished": "not complete: it runs, or was killed, since a store has no locks that tell",
    "idle": "not running",
}


@click.command(name="status")
@click.argument("run", type=ReleaseOut(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
def command(run: Path | str, as_json: bool) -> int:
    """Show how far RUN is: shards or calls done and failed, with the reason, rate, time left, and how to resume it.

    RUN is the --out of a build, rescore or tokens that runs, was interrupted or is done, also at a URL, or the directory of a
    collect run.
    Nothing in it is changed. What is complete, such as a release, is named.

    The exit status is 1 if a run has failed, or if there is no run.

    \b
    Example:
      llmfusionbench status my-release
    """
    from llmfusionbench.release.run_status import status_document

    result, runs = _found(run) if isinstance(run, Path) else _found_far(run)
    run = run if isinstance(run, Path) else public_url(run)
    if result is None and not runs:
        raise InputError(
            f"{run}: no run is there, and nothing that llmfusionbench wrote. "
            "Remedy: name the --out of a build, rescore or tokens, or the directory of a collect run"
        )
    if as_json:
        say_json(status_document(str(run), result, runs))
    else:
        if result is not None:
            say(f"{run}: a {result}, which is complete.")
        for one in runs:
            _show(run, one)
    return int(any(one.state == "failed" for one in runs))


def _found(run: Path) -> tuple[str | None, list[RunStatus]]:
    """What is complete at a place, and the runs that make it."""
    from llmfusionbench.builders.collecting.run_status import collect_status
    from llmfusionbench.builders.reading.run_files import RUN
    from llmfusionbench.release.run_record import works_of
    from llmfusionbench.release.run_status import run_status

    place = Path(os.path.realpath(run))
    runs = [status for work in (place, *works_of(place)) if (status := run_status(work)) is not None]
    is_filled = place.is_dir() and any(place.iterdir())
    result = next((kind.name for kind in _kinds() if kind.is_one(place)), None) if is_filled else None
    if result is None and not runs and (place / RUN).is_file():
        runs.append(collect_status(run))
    return result, runs


def _found_far(url: str) -> tuple[str | None, list[RunStatus]]:
    """The same for a place in a store."""
    from llmfusionbench.release.far_status import far_status
    from llmfusionbench.release.writer import RELEASE

    is_complete, runs = far_status(url)
    return RELEASE.name if is_complete else None, runs


def _kinds() -> list[DirectoryKind]:
    """What a command can have written."""
    from llmfusionbench.auditing.result import AUDIT
    from llmfusionbench.baselines.exporters.corpora.corpus import CORPUS_DIRECTORY
    from llmfusionbench.baselines.exporters.eee.export import EXPORT as EEE
    from llmfusionbench.baselines.exporters.routing.export import EXPORT as ROUTING
    from llmfusionbench.builders.simulation.csvlog import LOG
    from llmfusionbench.evaluation.report.report import REPORT, REPORTS
    from llmfusionbench.release.writer import RELEASE

    return [RELEASE, AUDIT, REPORT, REPORTS, CORPUS_DIRECTORY, ROUTING, EEE, LOG]


def _show(run: Path | str, one: RunStatus) -> None:
    """Print the status of a run."""
    from llmfusionbench.release.run_status import text_of

    where = "" if one.pid is None else f", process {one.pid} on {one.host}"
    since = "" if one.started is None else f", started {text_of(one.started)}"
    say(f"{run}: {one.command}, {_STATES[one.state]}{since}{where}.")
    if one.options:
        say(f"  Options: {json.dumps(dict(one.options), ensure_ascii=False)}")
    if one.stage is not None:
        say(f"  Stage: {one.stage}")
    total = "" if one.total is None else f" of {one.total:,}"
    say(f"  {one.unit.capitalize()}: {one.done:,}{total} done, {one.failed:,} failed")
    for failure in one.failures:
        many = f"{failure.count:,} times: " if failure.count > 1 else ""
        say(f"  Failed: {f'{failure.what}: ' if failure.what else ''}{many}{failure.reason}")
        if failure.log is not None:
            say(f"  Log: {failure.log}")
    if one.rate is not None:
        rows = "" if one.rate.rows_per_minute is None else f" and {one.rate.rows_per_minute:,.0f} rows"
        say(f"  Rate: {one.rate.per_minute:,.1f} {one.unit}{rows} per minute ({one.rate.basis})")
    if one.seconds_left is not None:
        runs = "" if one.state == "running" else ", if it runs"
        say(f"  Time left: about {one.seconds_left / 60:,.1f} minutes, at this rate{runs}")
    say(f"  Kept in: {one.place}")
    if one.state == "running":
        return
    if one.resume is None:
        say("  " + ("All calls have an outcome." if one.unit == "calls" else "Resume it with the same call from Python."))
    else:
        place = "" if one.directory is None else f"cd {shlex.quote(one.directory)} && "
        say(f"  Resume it with: {place}{one.resume}")
