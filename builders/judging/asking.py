"""The calls to judges at work: online, in batches, or as results that the user hands in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from llmfusionbench.builders.collecting.batch_hand_in import take_files
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.collect import Settings, make_calls, today
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.result import Result
from llmfusionbench.builders.judging.plan import Plan


def ask(planned: Plan, folder: Path, settings: Settings, results: Sequence[Path] = ()) -> tuple[Result, list[str]]:
    """Make the calls that the journal of a run has no reply to; what came of them, and why calls failed, one line per judge.

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
        journal.know_prices(endpoints)
        for line in journal.worth.notes() if settings.max_cost is not None else ():
            settings.say(line)
        spent = journal.spent_usd
        Budget(settings.max_cost, endpoints, today=today, spent=spent)  # a cap without prices is refused before anything else
        names = [endpoint.name for endpoint in endpoints]
        with Board(names, max_cost=settings.max_cost, spent=spent, say=settings.say) as board:
            if results:
                budget = Budget(None, endpoints, today=today, spent=spent)
                result: Result = asyncio.run(take_files(results, endpoints, journal, budget, board, say=settings.say))
            else:
                work = _Questions(planned, journal, board)
                result = asyncio.run(make_calls(work, journal, board, settings, _FailedBefore(journal)))
        return result, board.failures()


class _Questions:
    """The calls of a plan, as they are taken."""

    def __init__(self, planned: Plan, journal: RunJournal, board: Board) -> None:
        self.endpoints = planned.task.judges
        self._planned, self._journal, self._board = planned, journal, board

    def calls(self) -> Iterable[Call]:
        return chain.from_iterable(self._planned.calls().values())

    def by_llm(self) -> Mapping[str, Iterable[Call]]:
        keys = {(job.judge.endpoint.name, key) for job, key in zip(self._planned.jobs, self._planned.keys, strict=True)}
        for name, count in Counter(name for name, key in keys if key not in self._journal.answered).items():
            self._board.expect(name, count)
        return self._planned.calls()


class _FailedBefore(Container[str]):
    """Requests that failed for good in an earlier run: each is asked once more."""

    def __init__(self, journal: RunJournal) -> None:
        self._journal, self._before = journal, dict(journal.failed)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._before and self._journal.failed.get(key) == self._before[key]
