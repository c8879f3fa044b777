"""A file of a table, with the columns that joins add and without the records that conditions leave out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from llmfusionbench.builders.reading.absent import absent_column
from llmfusionbench.builders.reading.cell_texts import cell_texts
from llmfusionbench.builders.reading.conditions import Condition
from llmfusionbench.builders.reading.field_paths import field_paths
from llmfusionbench.builders.reading.joins import Further, Join, Joined, read_join
from llmfusionbench.builders.reading.path_columns import SeenPath, at_path
from llmfusionbench.builders.reading.paths import find_path
from llmfusionbench.builders.reading.tables import Chunk, column_names, read_chunks
from llmfusionbench.builders.records import Note, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_NEAR: Final = 5
_KINDS_OF_SCORE: Final = ("filter", "filter_name", "scorer", "grader", "score_name", "metric_name", "criterion")
"""Columns that tell several scores of one answer apart."""
_MOST_KINDS: Final = 50
CHOOSE: Final = ", choose one: --where"
"""What a warning about kinds of scores has in it."""


@dataclass
class TableFile:
    """A file, read as often as needed."""

    path: Path
    file: str
    """Its name in messages."""
    own: tuple[str, ...]
    """Its columns."""
    where: tuple[Condition, ...] = ()
    joined: tuple[Joined, ...] = ()
    records: int = 0
    """The number of records that were read last, but for rejected ones."""
    left_out: int = 0
    """The number of them that do not fulfil the conditions."""
    _paths: dict[str, SeenPath] = field(default_factory=dict)
    _kinds: dict[str, set[str]] = field(default_factory=dict)
    """Column that names a kind of score and is not read -> some of its values."""

    @classmethod
    def of(
        cls,
        path: Path,
        file: str,
        where: tuple[Condition, ...],
        joins: tuple[Join, ...],
        known: dict[Join, Further] | None = None,
    ) -> TableFile:
        """A file with its columns. Files to join that are not in `known` are read, and added to it.

        Raises:
            InputError: it cannot be read, a condition is on a column that it lacks, or a file cannot be joined.
        """
        own = column_names(path, file)
        joined: list[Joined] = []
        read = {} if known is None else known
        columns = own
        for join in joins:
            _check(path, join.ours, columns, f"to join {join.path.name} by")
            if join not in read:
                read[join] = read_join(join)
            joined.append(read[join].joined(columns))
            columns = [*columns, *joined[-1].columns]
        for condition in where:
            _check(path, condition.theirs, columns, f"for the condition {condition}")
        return cls(path, file, tuple(own), where, tuple(joined))

    @property
    def columns(self) -> list[str]:
        """Its columns and those that are joined."""
        return [*self.own, *(name for joined in self.joined for name in joined.columns)]

    def chunks(self, needed: Sequence[str]) -> Iterator[Chunk | Rejected]:
        """The records with the columns and paths `needed`.

        Raises:
            InputError: no record has one of the paths; the message names the nearest ones.
        """
        self.records = self.left_out = 0
        keys = [joined.further.join.ours for joined in self.joined]
        wanted = list(dict.fromkeys([*needed, *keys, *(condition.theirs for condition in self.where)]))
        columns = self.columns
        self._kinds = {name: set() for name in _KINDS_OF_SCORE if name in columns and name not in wanted}
        wanted += self._kinds
        paths = {name: path for name in wanted if name not in columns and (path := find_path(name, columns))}
        self._paths = {name: SeenPath(path) for name, path in paths.items()}
        heads = list(dict.fromkeys([path.column for path in paths.values()]))
        added = {name: joined for joined in self.joined for name in joined.columns}
        inside = {name: seen for name, seen in self._paths.items() if seen.path.column not in added}
        basic = [n for n in wanted if n in self.own or n in inside]
        further = [n for n in dict.fromkeys([*wanted, *heads]) if n in added]
        for chunk in read_chunks(self.path, self.file, basic, inside):
            if isinstance(chunk, Rejected):
                yield chunk
                continue
            self.records += len(chunk.rows)
            for name, values in self._kinds.items():
                if name in chunk.batch.schema.names and len(values) <= _MOST_KINDS:
                    values |= {*cell_texts(chunk.batch.column(name)).unique().drop_null().to_pylist()}
            made = self._fitting(self._joined(chunk, further, added) if self.joined else chunk)
            if len(made.rows):
                yield made
        for name, seen in self._paths.items():
            if seen.missed and not seen.met:
                raise self._absent(name)

    def notes(self) -> Iterator[Note]:
        """What was joined and left out, once the file was read."""
        for joined in self.joined:
            yield Note(self.file, joined.note(self.records), warning=bool(joined.unmatched))
        for name, values in self._kinds.items():
            if 1 < len(values) <= _MOST_KINDS:
                shown = sorted(values)
                listed = ", ".join(map(shorten, shown[:3]))
                words = f"{name} is not read and has {len(values)} values ({listed}). If an answer has a score for each of them"
                yield Note(self.file, f"{words}{CHOOSE} '{name}={shown[0]}'", warning=True)
        if self.where:
            words = " and ".join(map(str, self.where))
            yield Note(self.file, f"{self.left_out:,} of {self.records:,} records are left out by the condition that {words}")

    def _joined(self, chunk: Chunk, further: Sequence[str], added: Mapping[str, Joined]) -> Chunk:
        batch, nested, problems = chunk.batch, dict(chunk.nested), dict[int, str]()
        for joined in self.joined:
            names = [name for name in further if added[name] is joined]
            columns, inner = joined.of(batch.column(joined.further.join.ours), names)
            for name, column in zip(names, columns, strict=True):
                batch = batch.append_column(name, column)
            nested |= inner
            for name, seen in self._paths.items():
                if added.get(seen.path.column) is joined:
                    batch = batch.append_column(name, at_path(batch.column(seen.path.column), seen, problems))
        return Chunk(batch, chunk.rows, nested).without(problems)

    def _fitting(self, chunk: Chunk) -> Chunk:
        kept = np.ones(len(chunk.rows), bool)
        for condition in self.where:
            kept &= condition.holds(chunk.batch.column(condition.theirs))
        self.left_out += int((~kept).sum())
        return chunk.filter(kept)

    def _absent(self, name: str) -> InputError:
        known = list(field_paths(self.path, self.file))
        near = difflib.get_close_matches(name, known, n=_NEAR, cutoff=0.4) or known[:_NEAR]
        return InputError(f"{self.path}: no record has {name}. The nearest paths: {', '.join(near)}. Remedy: correct the path")


def _check(path: Path, theirs: str, columns: Sequence[str], why: str) -> None:
    if find_path(theirs, columns) is None:
        raise absent_column(str(path), theirs, columns, why)
