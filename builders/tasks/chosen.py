"""The queries of a run: of tasks of the catalog, of a person's own tasks, and plain prompts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from llmfusionbench.builders.known.tasks import canonical_task
from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.builders.tasks.own_tasks import read_tasks
from llmfusionbench.builders.tasks.plain_prompts import read_prompts
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.builders.tasks.rows import TaskRows
from llmfusionbench.builders.tasks.sampling import check_split
from llmfusionbench.builders.tasks.task import Task
from llmfusionbench.builders.tasks.task_queries import Refuse, queries_of
from llmfusionbench.errors import InputError, UnknownNameError

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
    commits: Mapping[str, str] | None = None,
    rejected: Refuse | None = None,
    note: Callable[[str], None] = warnings.warn,
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
        commits: Data set on the Hub -> the commit to read, such as that of an earlier run; by default the latest one.
        rejected: Called with each row that is left out and the reason; by default a warning per task counts them.
        note: Called with a line for the user if the Hub does not answer and the cache of `datasets` is read.

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
    check_split(split)
    if limit is not None and limit < 1:
        raise InputError(f"limit is {limit}, expected 1 or more")
    sources = [TaskRows(task, given.get(task.name), (commits or {}).get(task.dataset or ""), note=note) for task in tasks]
    return _queries(sources, prompts, seed, limit, split, modes, rejected)


def _queries(
    sources: Sequence[TaskRows],
    prompts: Path | None,
    seed: int,
    limit: int | None,
    split: str | None,
    modes: Sequence[str],
    rejected: Refuse | None,
) -> Iterator[Query]:
    seen: set[str] = set()
    for rows in {rows.task.name: rows for rows in sources}.values():
        tally = _Tally(rows.task.name, rejected)
        for query in queries_of(rows, seed=seed, limit=limit, split=split, modes=modes, refuse=tally):
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
