"""Files of results that the user hands in: those of `vllm run-batch`, or those that were downloaded from a provider by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from llmfusionbench.builders.collecting.batch_ledger import Ledger
from llmfusionbench.builders.collecting.batch_results import results_of
from llmfusionbench.builders.collecting.batch_run import BatchResult
from llmfusionbench.builders.collecting.batch_states import TAKEN, Batch
from llmfusionbench.builders.collecting.batch_taking import NOT_MADE, Taking
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.surroundings import to_stderr, utc_now
from llmfusionbench.errors import InputError
from llmfusionbench.release.card_text import counted

_TURN: Final = 256
"""Results after which others of the event loop have their turn."""


async def take_files(
    paths: Sequence[Path],
    endpoints: Sequence[Endpoint],
    journal: RunJournal,
    budget: Budget,
    board: Board,
    *,
    say: Callable[[str], None] = to_stderr,
    today: Callable[[], datetime] = utc_now,
) -> BatchResult:
    """Take results from files into the journal, by the keys of their requests.

    A batch without a provider is closed: what the files lack, or have an error for that may pass, is asked again. A batch that
    its provider has stays open, and only answers are taken.

    Args:
        paths: Files of results, in any order.
        endpoints: The LLMs of the run.
        journal: Journal of the run, entered.
        budget: The cap on the cost. Results are taken whatever it is.
        board: Shows the progress.
        say: Called with each line for the user.
        today: The wall clock. It labels records, and gives the day of prices.

    Raises:
        InputError: A file cannot be read, it has no result of a batch of this run that is under way, or the journal cannot be
            written.
    """
    ledger = Ledger(journal, budget, board, {endpoint.name: endpoint for endpoint in endpoints}, say=say, today=today)
    result = BatchResult(in_flight_lost=journal.in_flight_lost)
    owners = _owners(ledger)
    touched: dict[str, Taking] = {}
    for path in paths:
        foreign, damaged, found = 0, 0, _named(path, ledger, owners)
        for number, line in enumerate(results_of(path)):
            if number % _TURN == 0:
                await asyncio.sleep(0)
            taking = None if line is None else owners.get(line.key)
            damaged += line is None
            foreign += line is not None and taking is None
            if taking is not None:
                found.add(taking.batch.batch)
                touched[taking.batch.batch] = taking
                taking.offer(line)
        touched |= {taking.batch.batch: taking for taking in owners.values() if taking.batch.batch in found}
        if not found:
            raise InputError(
                f"{path}: no result of a batch that is under way in this run. "
                "Remedy: hand in the file that was made from a file of requests in the folder batches of this run"
            )
        if foreign or damaged:
            have = "has" if foreign == 1 else "have"
            say(f"{path}: {counted(foreign, 'result')} {have} an unknown id, and {counted(damaged, 'line')} cannot be read")
    for taking in touched.values():
        _close(taking, ledger, result)
    await journal.synced()
    result.answered, result.failed, result.drift = ledger.answered, ledger.failed, ledger.drift
    result.in_batches = len(journal.state.in_batches())
    return result


def _owners(ledger: Ledger) -> dict[str, Taking]:
    """Key -> the batch under way that it is in."""
    found: dict[str, Taking] = {}
    for batch in ledger.open_batches():
        if batch.llm not in ledger.endpoints:
            continue
        ledger.files(batch).check(batch.sha256)
        for call, one in ledger.files(batch).each_call(batch.llm):
            ledger.note_sent(call, one.attempt, batch)
        taking = Taking(batch, ledger, last=lambda _: False)
        found |= dict.fromkeys(taking.placed, taking)
    return found


def _named(path: Path, ledger: Ledger, owners: dict[str, Taking]) -> set[str]:
    """The batch whose file of results this is by its name: an empty one gives the batch up."""
    batches: dict[str, Batch] = {taking.batch.batch: taking.batch for taking in owners.values()}
    return {name for name, batch in batches.items() if ledger.files(batch).output.resolve() == path.resolve()}


def _close(taking: Taking, ledger: Ledger, result: BatchResult) -> None:
    """Close a batch without a provider."""
    batch, counts = taking.batch, taking.counts
    if batch.offline:
        taking.finish(NOT_MADE)
        ledger.note_state(batch, TAKEN, taken=counts.as_record())
        result.not_started += counts.again
    are = "is" if counts.answered == 1 else "are"
    told = f"{counts.answered:,} of {batch.size} {are} answered"
    if counts.failed or counts.again:
        told += f", {counts.failed:,} failed, {counts.again:,} {'is' if counts.again == 1 else 'are'} to be asked again"
    ledger.say(f"{batch.llm}: batch {batch.batch}: {told}")
