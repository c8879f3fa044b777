"""The requests that a run of judges is to make: what is missing, or what is asked again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.forecast import forecast
from llmfusionbench.builders.collecting.forecast_table import Forecast
from llmfusionbench.builders.collecting.journal_state import JournalState
from llmfusionbench.builders.collecting.retry import has_enough
from llmfusionbench.builders.judging.jobs import Job
from llmfusionbench.builders.judging.plan import Plan
from llmfusionbench.builders.judging.replies import Replies
from llmfusionbench.builders.judging.retry import Retry
from llmfusionbench.builders.reading.run_files import JOURNAL


class Question(NamedTuple):
    """A request that may have to be made. Its text is made when it is needed."""

    job: Job
    key: str
    max_tokens: int | None


@dataclass(frozen=True)
class Questions:
    """The requests of a run."""

    endpoints: Sequence[Endpoint]
    asked: Sequence[Question]
    """They may have an answer already, unless they are asked again."""
    again: Collection[str] = frozenset()
    """Keys of requests that are made once more although they were answered or have failed."""
    enough: int = 0
    """Questions that are not asked again: their replies were cut off at the new maximum of tokens, or at a higher one."""
    unknown: int = 0
    """Judgements without a score of which only the row is known, and not whether they were cut off."""

    def open(self, answered: Collection[str]) -> dict[str, str]:
        """Key -> LLM of the requests that are to be made."""
        left = (asked for asked in self.asked if asked.key in self.again or asked.key not in answered)
        return {asked.key: asked.job.judge.endpoint.name for asked in left}

    def by_llm(self) -> Mapping[str, Sequence[Call]]:
        """LLM -> its calls."""
        found: dict[str, list[Question]] = {endpoint.name: [] for endpoint in self.endpoints}
        for asked in self.asked:
            found[asked.job.judge.endpoint.name].append(asked)
        return {name: _Calls(asked) for name, asked in found.items()}

    def forecast(self, known: JournalState, today: date, *, batch: bool) -> Forecast:
        """What they will take at most, with what is known from the journal; `batch`: in batches."""
        left = self.open(known.answered)
        calls = (asked.job.call(asked.max_tokens) for asked in self.asked if asked.key in left)
        return forecast(calls, self.endpoints, today=today, batch=batch)


class _Calls(Sequence[Call]):
    """Calls that are made one by one, as the engine takes them."""

    def __init__(self, asked: Sequence[Question]) -> None:
        self._asked = asked

    def __len__(self) -> int:
        return len(self._asked)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [asked.job.call(asked.max_tokens) for asked in self._asked[place]]
        return self._asked[place].job.call(self._asked[place].max_tokens)


def questions(planned: Plan, journal: Path | None, known: JournalState) -> Questions:
    """The requests of a plan.

    Args:
        planned: What is judged.
        journal: The journal of the run, if there is one.
        known: What it states.

    Raises:
        InputError: the journal cannot be read.
    """
    if planned.task.retry is not None:
        replies = planned.replies_in(journal) if journal is not None and journal.exists() else Replies()
        return _Retried(planned, planned.task.retry, replies, known).questions()
    jobs = zip(planned.jobs, planned.keys, strict=True)
    asked = [Question(job, keys[0], None) for job, keys in jobs if not any(key in known.answered for key in keys[1:])]
    return Questions(planned.task.judges, asked, {question.key for question in asked if question.key in known.failed})


def forecast_of(planned: Plan, folder: Path | None, today: date, *, batch: bool = False) -> Forecast:
    """What is left to ask will take at most; `folder`: the run, None for a new one; `batch`: in batches.

    Raises:
        InputError: the journal of the run cannot be read.
    """
    known, journal = JournalState(), None if folder is None else folder / JOURNAL
    if journal is not None and journal.exists():
        known.read(journal)
    return questions(planned, journal, known).forecast(known, today, batch=batch)


@dataclass
class _Retried:
    """Finds what is asked again."""

    planned: Plan
    retry: Retry
    replies: Replies
    known: JournalState
    enough: int = field(default=0, init=False)
    unknown: int = field(default=0, init=False)

    def questions(self) -> Questions:
        asked = list(self._asked())
        done = {q.key for q in asked if q.key in self.known.answered or q.key in self.known.failed}
        return Questions(self.planned.task.judges, asked, done, self.enough, self.unknown)

    def _asked(self) -> Iterator[Question]:
        maxima, wanted = self.planned.maxima, {*self.retry.kinds}
        for job, keys in zip(self.planned.jobs, self.planned.keys, strict=True):
            kinds, before, most = self._state(job, keys)
            found = kinds & wanted
            self.enough += has_enough(found, most, self.retry.max_tokens)
            if found and not has_enough(found, most, self.retry.max_tokens):
                place = keys.index(before) if self.retry.max_tokens is None else maxima.index(self.retry.max_tokens)
                yield Question(job, keys[place], maxima[place])

    def _state(self, job: Job, keys: Sequence[str]) -> tuple[frozenset[str], str, int | None]:
        """(what can be asked again of a question, key of its last request, most tokens of its reply)."""
        if (reply := self.replies.best(keys)) is not None:
            return reply.kinds, reply.key, reply.max_tokens
        if failed := [key for key in keys if key in self.replies.failed]:
            return frozenset({"error"}), failed[-1], None
        row = self.planned.row_of(job)
        if row is None:
            return frozenset[str](), keys[0], None
        self.unknown += "length" in self.retry.kinds
        return frozenset({"unparsed" if row.has_text else "empty"}), keys[0], None
