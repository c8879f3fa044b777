"""The rows of a task: of a data set on the Hub, read by `datasets`, or of a file with the same fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from llmfusionbench.builders.reading.fields import named
from llmfusionbench.builders.reading.json import Item
from llmfusionbench.builders.reading.parquet import readable_rows
from llmfusionbench.builders.reading.paths import find_path
from llmfusionbench.builders.reading.splits import split_of_word
from llmfusionbench.builders.reading.tables import column_names, read_rows
from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.tasks.hub_data import HubData
from llmfusionbench.builders.tasks.query import Origin
from llmfusionbench.builders.tasks.task import Task
from llmfusionbench.builders.tasks.wrong_fields import check_columns
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import sha256

Pool = Literal["train", "test"] | None
"""What a row may be chosen for; None: the rule of the task decides."""
_BATCH: Final = 1000
_SPLIT: Final = "split"
_SPLITS: Final = "train, or test, validation, val or dev, or no split"


class TaskRows:
    """The rows of a task: those of its file if it has one, or else of its data set on the Hub.

    Args:
        task: The task.
        file: Its rows in a file: JSON, JSON Lines, CSV or Parquet, plain or compressed.
        commit: The commit of the data set to read; by default the latest one.
        note: Called with a line for the user if the rows are those of a cache because the Hub does not answer.

    Raises:
        InputError: the task has neither a file nor a data set.
    """

    def __init__(
        self,
        task: Task,
        file: Path | None = None,
        commit: str | None = None,
        *,
        note: Callable[[str], None],
    ) -> None:
        self.task = task
        self._path = file or task.file
        self._data = HubData(task.dataset, commit, note) if self._path is None and task.dataset is not None else None
        if self._path is None and self._data is None:
            raise InputError(f"task {task.name} has neither a data set nor a file. Remedy: give its file")

    @cached_property
    def origin(self) -> Origin:
        """Where the rows are from, once they were read."""
        if self._data is not None:
            return Origin(dataset=self._data.dataset, revision=self._data.commit)
        assert self._path is not None
        return Origin(file=self._path.name, sha256=sha256(self._path))

    def __iter__(self) -> Iterator[tuple[str, Pool, Item]]:
        """(place, pool, row with its number from 0) of all rows.

        Raises:
            InputError: the file cannot be read, or a field of the task is not there.
            HubError: the data set cannot be read.
        """
        if self._data is None:
            assert self._path is not None
            yield from _of_file(self.task, self._path)
            return
        for config in self.task.configs:
            for split, pool in _splits(self.task):
                place = "/".join(filter(None, (self._data.dataset, config, split)))
                for item in _of_hub(self.task, self._data.split(config, split), place):
                    yield place, pool, item


def _splits(task: Task) -> list[tuple[str, Pool]]:
    if task.test_split is None:
        return [(task.train_split, None)]
    return [(task.train_split, "train"), (task.test_split, "test")]


def _of_file(task: Task, path: Path) -> Iterator[tuple[str, Pool, Item]]:
    """Rows may name their split in a field `split`, in the words of data sets; `val` and `dev` are test data here.

    A row with another word is rejected, since a test row would be trained on by mistake. A task that reads the field as part of
    its text may have other words in it.
    """
    columns = column_names(path, path.name)
    check_columns(task, columns, str(path))
    heads = _heads(task, columns)
    for item in read_rows(path, path.name, {*heads, _SPLIT}):
        pool: Pool = None
        if not isinstance(item, Rejected) and isinstance(item[1], dict):
            number, word = item[0], item[1].get(_SPLIT)
            split = split_of_word(word)
            pool = None if split is None else "train" if split == "train" else "test"
            if split is None and not _is_blank(word) and _SPLIT not in heads:
                item = Rejected(path.name, number, f"split is {named(word)}, expected {_SPLITS}", {})
        yield path.name, pool, item


def _is_blank(word: Any) -> bool:
    return word is None or (isinstance(word, str) and not word.strip())


def _of_hub(task: Task, data: Any, place: str) -> Iterator[Item]:
    check_columns(task, data.column_names, place)
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
