"""The calls to judges at work: online, in batches, or as results that the user hands in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from llmfusionbench.builders.collecting.batch_hand_in import take_files
from llmfusionbench.builders.collecting.batch_places import Places, places_of
from llmfusionbench.builders.collecting.batch_run import BatchResult
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.collect import Settings, make_calls, today
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.journal_state import Facts
from llmfusionbench.builders.collecting.lost import lost_lines
from llmfusionbench.builders.collecting.result import Result
from llmfusionbench.builders.judging.plan import Plan
from llmfusionbench.builders.judging.questions import Questions, questions


@dataclass(frozen=True)
class Asked:
    """What came of the calls."""

    result: Result
    failures: list[str]
    """Why calls failed, one line per judge."""
    questions: Questions
    total: int
    """Requests that were to be made."""
    places: Places
    """Where those are that are in batches."""

    @property
    def left(self) -> int:
        """Those of them that have no outcome yet."""
        others = self.result.others if isinstance(self.result, BatchResult) else 0
        return max(0, self.total + others - self.result.answered - self.result.failed)


def ask(planned: Plan, folder: Path, settings: Settings, results: Sequence[Path] = ()) -> Asked:
    """Make the calls that the journal of a run has no reply to, or those that ask again.

    Args:
        planned: The questions.
        folder: The run.
        settings: How calls are made.
        results: Files of results of batches. If there are any, they are taken, and no call is made.

    Raises:
        InputError: a setting is wrong, which `check_ready` finds before there is a run, a file cannot be read, or
            the journal cannot be written.
    """
    endpoints = planned.task.judges
    with RunJournal(folder) as journal:
        journal.know_prices(endpoints)
        for line in journal.worth.notes() if settings.max_cost is not None else ():
            settings.say(line)
        spent = journal.spent_usd
        found = questions(planned, journal.path, journal.state)
        keys = found.open(journal.answered)
        for line in lost_lines(journal, keys):
            settings.say(line)
        asked = Counter(keys.values())
        names = [endpoint.name for endpoint in endpoints]
        with Board(names, max_cost=settings.max_cost, spent=spent, say=settings.say) as board:
            if results:
                budget = Budget(None, endpoints, today=today, spent=spent)
                result: Result = asyncio.run(take_files(results, endpoints, journal, budget, board, say=settings.say))
            else:
                work = _Work(found, asked, board)
                result = asyncio.run(make_calls(work, journal, board, settings, _OnceMore(journal, found.again)))
        places = places_of(journal, {question.key for question in found.asked})
        return Asked(result, board.failures(), found, asked.total(), places)


class _Work:
    """The calls, as they are taken."""

    def __init__(self, found: Questions, asked: Mapping[str, int], board: Board) -> None:
        self.endpoints = found.endpoints
        self._found, self._asked, self._board = found, asked, board

    def calls(self) -> Iterable[Call]:
        return chain.from_iterable(self._found.by_llm().values())

    def by_llm(self) -> Mapping[str, Iterable[Call]]:
        for name, count in self._asked.items():
            self._board.expect(name, count)
        return self._found.by_llm()


class _OnceMore(Container[str]):
    """Requests that earlier runs settled: each is made once more."""

    def __init__(self, journal: RunJournal, keys: Collection[str]) -> None:
        self._journal, self._before = journal, {key: _facts(journal, key) for key in keys}

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._before and _facts(self._journal, key) == self._before[key]


def _facts(journal: RunJournal, key: str) -> Facts | None:
    return journal.answered.get(key) or journal.failed.get(key)
