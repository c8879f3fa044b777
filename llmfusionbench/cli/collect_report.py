"""What `llmfusionbench collect` prints: forecasts, what earlier runs left, and what came of a run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmfusionbench.cli.console import error_line, say, show_table
from llmfusionbench.release.card_text import counted

_KEPT: Final = ("retry", "only", "batch", "batch_files", "no_wait", "halt_on_drift", "workers")
"""Options of a command that the next one needs again."""
_HIGHER: Final = "HIGHER"
"""In place of a cap that is reached."""
_ROOM: Final = "free space on this disk, then "
"""What a journal needs that took no more lines."""
_CORRECT: Final = "; if the file of LLMs is wrong, correct it and name it again with --llms"
"""What helps an LLM that refuses all calls."""

if TYPE_CHECKING:
    from llmfusionbench.builders.collecting.collect import Outcome, Settings, Work
    from llmfusionbench.builders.collecting.forecast_table import Forecast
    from llmfusionbench.builders.collecting.journal import RunJournal


def go_on(folder: Path, options: dict[str, Any], *, higher_cap: bool = False) -> str:
    """The command that goes on with a run, with the options that a run does not keep; `higher_cap`: and with another cap."""
    words = ["llmfusionbench", "collect", str(folder)]
    for name in (*_KEPT, "max_tokens") if options["retry"] else _KEPT:
        flag, value = f"--{name.replace('_', '-')}", options[name]
        if isinstance(value, tuple):
            words += [word for one in value for word in (flag, one)]
        elif value is not None and value is not False:
            words += [flag] if value is True else [flag, str(value)]
    words += [] if options["engine"] == "local" else ["--engine", options["engine"]]
    return shlex.join([*words, "--max-cost", _HIGHER] if higher_cap else words)


def _to_go_on(outcome: Outcome, folder: Path, options: dict[str, Any]) -> str:
    """What ends with the rest of the calls having an outcome: the command to go on with, and what it needs done before."""
    places = outcome.places
    if outcome.left == places.in_files + places.lost and not (outcome.more or options["batch"]):
        options = options | {"batch": True, "batch_files": tuple(places.llms)}
    command = f"go on with {go_on(folder, options, higher_cap=outcome.result.is_spent)}"
    if not places.in_files:
        return command
    return f"run vllm run-batch on {places.these_files}, then {command} (--batch-results FILE takes results from another place)"


def take(work: Work, journal: RunJournal, settings: Settings, folder: Path, options: dict[str, Any]) -> int:
    """Take results from files, and print what is left; the exit status."""
    from llmfusionbench.builders.collecting.collect import take_results

    outcome = take_results(options["batch_results"], work, journal, settings)
    if not outcome.left:
        return report(outcome, work, folder, options)
    have, why = "has" if outcome.left == 1 else "have", "; ".join(outcome.places.reasons())
    left = f"{counted(outcome.left, 'call')} {have} no outcome yet{f' ({why})' if why else ''}"
    then = _to_go_on(outcome, folder, options)
    say(f"{left}. {then[0].upper()}{then[1:]}")
    return 0


def show_forecast(found: Forecast) -> None:
    """Print a forecast, and what its figures mean."""
    rows = found.table()
    show_table(rows.title, rows.header, rows.rows)
    for line in found.notes():
        say(line)


def say_lost(journal: RunJournal) -> None:
    """Report what earlier runs left."""
    from llmfusionbench.builders.collecting.lost import lost_lines

    for line in lost_lines(journal):
        say(line, err=True)


def report(outcome: Outcome, work: Any, folder: Path, options: dict[str, Any]) -> int:
    """Print what came of the run; the exit status."""
    from llmfusionbench.builders.collecting.plan import Plan
    from llmfusionbench.builders.collecting.result import NO_ROOM, NO_ROOM_YET
    from llmfusionbench.builders.collecting.retry import Retry

    result, name = outcome.result, shlex.quote(str(folder))
    if outcome.asked:
        show_table(outcome.summary.title, outcome.summary.header, outcome.summary.rows)
    else:
        say("Nothing was left to ask.")
    for line in outcome.failures:
        say(f"Warning: {line}", err=True)
    if outcome.failures:
        say(f"Failed calls are asked again with: llmfusionbench collect --retry error {name}", err=True)
    if enough := len(getattr(work, "enough", ())):
        are = "is" if enough == 1 else "are"
        say(
            f"Note: {counted(enough, 'answer')} {are} cut off at this maximum of tokens or a higher one. "
            "Remedy: raise --max-tokens"
        )
    if outcome.left or outcome.more or outcome.full:
        one = outcome.left == 1 and not outcome.more
        left = counted(outcome.left, "call") if not outcome.more else f"more than {counted(outcome.left, 'call')}"
        correct = "" if outcome.full or all(reason in (NO_ROOM, NO_ROOM_YET) for reason in result.closed.values()) else _CORRECT
        error_line(
            f"{folder}: stopped, {left} {'has' if one else 'have'} no outcome ({_why(outcome)}). All answers so far are kept. "
            f"Remedy: {_ROOM if outcome.full else ''}{_to_go_on(outcome, folder, options)}{correct}"
        )
        return 1
    if result.stopped is not None:
        error_line(f"{folder}: stopped ({result.stopped}). All answers are kept. Remedy: go on with {go_on(folder, options)}")
        return 1
    if isinstance(work, Retry) and result.failed:
        again = " again" if set(work.kinds) == {"error"} else ""
        say(f"{counted(result.failed, 'call')} failed{again}. The rest of the run: llmfusionbench collect {name}")
    elif isinstance(work, Plan) and len(work.endpoints) == len(work.run.modes):
        say("All calls have an outcome.")
    else:
        say(f"No call of this kind is left. The rest of the run: llmfusionbench collect {name}")
    say(f"Make a release of the answers: llmfusionbench build collected {name} --out DIR")
    return 0


def _why(outcome: Outcome) -> str:
    result = outcome.result
    reasons = [result.stopped] if result.stopped else []
    reasons += [f"{llm}: {reason}" for llm, reason in result.closed.items()]
    return "; ".join([*reasons, *outcome.places.reasons()]) or "the journal has no final line for them"
