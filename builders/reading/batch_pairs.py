"""Which request file the results of a batch belong to: by the ids in both, then by model, name and folder, never by order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.batch_lines import RESULT, id_of, kind_of
from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.file_names import stem
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError

_ROLES: Final = re.compile(
    r"(?<![a-z])(?:inputs?|in|outputs?|out|errors?|err|results?|requests?|req|responses?|resp|answers?|succeeded|failed)(?![a-z])"
)
"""Words of a file's name that tell its part in a batch rather than the batch."""
_TRIED: Final = 100
"""Records of a file that are looked at to find out whether it holds requests or results."""


@dataclass(frozen=True)
class BatchFile:
    """A file of requests or of results."""

    path: Path
    file: str
    """Its name in messages."""
    kind: str = field(default=RESULT)

    @classmethod
    def of(cls, path: Path, file: str) -> BatchFile:
        """The file, of the kind of its first line that is of either kind."""
        for tried, item in enumerate(read_items(path, file)):
            kind = None if isinstance(item, Rejected) else kind_of(item[1])
            if kind is not None or tried > _TRIED:
                return cls(path, file, kind or RESULT)
        return cls(path, file)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.path.absolute().parent

    @property
    def core(self) -> str:
        """Its name without the words for its part: `monday_output.jsonl` and `monday_errors.jsonl` are both `monday`."""
        return " ".join(re.findall(r"[a-z0-9]+", _ROLES.sub(" ", stem(self.path).lower().replace("_", " "))))

    @cached_property
    def contents(self) -> tuple[frozenset[str], frozenset[str]]:
        """(the ids of its lines, the models that they state)."""
        ids: set[str] = set()
        models: set[str] = set()
        for item in read_items(self.path, self.file):
            record = None if isinstance(item, Rejected) else item[1]
            if not isinstance(record, dict):
                continue
            try:
                ids.add(id_of(record))
            except BadRecordError:  # it is rejected when the file is read
                continue
            models.update(_models(record))
        return frozenset(ids), frozenset(models)


def _models(record: dict[str, Any]) -> list[str]:
    """The model that a line states: of a request, or of a response's body."""
    places = [record.get(name) for name in ("body", "params", "response", "result")]
    inner = [place.get(name) for place in places if isinstance(place, dict) for name in ("body", "message")]
    return [model for place in places + inner if isinstance(place, dict) and isinstance(model := place.get("model"), str)]


Pairs = Mapping[BatchFile, tuple[BatchFile, ...]]
"""File of results -> its files of requests."""


def requests_for(results: BatchFile, requests: Sequence[BatchFile], settled: Pairs) -> tuple[BatchFile, ...]:
    """The files of requests that a file of results answers: one, or several if it holds the results of several.

    Args:
        results: The file of results.
        requests: All files of requests.
        settled: The files of results that are matched already. A file that states no model, such as one of errors, takes the
            requests of those that share its name.

    Raises:
        InputError: several would do, and neither models, folders nor names tell which.
    """
    if len(requests) < 2:
        return tuple(requests)
    ids, served = results.contents
    whole = [one for one in requests if ids <= one.contents[0]]
    if not whole:
        some = [one for one in requests if ids & one.contents[0]]
        shared = [one for one in some if any(ids & one.contents[0] & other.contents[0] for other in some if other is not one)]
        return tuple(some) if not shared else (_nearest(results, some, served, settled),)
    return (_nearest(results, whole, served, settled),)


def _nearest(results: BatchFile, found: list[BatchFile], served: frozenset[str], settled: Pairs) -> BatchFile:
    """The one that fits best by model, then by name, then by folder."""
    models = _asked_for(served, found)
    beside = {} if served else {one: asking for one, asking in settled.items() if one.core == results.core}
    ranks = {one: _fit(results, one, models, beside) for one in found}
    best = [one for one in found if ranks[one] == max(ranks.values())]
    if len(best) > 1:
        names = " and ".join(one.file for one in best[:2])
        raise InputError(
            f"{results.path}: its results could be those of {names}, which have the same ids. "
            "Remedy: give the files of one batch names that differ in input, output or error alone, or a folder of their own"
        )
    return best[0]


def _asked_for(served: frozenset[str], found: Sequence[BatchFile]) -> frozenset[str]:
    """The asked models that served ones stand for: of each the longest beginning, for `gpt-4o-mini-2024` is no `gpt-4o`."""
    asked = frozenset().union(*(one.contents[1] for one in found))
    begun = [[model for model in asked if answer.startswith(model)] for answer in served]
    return frozenset(max(models, key=len) for models in begun if models)


def _fit(results: BatchFile, one: BatchFile, models: frozenset[str], beside: Pairs) -> tuple[int, bool, int, int]:
    """(asked models that answered, whether the name is the same, 2 for namesakes in the folder or 1 for others, folders)."""
    namesakes = [1 + (other.folder == results.folder) for other, asking in beside.items() if one in asking]
    common = sum(1 for mine, theirs in zip(results.folder.parts, one.folder.parts, strict=False) if mine == theirs)
    return len(models & one.contents[1]), results.core == one.core, max(namesakes, default=0), common
