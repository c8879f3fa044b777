"""What a run of judges is to do: the questions that are missing, before anything is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.collecting.calls import Call, call_key
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.forecast import forecast
from llmfusionbench.builders.collecting.forecast_table import Forecast
from llmfusionbench.builders.collecting.journal_state import JournalState
from llmfusionbench.builders.collecting.payload import MAX_TOKENS
from llmfusionbench.builders.judging.answers import Choice, Found, find_items
from llmfusionbench.builders.judging.jobs import Existing, Job, Judge, missing_jobs, with_names
from llmfusionbench.builders.judging.rubric import Rubric
from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.release.retests import retest_of
from llmfusionbench.storage.repeats import repeated

_SETTINGS: Final = ("temperature", "top_p", "seed", *MAX_TOKENS, "logprobs", "top_logprobs", "reasoning_effort")
"""Fields of a request that the manifest states."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """How answers are judged."""

    judges: Sequence[Endpoint]
    rubric: Rubric
    pairwise: bool = False
    reference: bool | None = None
    """Whether the judges see the ground truth; None: as the rubric states."""
    replicates: int = 1
    """Judgements of each judge on each answer; those above the first are retests."""
    choice: Choice = field(default_factory=Choice)

    @property
    def sees_reference(self) -> bool:
        return self.rubric.reference if self.reference is None else self.reference

    def check(self) -> None:
        """Raises InputError for settings that do not go together."""
        if not self.judges:
            raise InputError("judges: none are given. Remedy: name one or more")
        if twice := repeated(endpoint.name for endpoint in self.judges):
            raise InputError(f"judges: {twice[0]} is given twice. Remedy: name each once, and use replicates for retests")
        for name in (endpoint.name for endpoint in self.judges):
            if retest_of(name, {name.rpartition("#")[0]})[1]:
                raise InputError(f"judges: {name} is the name of a retest. Remedy: give the LLM a name without # and a number")
        if self.replicates < 1:
            raise InputError(f"replicates: {self.replicates}, expected 1 or more. Remedy: choose a value in that range")
        if self.choice.against is not None and not self.pairwise:
            raise InputError("against: one answer has no opponent. Remedy: compare pairs, or leave it out")
        template = self.rubric.pair_prompt if self.pairwise else self.rubric.prompt
        if template is not None and ("{reference}" in template) != self.sees_reference:
            what = "has no field {reference}" if self.sees_reference else "has the field {reference}"
            how = "with a reference" if self.sees_reference else "without a reference"
            raise InputError(
                f"rubric {self.rubric.name}: its template {what}, but is used {how}. Remedy: change the template or the setting"
            )


@dataclass(frozen=True)
class Plan:
    """The questions of a run."""

    task: Task
    found: Found
    existing: Existing
    jobs: list[Job]
    """Those whose rows the release lacks."""
    keys: list[str]
    """Key of the request of each job. Equal requests have one key, and are paid for once."""

    @property
    def there(self) -> int:
        """Number of questions whose rows the release has."""
        return len(self.found.items) * len(self.existing.judges) * self.task.replicates - len(self.jobs)

    def calls(self) -> Mapping[str, Sequence[Call]]:
        """LLM -> its calls; a text is made when it is needed."""
        return {
            judge.endpoint.name: _Calls([job for job in self.jobs if job.judge.endpoint.name == judge.endpoint.name])
            for judge in self.existing.judges
        }

    def forecast(self, today: date, run: Path, *, batch: bool = False) -> Forecast:
        """What is left to ask will take at most; `batch`: in batches.

        Raises:
            InputError: the journal of the run cannot be read.
        """
        known, journal = JournalState(), run / JOURNAL
        if journal.exists():
            known.read(journal)
        left = (job for job, key in zip(self.jobs, self.keys, strict=True) if key not in known.answered)
        return forecast((job.call() for job in left), self.task.judges, today=today, batch=batch)

    def facts(self) -> dict[str, Any]:
        """For the manifest: what is judged, by whom and how."""
        choice = self.task.choice
        drawn = {
            "splits": list(choice.splits), "tasks": list(choice.tasks), "candidates": list(choice.candidates),
            "against": choice.against, "limit": choice.limit, "seed": choice.seed if choice.limit is not None else None,
        }  # fmt: skip
        return {
            "judges": {judge.name: _described(judge) for judge in self.existing.judges},
            "rubric": self.task.rubric.described() | {"reference": self.task.sees_reference},
            "pairwise": self.task.pairwise, "replicates": self.task.replicates,
            "choice": {name: value for name, value in drawn.items() if value not in (None, [])},
        }  # fmt: skip


class _Calls(Sequence[Call]):
    """Calls that are made one by one, as the engine takes them."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs

    def __len__(self) -> int:
        return len(self._jobs)

    def __getitem__(self, place: Any) -> Any:
        return [job.call() for job in self._jobs[place]] if isinstance(place, slice) else self._jobs[place].call()


def plan(release: Release, task: Task) -> Plan:
    """Find what is to be asked.

    Raises:
        InputError: settings do not go together, two judges are the same, or the release has no answer that can be judged.
        UnknownNameError: the choice names a split, task or candidate that the release lacks.
        ReleaseError: a file differs from the manifest.
    """
    task.check()
    found = find_items(release, task.choice, reference=task.sees_reference, pairwise=task.pairwise)
    if not found.items:
        why = "; ".join(f"{count:,}: {reason}" for reason, count in sorted(found.skipped.items()) if count)
        what = "no two answers to one query that can be compared" if task.pairwise else "no answers that can be judged"
        raise InputError(
            f"{release.path}: {what}{f' ({why})' if why else ''}. Remedy: choose others, or judge without a reference"
            if task.sees_reference
            else f"{release.path}: {what}{f' ({why})' if why else ''}. Remedy: choose a release or a part of it with answers"
        )
    existing = with_names(
        release, task.judges, task.rubric, reference=task.sees_reference, pairwise=task.pairwise
    )  # fmt: skip
    _check_different(existing.judges)
    jobs = list(missing_jobs(existing, found.items, task.replicates))
    return Plan(task, found, existing, jobs, [job.call().key for job in jobs])


def _check_different(judges: Sequence[Judge]) -> None:
    """Raise InputError if two judges would be asked the same of the same endpoint: they have one opinion."""
    named: dict[str, str] = {}
    for judge in judges:
        key = call_key(judge.address, judge.payload(""))
        if (other := named.setdefault(key, judge.name)) != judge.name:
            raise InputError(
                f"judges: {other} and {judge.name} are the same model with the same settings. "
                "Remedy: leave one out, and use replicates for retests"
            )


def digest_of(texts: Sequence[str]) -> str:
    """SHA-256 of texts in any order, in hexadecimal."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()


def _described(judge: Judge) -> dict[str, Any]:
    """What the manifest states of a judge: no URL, which may be private."""
    body = judge.payload("")
    settings = {name: body[name] for name in _SETTINGS if name in body}
    return {"model": judge.endpoint.model, "reply": judge.form, "settings": settings}
