"""What `llmfusionbench collect` prints: forecasts, what earlier runs left, and what came of a run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmfusionbench.cli.console import error_line, say, show_table

_KEPT: Final = ("retry", "only", "batch", "batch_files", "no_wait", "halt_on_drift", "max_cost")
"""Options of a command that the next one needs again."""
_HIGHER: Final = "HIGHER"
"""In place of a cap that is reached."""

if TYPE_CHECKING:
    from llmfusionbench.builders.collecting.collect import Outcome, Settings, Work
    from llmfusionbench.builders.collecting.forecast import Forecast
    from llmfusionbench.builders.collecting.journal import RunJournal


def go_on(folder: Path, options: dict[str, Any], *, only_cap: bool = False) -> str:
    """The command that goes on with a run, with the options that a run does not keep; `only_cap`: with the cap alone."""
    words = ["llmfusionbench", "collect", str(folder)]
    names = ("max_cost",) if only_cap else _KEPT
    for name in (*names, "max_tokens") if options["retry"] and not only_cap else names:
        flag, value = f"--{name.replace('_', '-')}", options[name]
        if isinstance(value, tuple):
            words += [word for one in value for word in (flag, one)]
        elif value is not None and value is not False:
            words += [flag] if value is True else [flag, str(value)]
    return shlex.join(words)


def take(work: Work, journal: RunJournal, settings: Settings, folder: Path, options: dict[str, Any]) -> int:
    """Take results from files, and print what is left; the exit status."""
    from llmfusionbench.builders.collecting.collect import take_results

    outcome = take_results(options["batch_results"], work, journal, settings)
    if not outcome.left:
        return report(outcome, work, folder, options)
    say(f"{outcome.left:,} calls have no outcome yet. Go on with: {go_on(folder, options)}")
    return 0


def show_forecast(found: Forecast) -> None:
    """Print a forecast, and what its figures mean."""
    rows = found.table()
    show_table(rows.title, rows.header, rows.rows)
    for line in found.notes():
        say(line)


def say_lost(journal: RunJournal) -> None:
    """Report what earlier runs left."""
    if found := journal.lost_without_answer:
        worst = sum(lost.worst_usd for lost in found)
        cost = f", for {worst:.4f} USD at most" if worst else ""
        say(
            f"Note: {len(found):,} attempts were in flight when an earlier run ended. Their answers are lost, and "
            f"may have been paid for{cost}. They are asked again.",
            err=True,
        )
    if journal.state.damaged:
        say(f"Warning: {journal.state.damaged:,} lines of the journal are damaged, and count as not asked.", err=True)


def report(outcome: Outcome, work: Any, folder: Path, options: dict[str, Any]) -> int:
    """Print what came of the run; the exit status."""
    from llmfusionbench.builders.collecting.plan import Plan

    result, name = outcome.result, shlex.quote(str(folder))
    if outcome.asked:
        show_table(outcome.summary.title, outcome.summary.header, outcome.summary.rows)
    else:
        say("Nothing was left to ask.")
    for line in outcome.failures:
        say(f"Warning: {line}", err=True)
    if outcome.failures:
        say(f"Failed calls are asked again with: llmfusionbench collect --retry error {name}", err=True)
    for llm, served in result.drift.items():
        say(f"Warning: {llm} was answered by {', '.join(served)}.", err=True)
    if enough := len(getattr(work, "enough", ())):
        say(f"Note: {enough:,} answers are cut off at this maximum of tokens or a higher one. Remedy: raise --max-tokens")
    if outcome.left or outcome.more:
        left = f"{outcome.left:,} calls" if not outcome.more else f"more than {outcome.left:,} calls"
        error_line(
            f"{folder}: stopped, {left} have no outcome ({_why(outcome)}). All answers so far are kept. "
            f"Remedy: go on with {go_on(folder, options | {'max_cost': _HIGHER} if result.is_spent else options)}"
        )
        return 1
    if isinstance(work, Plan) and len(work.endpoints) == len(work.run.modes):
        say("All calls have an outcome.")
    else:
        say(f"No call of this kind is left. The rest of the run: {go_on(folder, options, only_cap=True)}")
    say(f"Make a release of the answers: llmfusionbench build collected {name} --out DIR")
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
