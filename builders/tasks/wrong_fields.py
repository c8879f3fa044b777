"""Fields that a task reads and its rows lack: named with the place that states them, and with the fields that there are."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from llmfusionbench.builders.reading.absent import listed, near
from llmfusionbench.builders.reading.paths import MISSING, find_path, leaves, written
from llmfusionbench.builders.tasks.task import Row, Task
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_SHOWN: Final = 12


def check_columns(task: Task, columns: Collection[str], where: str) -> None:
    """Raises InputError if rows lack fields of a task. `where` names their file, or their split on the Hub."""
    lacking = [name for name in task.fields if find_path(name, columns) is None]
    if not lacking:
        return
    if task.places:
        raise _wrong(task, lacking, columns, where)
    raise InputError(
        f"{where}: no field {', '.join(map(shorten, lacking))}, expected those of task {task.name}; its fields are "
        f"{listed(list(columns), _SHOWN)}. Remedy: give a file with the task's fields, or describe the task in a file of tasks"
    )


def check_inside(task: Task, row: Row, where: str) -> None:
    """Raises InputError if a row has the columns of a person's own task, but not what the task's paths name in them."""
    lacking, inside = [], []
    for name in task.places:
        path = find_path(name, row)
        if path is not None and path.of(row[path.column]) is MISSING:
            lacking.append(name)
            inside += [written(path.column, steps) for steps, _ in leaves(row[path.column])]
    if lacking:
        raise _wrong(task, lacking, list(dict.fromkeys(inside)), where)


def _wrong(task: Task, lacking: Collection[str], known: Collection[str], where: str) -> InputError:
    named = [f"{task.places[name]} names the field {shorten(name)}{near(name, known)}" for name in lacking]
    return InputError(
        f"{'; '.join(named)}, which {where} does not have; its fields are {listed(list(known), _SHOWN)}. "
        "Remedy: correct the file of tasks"
    )
