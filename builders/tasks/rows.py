"""The rows of a task: of a data set on the Hub, read by `datasets`, or of a file with the same fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from llmfusionbench.builders.reading.json import Item
from llmfusionbench.builders.reading.parquet import readable_rows
from llmfusionbench.builders.reading.paths import find_path
from llmfusionbench.builders.reading.splits import split_of_word
from llmfusionbench.builders.reading.tables import column_names, read_rows
from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.tasks.task import Task
from llmfusionbench.errors import HubError, InputError
from llmfusionbench.redaction import harmless
from llmfusionbench.validation.issue import shorten

Pool = Literal["train", "test"] | None
"""What a row may be chosen for; None: the rule of the task decides."""
_BATCH: Final = 1000
_SPLIT: Final = "split"
_SHOWN: Final = 200


def rows_of(task: Task, file: Path | None = None) -> Iterator[tuple[str, Pool, Item]]:
    """(place, pool, row with its number from 0) of all rows of a task, from its file if it has one, or else from the Hub.

    Args:
        task: The task.
        file: Its rows in a file: JSON, JSON Lines, CSV or Parquet, plain or compressed.

    Raises:
        InputError: the file cannot be read, or has none of the fields.
        HubError: the data set cannot be read, or lacks a field.
    """
    path = file or task.file
    if path is not None:
        yield from _of_file(task, path)
        return
    if task.dataset is None:
        raise InputError(f"task {task.name} has neither a data set nor a file. Remedy: give its file")
    for config in task.configs:
        for split, pool in _splits(task):
            place = "/".join(filter(None, (task.dataset, config, split)))
            for item in _of_hub(task, config, split, place):
                yield place, pool, item


def _splits(task: Task) -> list[tuple[str, Pool]]:
    if task.test_split is None:
        return [(task.train_split, None)]
    return [(task.train_split, "train"), (task.test_split, "test")]


def _of_file(task: Task, path: Path) -> Iterator[tuple[str, Pool, Item]]:
    """Rows may name their split in a field `split`, in the words of data sets; `val` and `dev` are test data here."""
    columns = column_names(path, path.name)
    lacking = [name for name in task.fields if find_path(name, columns) is None]
    if lacking:
        found = ", ".join(map(shorten, columns[:12])) or "none"
        raise InputError(
            f"{path}: no field {', '.join(map(shorten, lacking))}, expected those of task {task.name}; the file has {found}. "
            f"Remedy: rename its fields, or describe the task in a file of tasks"
        )
    for item in read_rows(path, path.name, {*_heads(task, columns), _SPLIT}):
        pool: Pool = None
        if not isinstance(item, Rejected) and isinstance(item[1], dict):
            word = split_of_word(item[1].get(_SPLIT))
            pool = None if word is None else "train" if word == "train" else "test"
        yield path.name, pool, item


def _of_hub(task: Task, config: str | None, split: str, place: str) -> Iterator[Item]:
    data = _loaded(task.dataset or "", config, split)
    lacking = [name for name in task.fields if find_path(name, data.column_names) is None]
    if lacking:
        raise HubError(
            f"{task.dataset}: split {split} has no field {', '.join(lacking)}, its fields are {', '.join(data.column_names)}. "
            f"Remedy: give a file with the task's fields"
        )
    data = data.select_columns(_heads(task, data.column_names)).with_format("arrow")
    number = 0
    for table in data.iter(batch_size=_BATCH):
        for batch in table.to_batches():
            for part in readable_rows(batch, place, number):
                if isinstance(part, Rejected):
                    yield part
                    number += 1
                    continue
                for row in part.to_pylist():
                    yield number, row
                    number += 1


def _heads(task: Task, columns: Sequence[str]) -> list[str]:
    """Those of the columns that the task reads."""
    paths = [find_path(name, columns) for name in (*task.fields, *task.optional)]
    return list(dict.fromkeys(path.column for path in paths if path is not None))


@cache
def _loaded(dataset: str, config: str | None, split: str) -> Any:
    """A split of a data set, from the Hub or from the cache of `datasets`.

    Raises:
        HubError: it is not there, is gated, or the Hub does not answer.
    """
    import datasets
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # its name for whichever HTTP client it uses

    # A RuntimeError is raised for a data set that is a program, which is never run.
    failures = (datasets.exceptions.DatasetsError, httpx.HTTPError, OSError, ValueError, RuntimeError)
    try:
        return datasets.load_dataset(dataset, config, split=split)
    except failures as error:
        words = " ".join(str(error).split())[:_SHOWN]
        where = "/".join(filter(None, (dataset, config, split)))
        raise HubError(
            f"{where}: cannot be loaded ({type(error).__name__}: {words}). Remedy: check the network and HF_TOKEN, or give the "
            f"rows as a file with --task-file"
        ) from harmless(error)
