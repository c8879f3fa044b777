"""A task: where its rows are on the Hub, how a row becomes a query, and how answers are scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.known.licences import TASK_LICENCES
from llmfusionbench.builders.known.tasks import domain_of
from llmfusionbench.builders.tasks.query import Message
from llmfusionbench.types import DIRECT, THINK

Row = Mapping[str, Any]
"""A row of a data set: field -> value."""
TRAIN: Final = 500
"""Train queries of a task in the reference release, where its data set has as many."""
PARTIAL_TEST: Final = 50
"""Queries of `partial_test`, a part of the test split."""
_THINK_SUFFIX: Final = "Let's think step by step."


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a row of a data set says."""

    messages: Sequence[Message]
    """What is sent in direct mode."""
    ground_truth: str | None
    """In the form that the metric reads; several accepted answers or a list of tests are the text of a JSON array."""
    choices: tuple[str, ...] | None = None
    source_id: str | None = None
    group: str = ""
    """The part of the task that it belongs to, such as the subject of a problem; see `Task.train_per_group`."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """See `Query.settings`."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task. `draft` reads one row, and raises BadRecordError for one that cannot be asked or scored."""

    name: str
    metric: str
    """Name in `METRICS`."""
    draft: Callable[[Row], Draft]
    fields: tuple[str, ...]
    """The fields that `draft` reads and every row has."""
    optional: tuple[str, ...] = ()
    """Further fields that `draft` reads, such as an id."""
    dataset: str | None = None
    """Its id on the Hub."""
    configs: tuple[str | None, ...] = (None,)
    """The configurations of the data set that are read, one after the other."""
    train_split: str = "train"
    """The data set's split that train queries are drawn from."""
    test_split: str | None = None
    """The data set's split that is the test split; None: what is left of `train_split` is."""
    train: int = TRAIN
    """Number of train queries, or of all rows if there are fewer."""
    train_per_group: bool = False
    """Whether `train` is the number of each group of rows."""
    partial_test: int = PARTIAL_TEST
    """Number of test queries that are `partial_test`."""
    citation: str = ""
    """Authors, title, year and place of what describes the data set."""
    domain: str = ""
    license: str | None = None
    """An SPDX identifier; None where the source states none."""
    file: Path | None = None
    """A file with its rows, instead of the Hub."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Field -> where a person's file of tasks names it, such as `tasks.yaml: tasks.riddles.prompt`."""

    def __post_init__(self) -> None:
        known = TASK_LICENCES.get(self.name)
        object.__setattr__(self, "domain", self.domain or domain_of(self.name))
        object.__setattr__(self, "license", self.license or (known.licence if known else None))


def asked(text: str) -> list[Message]:
    """The messages of a prompt that is one text."""
    return [{"role": "user", "content": text}]


def in_modes(messages: Sequence[Message], modes: Sequence[str]) -> dict[str, Sequence[Message]]:
    """Mode -> the messages in it: in `think` the same ones with a request to think step by step, else as they are."""
    return {mode: thinking(messages) if mode == THINK else messages for mode in dict.fromkeys((DIRECT, *modes))}


def thinking(messages: Sequence[Message]) -> list[Message]:
    """The messages with "Let's think step by step." as the end of the last text, by which the query keeps its id."""
    *before, last = messages
    content = last.get("content")
    if isinstance(content, str) or content is None:
        return [*before, {**last, "content": f"{content or ''}\n{_THINK_SUFFIX}"}]
    parts = list(content)
    end = parts[-1] if parts and isinstance(parts[-1], Mapping) else {}
    if isinstance(end.get("text"), str):
        parts[-1] = {**end, "text": f"{end['text']}\n{_THINK_SUFFIX}"}
    else:
        parts.append({"type": "text", "text": _THINK_SUFFIX})
    return [*before, {**last, "content": parts}]
