"""The calls to judges at work: online, in batches, or as results that the user hands in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Container, Sequence
from itertools import chain
from pathlib import Path

from llmfusionbench.builders.collecting.batch_hand_in import take_files
from llmfusionbench.builders.collecting.batch_manner import Manner
from llmfusionbench.builders.collecting.batch_run import look_at_batches, run_batches
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.collect import Settings, today
from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.result import Result
from llmfusionbench.builders.judging.plan import Plan


def ask(planned: Plan, folder: Path, settings: Settings, results: Sequence[Path] = ()) -> Result:
    """Make the calls that the journal of a run has no reply to.

    Args:
        planned: The questions.
        folder: The run.
        settings: How calls are made.
        results: Files of results of batches. If there are any, they are taken, and no call is made.

    Raises:
        InputError: an endpoint or a setting is wrong, a file cannot be read, or the journal cannot be written.
    """
    endpoints = planned.task.judges
    with RunJournal(folder) as journal:
        spent = journal.spent_usd
        Budget(settings.max_cost, endpoints, today=today, spent=spent)  # a cap without prices is refused before anything else
        names = [endpoint.name for endpoint in endpoints]
        with Board(names, max_cost=settings.max_cost, spent=spent, say=settings.say) as board:
            if results:
                budget = Budget(None, endpoints, today=today, spent=spent)
                return asyncio.run(take_files(results, endpoints, journal, budget, board, say=settings.say))
            return asyncio.run(_made(planned, journal, board, settings))


async def _made(planned: Plan, journal: RunJournal, board: Board, settings: Settings) -> Result:
    endpoints, halt, say, how = planned.task.judges, settings.halt_on_drift, settings.say, settings.batches
    calls, again = planned.calls(), _FailedBefore(journal)
    # The engine does not know of batches: what those under way may cost is spent already.
    under_way = 0.0 if how else await look_at_batches(endpoints, journal, board, say=say)
    budget = Budget(settings.max_cost, endpoints, today=today, spent=journal.spent_usd + under_way)
    if how is not None:
        return await run_batches(
            chain.from_iterable(calls.values()), endpoints, journal, budget, board, manner=Manner(wait=how.wait),
            poll=how.poll, offline=how.files, again=again, halt_on_drift=halt, say=say,
        )  # fmt: skip
    keys = {(job.judge.endpoint.name, key) for job, key in zip(planned.jobs, planned.keys, strict=True)}
    for name, count in Counter(name for name, key in keys if key not in journal.answered).items():
        board.expect(name, count)
    engine = Engine(endpoints, journal, budget=budget, board=board, halt_on_drift=halt, say=say)
    return await engine.run(calls, again=again)


class _FailedBefore(Container[str]):
    """Requests that failed for good in an earlier run: each is asked once more."""

    def __init__(self, journal: RunJournal) -> None:
        self._journal, self._before = journal, dict(journal.failed)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._before and self._journal.failed.get(key) == self._before[key]
