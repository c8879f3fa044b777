"""What `llmfusionbench collect` prints: forecasts, what earlier runs left, and what came of a run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmfusionbench.cli.console import error_line, say, show_table

if TYPE_CHECKING:
    from llmfusionbench.builders.collecting.collect import Outcome, Settings, Work
    from llmfusionbench.builders.collecting.forecast import Forecast
    from llmfusionbench.builders.collecting.journal import RunJournal


def take(paths: Sequence[Path], work: Work, journal: RunJournal, settings: Settings, folder: Path) -> int:
    """Take results from files, and print what is left; the exit status."""
    from llmfusionbench.builders.collecting.collect import take_results

    outcome = take_results(paths, work, journal, settings)
    if not outcome.left:
        return report(outcome, work, folder)
    say(f"{outcome.left:,} calls have no outcome yet. Go on with: llmfusionbench collect {shlex.quote(str(folder))}")
    return 0


def show_forecast(found: Forecast) -> None:
    """Print a forecast, and what its figures mean."""
    rows = found.table()
    show_table(rows.title, rows.header, rows.rows)
    for line in found.notes():
        say(line)


def say_lost(journal: RunJournal) -> None:
    """Report what earlier runs left."""
    if journal.in_flight_lost:
        worst = sum(lost.worst_usd for lost in journal.lost)
        cost = f", for {worst:.4f} USD at most" if worst else ""
        say(
            f"Note: {journal.in_flight_lost:,} attempts were in flight when an earlier run ended. Their answers are lost, and "
            f"may have been paid for{cost}.",
            err=True,
        )
    if journal.state.damaged:
        say(f"Warning: {journal.state.damaged:,} lines of the journal are damaged, and count as not asked.", err=True)


def report(outcome: Outcome, work: Any, folder: Path, how: Sequence[str] = ()) -> int:
    """Print what came of the run, which was asked with the options `how`; the exit status."""
    result, name = outcome.result, shlex.quote(str(folder))
    go_on = shlex.join([*how, str(folder)])
    if outcome.asked:
        show_table(outcome.summary.title, outcome.summary.header, outcome.summary.rows)
    else:
        say("Nothing was left to ask.")
    for llm, served in result.drift.items():
        say(f"Warning: {llm} was answered by {', '.join(served)}.", err=True)
    if enough := len(getattr(work, "enough", ())):
        say(f"Note: {enough:,} answers are cut off at this maximum of tokens or a higher one. Remedy: raise --max-tokens")
    if outcome.left or outcome.more:
        left = f"{outcome.left:,} calls" if not outcome.more else f"more than {outcome.left:,} calls"
        error_line(
            f"{folder}: stopped, {left} have no outcome ({_why(outcome)}). All answers so far are kept. "
            f"Remedy: go on with llmfusionbench collect {go_on}"
        )
        return 1
    say(f"All calls have an outcome. Make a release of them: llmfusionbench build collected {name} --out DIR")
    return 0


def _why(outcome: Outcome) -> str:
    result = outcome.result
    reasons = [result.stopped] if result.stopped else []
    reasons += [f"{llm}: {reason}" for llm, reason in result.closed.items()]
    files = getattr(result, "files", ())
    reasons += [f"{len(files):,} files of requests wait for vllm run-batch"] if files else []
    if at_provider := result.in_batches - getattr(result, "in_files", 0):
        reasons.append(f"{at_provider:,} of them are in batches of the provider")
    return "; ".join(reasons) or "the journal has no final line for them"
