"""What a run of judges is to do: the questions that are missing, before anything is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.collecting.calls import call_key
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.payload import MAX_TOKENS
from llmfusionbench.builders.judging.answers import Choice, Found, find_items
from llmfusionbench.builders.judging.jobs import Existing, Job, Judge, Unscored, missing_jobs, with_names
from llmfusionbench.builders.judging.replies import Replies, read_replies
from llmfusionbench.builders.judging.retry import Retry
from llmfusionbench.builders.judging.rubric import Rubric
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
    retry: Retry | None = None
    """What is asked again, and nothing else; None: what is missing is asked."""

    @property
    def sees_reference(self) -> bool:
        return self.rubric.reference if self.reference is None else self.reference

    def check(self) -> None:
        """Raises InputError for settings that do not go together, and UnknownNameError for what cannot be asked again."""
        if self.retry is not None:
            self.retry.check()
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
            name = f"rubric {self.rubric.name}" if self.rubric.file is None else self.rubric.file
            part = "pair_prompt" if self.pairwise else "prompt"
            what = "has no field {reference}" if self.sees_reference else "has the field {reference}"
            how = "with a reference" if self.sees_reference else "without a reference"
            raise InputError(
                f"{name}: {part} {what}, but is used {how}. Remedy: change the template, or the setting "
                "(reference, --with-reference, --without-reference)"
            )


@dataclass(frozen=True)
class Plan:
    """The questions of a run."""

    task: Task
    found: Found
    existing: Existing
    jobs: list[Job]
    """Those whose rows the release lacks, or holds without a score where these are asked again."""
    maxima: tuple[int | None, ...]
    """Most tokens of the replies: as the rubric and the endpoint state (None), and as retries of the run have set it."""
    keys: list[tuple[str, ...]]
    """Keys of the requests of each job, one for each of `maxima`. Equal requests have one key, and are paid for once."""

    @property
    def there(self) -> int:
        """Number of questions whose rows the release has."""
        return len(self.found.items) * len(self.existing.judges) * self.task.replicates - len(self.jobs)

    def has_judged(self, job: Job) -> bool:
        """Whether the release has a judgement by this judge or its retests of this answer, or of this pair in any order."""
        return any((*key[:4], job.judge.name, key[5]) in self._judged for key in job.row_keys())

    @cached_property
    def _judged(self) -> set[tuple[Any, ...]]:
        """(key of the answer, name of the judge, opponent) of the rows that the release has."""
        names = {judge.name for judge in self.existing.judges}
        keys = chain(self.existing.keys, self.existing.unscored)
        return {(*key[:4], retest_of(key[4], names)[0], key[5]) for key in keys}

    def row_of(self, job: Job) -> Unscored | None:
        """The row without a score that the release has of a question, if it may be replaced."""
        return self.existing.unscored.get(job.row_keys()[0])

    def replies_in(self, journal: Path) -> Replies:
        """The replies to the questions in the journal of a run, and what they took that no earlier step has counted.

        Raises:
            InputError: the file cannot be read.
        """
        rows = ((keys, self.row_of(job)) for job, keys in zip(self.jobs, self.keys, strict=True))
        counted = {keys[0]: row.created_at for keys, row in rows if row is not None}
        asked = {key: keys[0] for keys in self.keys for key in keys}
        return read_replies(journal, asked, self.task.rubric, pairwise=self.task.pairwise, counted=counted)

    def facts(self) -> dict[str, Any]:
        """For the manifest: what is judged, by whom and how."""
        choice = self.task.choice
        drawn = {
            "splits": list(choice.splits), "tasks": list(choice.tasks), "candidates": list(choice.candidates),
            "against": choice.against, "limit": choice.limit, "seed": choice.seed if choice.limit is not None else None,
        }  # fmt: skip
        retried = {} if self.task.retry is None else {"retry": self.task.retry.facts()}
        return {
            "judges": {judge.name: _described(judge) for judge in self.existing.judges},
            "rubric": self.task.rubric.described() | {"reference": self.task.sees_reference},
            "pairwise": self.task.pairwise, "replicates": self.task.replicates,
            "choice": {name: value for name, value in drawn.items() if value not in (None, [])},
        } | retried  # fmt: skip


def plan(release: Release, task: Task, retried_with: Sequence[int] = ()) -> Plan:
    """Find what is to be asked.

    Args:
        release: The release.
        task: What is judged, by whom and how.
        retried_with: Most tokens that earlier retries of the run have set.

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
        release, task.judges, task.rubric, reference=task.sees_reference, pairwise=task.pairwise,
        replace_unscored=task.retry is not None,
    )  # fmt: skip
    _check_different(existing.judges)
    jobs = list(missing_jobs(existing, found.items, task.replicates))
    more = None if task.retry is None else task.retry.max_tokens
    maxima = tuple(dict.fromkeys((None, *retried_with, more)))
    return Plan(task, found, existing, jobs, maxima, [job.keys(maxima) for job in jobs])


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
    return {"model": body.get("model"), "reply": judge.form, "settings": settings}
