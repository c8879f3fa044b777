"""The queries of a run: of tasks of the catalog, of a person's own tasks, and plain prompts."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from llmfusionbench.builders.known.tasks import canonical_task
from llmfusionbench.builders.reading.fields import BadRecordError, fields
from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.builders.tasks.own_tasks import read_tasks
from llmfusionbench.builders.tasks.plain_prompts import read_prompts
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.builders.tasks.rows import Pool, rows_of
from llmfusionbench.builders.tasks.sampling import TEST, Candidate, choose
from llmfusionbench.builders.tasks.task import Draft, Task, in_modes
from llmfusionbench.errors import InputError, UnknownNameError

Refuse = Callable[[Rejected], None]
_SHOWN: Final = 5


def chosen(
    names: Sequence[str],
    *,
    seed: int = 0,
    limit: int | None = None,
    split: str | None = None,
    files: Mapping[str, Path] | None = None,
    own: Path | None = None,
    prompts: Path | None = None,
    modes: Sequence[str] = ("direct",),
    rejected: Refuse | None = None,
) -> Iterator[Query]:
    """The queries of some tasks, task by task, each query once.

    Args:
        names: Tasks of `CATALOG` or of the file `own`.
        seed: Decides which rows are chosen.
        limit: Most queries of each task in each split.
        split: `train`, `test` (the whole one) or `partial_test` (a part of it); None: `train` and `partial_test`.
        files: Task -> a file with its rows, which is read instead of the Hub.
        own: A YAML file that describes further tasks.
        prompts: A file of plain prompts, all of which are asked, whatever `names` and `split` are.
        modes: The modes that queries have prompts for, `direct` always.
        rejected: Called with each row that is left out and the reason; by default a warning per task counts them.

    Raises:
        UnknownNameError: there is no such task or split.
        InputError: a file cannot be read or is not as it should be, or a task has no usable row.
        HubError: a data set cannot be read.
    """
    further = read_tasks(own) if own is not None else {}
    known = {**CATALOG, **further}
    tasks = [_named(name, known) for name in dict.fromkeys(names)]
    given = {_named(name, known).name: path for name, path in (files or {}).items()}
    if unused := given.keys() - {task.name for task in tasks}:
        raise InputError(f"a file is given for {', '.join(sorted(unused))}, not among the tasks. Remedy: add it to the tasks")
    if limit is not None and limit < 1:
        raise InputError(f"limit is {limit}, expected 1 or more")
    return _queries(tasks, given, prompts, seed, limit, split, modes, rejected)


def _queries(
    tasks: Sequence[Task],
    files: Mapping[str, Path],
    prompts: Path | None,
    seed: int,
    limit: int | None,
    split: str | None,
    modes: Sequence[str],
    rejected: Refuse | None,
) -> Iterator[Query]:
    seen: set[str] = set()
    for task in {task.name: task for task in tasks}.values():
        tally = _Tally(task.name, rejected)
        for query in queries_of(task, files.get(task.name), seed=seed, limit=limit, split=split, modes=modes, refuse=tally):
            seen.add(query.query_id)
            yield query
        tally.warn()
    if prompts is not None:
        tally = _Tally(prompts.name, rejected)
        for item in read_prompts(prompts, modes):
            if isinstance(item, Rejected):
                tally(item)
            elif item[1].query_id in seen:
                tally(Rejected(prompts.name, item[0], "the prompt asks the same as an earlier one of its task", {}))
            else:
                seen.add(item[1].query_id)
                yield item[1]
        tally.warn()


def queries_of(
    task: Task,
    file: Path | None = None,
    *,
    seed: int,
    limit: int | None,
    split: str | None,
    modes: Sequence[str],
    refuse: Refuse,
) -> Iterator[Query]:
    """The queries of one task; see `chosen`. The rows are read twice, so that only ids are held in memory."""
    found = _candidates(task, file, refuse)
    splits = {query_id: name for name, query_id in choose(found.values(), task, seed=seed, split=split, limit=limit)}
    made: dict[str, Query] = {}
    for _, _, query in _made(task, file, modes, None):
        name = splits.get(query.query_id)
        if name is not None:
            made.setdefault(query.query_id, replace(query, split=name))
    if lost := splits.keys() - made.keys():
        raise InputError(f"task {task.name}: {len(lost):,} rows changed while they were read. Remedy: start again")
    yield from (made[query_id] for query_id in splits)


@dataclass(frozen=True, slots=True)
class _Seen(Candidate):
    """A candidate and where it was met first."""

    place: str = ""
    row: int = 0
    truth: bytes = b""
    """A hash of the ground truth and options."""


def _candidates(task: Task, file: Path | None, refuse: Refuse) -> dict[str, _Seen]:
    """query_id -> row; a query that is there with two different truths cannot be scored, and is left out."""
    found: dict[str, _Seen] = {}
    unclear: set[str] = set()
    for (place, row, group), pool, query in _made(task, file, (), refuse):
        name, truth = query.query_id, hashlib.sha256(repr((query.ground_truth, query.choices)).encode()).digest()[:16]
        first = found.get(name)
        if first is None:
            found[name] = _Seen(name, pool, group, place, row, truth)
            continue
        where = f"row {first.row} of {first.place}"
        if first.truth != truth:
            if name not in unclear:
                refuse(Rejected(first.place, first.row, f"row {row} of {place} has another answer to it: neither is asked", {}))
            unclear.add(name)
            refuse(Rejected(place, row, f"the question of {where}, with another answer: neither is asked", {}))
        else:
            refuse(Rejected(place, row, f"the same as {where}", {}))
        if pool == TEST and first.pool != TEST:  # a test query is not trained on
            found[name] = replace(first, pool=TEST)
    if not found:
        raise InputError(f"task {task.name}: no row can be asked. Remedy: check where the rows come from")
    return {name: one for name, one in found.items() if name not in unclear}


def _made(
    task: Task, file: Path | None, modes: Sequence[str], refuse: Refuse | None
) -> Iterator[tuple[tuple[str, int, str], Pool, Query]]:
    """((place, number, group), pool, query) of the rows of a task, whose query is not in its split yet."""
    for place, pool, item in rows_of(task, file):
        if isinstance(item, Rejected):
            if refuse is not None:
                refuse(item)
            continue
        number, row = item
        try:
            draft = task.draft(fields(row))
        except (BadRecordError, RecursionError) as error:
            if refuse is not None:
                reason = str(error) if isinstance(error, BadRecordError) else "the row is nested too deep"
                refuse(Rejected(place, number, reason, {}))
            continue
        yield (place, number, draft.group), pool, _query(task, draft, modes)


def _query(task: Task, draft: Draft, modes: Sequence[str]) -> Query:
    return Query(
        task=task.name,
        domain=task.domain,
        split=TEST,
        source_id=draft.source_id,
        prompts=in_modes(draft.messages, modes),
        metric=task.metric,
        ground_truth=draft.ground_truth,
        choices=draft.choices,
        license=task.license,
        settings=draft.settings,
    )


def _named(name: str, known: Mapping[str, Task]) -> Task:
    found = known.get(name) or known.get(canonical_task(name))
    if found is None:
        raise UnknownNameError("task", name, known)
    return found


class _Tally:
    """Passes on what is rejected of a task, or counts it for a warning."""

    def __init__(self, name: str, rejected: Refuse | None) -> None:
        self.name, self.rejected = name, rejected
        self.count = 0
        self.first: list[str] = []

    def __call__(self, one: Rejected) -> None:
        self.count += 1
        if self.rejected is not None:
            self.rejected(one)
        elif len(self.first) < _SHOWN:
            self.first.append(f"{one.file} row {one.row}: {one.reason}")

    def warn(self) -> None:
        """Warn of what was counted, unless it was passed on."""
        if self.count and self.rejected is None:
            shown = "; ".join(self.first)
            warnings.warn(f"{self.name}: {self.count:,} rows are left out, the first ones: {shown}", stacklevel=2)
