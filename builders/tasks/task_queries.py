"""The queries of one task: its rows are read once to choose, and once more to ask, so that memory holds only ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from llmfusionbench.builders.reading.fields import BadRecordError, fields
from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.tasks.query import Origin, Query
from llmfusionbench.builders.tasks.rows import Pool, TaskRows
from llmfusionbench.builders.tasks.sampling import PARTIAL, TEST, TRAIN, Candidate, choose
from llmfusionbench.builders.tasks.task import Draft, Row, Task, in_modes
from llmfusionbench.builders.tasks.wrong_fields import check_inside
from llmfusionbench.errors import InputError

Refuse = Callable[[Rejected], None]
_Place = tuple[str, int]
"""The file or split of a row, and its number in it."""


def queries_of(
    rows: TaskRows,
    *,
    seed: int,
    limit: int | None,
    split: str | None,
    modes: Sequence[str],
    refuse: Refuse,
) -> Iterator[Query]:
    """The queries of a task, the first by rank first.

    Args:
        rows: The task with its rows.
        seed: Decides which rows are chosen.
        limit: Most queries of a split.
        split: See `choose`.
        modes: The modes that queries have prompts for.
        refuse: Called with each row that is left out.

    Raises:
        InputError: the rows cannot be read, or none can be asked.
        HubError: the data set cannot be read.
    """
    task = rows.task
    found = _candidates(rows, refuse)
    chosen = choose(found.values(), task, seed=seed, split=split, limit=limit)
    if not chosen:
        where = split or f"{TRAIN} or {PARTIAL}"
        raise InputError(f"task {task.name}: no row is in split {where}. Remedy: choose another split, or check the rows")
    wanted = {found[query_id].place for _, query_id in chosen}
    drafts: dict[_Place, Draft] = {}
    for place, _, row in _rows(rows):
        if place in wanted and not isinstance(row, Rejected):
            drafts[place] = task.draft(row)
    for name, query_id in chosen:
        draft = drafts.get(found[query_id].place)
        query = None if draft is None else _query(task, draft, name, modes, rows.origin)
        if query is None or query.query_id != query_id:
            raise InputError(f"task {task.name}: its rows changed while they were read. Remedy: start again")
        yield query


@dataclass(frozen=True, slots=True)
class _Met(Candidate):
    """A candidate, and its row."""

    place: _Place = ("", 0)
    truth: bytes = b""
    """A hash of the ground truth and options."""
    source_id: str = ""

    def with_repeat(self, other: _Met) -> _Met:
        """What two rows of one query are together, whichever came first: a test query is never trained on."""
        one = min(self, other, key=lambda met: (met.source_id, met.group))
        pools = {self.pool, other.pool}
        pool: Pool = "test" if TEST in pools else "train" if TRAIN in pools else None
        return _Met(one.query_id, pool, one.group, one.place, one.truth, one.source_id)


def _candidates(rows: TaskRows, refuse: Refuse) -> dict[str, _Met]:
    """query_id -> row; a query that is there with two different truths cannot be scored, and is left out."""
    task = rows.task
    found: dict[str, _Met] = {}
    first: dict[str, _Place] = {}
    unclear: set[str] = set()
    sample: tuple[Row, str] | None = None
    why = ""
    for place, pool, row in _rows(rows):
        met = row if isinstance(row, Rejected) else _met(task, place, pool, row)
        if isinstance(met, Rejected):
            if sample is None and not isinstance(row, Rejected):
                sample = row, f"row {place[1]} of {place[0]}"
            why = why or f" (row {met.row} of {met.file}: {met.reason})"
            refuse(met)
            continue
        name = met.query_id
        before = found.setdefault(name, met)
        if before is met:
            continue
        file_before, row_before = first.setdefault(name, before.place)
        where = f"row {row_before} of {file_before}"
        if before.truth != met.truth:
            if name not in unclear:
                other = f"row {place[1]} of {place[0]} has another answer to it: neither is asked"
                refuse(Rejected(file_before, row_before, other, {}))
            unclear.add(name)
            refuse(Rejected(*place, f"the question of {where}, with another answer: neither is asked", {}))
        else:
            refuse(Rejected(*place, f"the same as {where}", {}))
        found[name] = before.with_repeat(met)
    if not found:
        if sample is not None:
            check_inside(task, *sample)
        raise InputError(f"task {task.name}: no row can be asked{why}. Remedy: check where the rows come from")
    return {name: one for name, one in found.items() if name not in unclear}


def _rows(rows: TaskRows) -> Iterator[tuple[_Place, Pool, Row | Rejected]]:
    """(place, pool, row) of all rows."""
    for where, pool, item in rows:
        if isinstance(item, Rejected):
            yield (where, -1), pool, item
            continue
        number, value = item
        try:
            yield (where, number), pool, fields(value)
        except BadRecordError as error:
            yield (where, number), pool, Rejected(where, number, str(error), {})


def _met(task: Task, place: _Place, pool: Pool, row: Row) -> _Met | Rejected:
    try:
        draft = task.draft(row)
    except (BadRecordError, RecursionError) as error:
        reason = str(error) if isinstance(error, BadRecordError) else "the row is nested too deep"
        return Rejected(*place, reason, {})
    truth = hashlib.sha256(repr((draft.ground_truth, draft.choices)).encode()).digest()[:16]
    return _Met(_query(task, draft, TEST, ()).query_id, pool, draft.group, place, truth, draft.source_id or "")


def _query(task: Task, draft: Draft, split: str, modes: Sequence[str], origin: Origin | None = None) -> Query:
    return Query(
        task=task.name,
        domain=task.domain,
        split=split,
        source_id=draft.source_id,
        prompts=in_modes(draft.messages, modes),
        metric=task.metric,
        ground_truth=draft.ground_truth,
        choices=draft.choices,
        license=task.license,
        settings=draft.settings,
        origin=origin,
    )
