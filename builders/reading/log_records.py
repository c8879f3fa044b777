"""Chunks of a table as log records, by a mapping of its columns: one answer per row, or one query with many LLMs' answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.cells import Cells
from llmfusionbench.builders.reading.factors import Factor
from llmfusionbench.builders.reading.file_names import stem
from llmfusionbench.builders.reading.mapping import COLUMNS, ROUNDS, TableMapping
from llmfusionbench.builders.reading.own_names import REQUIRED, is_validation, misfits
from llmfusionbench.builders.reading.tables import Chunk, read_chunks
from llmfusionbench.builders.reading.usage import USAGE, names_in_file, names_with_usage, with_usage
from llmfusionbench.builders.reading.written_numbers import TOKENS, Seen
from llmfusionbench.builders.records import LOG, SCORES, Note, Part, Records, Rejected, leave_out, refuse
from llmfusionbench.errors import InputError
from llmfusionbench.types import DIRECT, Candidate
from llmfusionbench.validation.issue import shorten

_UNKNOWN: Final = "unknown"
_FIRST: Final = 4096
"""The number of records that decide whether a column with one of our names fits."""
_IN: Final = {
    "cost_usd": "in USD", "latency_s": "in seconds", **dict.fromkeys(TOKENS, "in tokens"),
    **dict.fromkeys(SCORES, "from 0 to 1"),
}  # fmt: skip
"""Our column -> the unit that the numbers of its cells are brought to."""
Reader = Callable[[Sequence[str]], Iterator[Chunk | Rejected]]
"""Reads some columns and paths of a file."""


@dataclass(frozen=True)
class Reading:
    """How the chunks of one file become parts."""

    path: Path
    file: str
    mapping: TableMapping
    constants: dict[str, pa.Scalar]
    sources: dict[str, str]
    others: dict[str, list[str]]
    """Our column -> further columns that may hold its value."""
    answers: dict[str, dict[str, str]]
    """LLM -> our column -> theirs, in a wide table."""
    factors: dict[str, Factor] = field(default_factory=dict)
    """Our column -> what its numbers are multiplied or divided by."""
    unstated: dict[str, str] = field(default_factory=dict)
    """Our column -> theirs, for costs and latencies in a unit that no name states."""
    left_out: list[tuple[str, bool]] = field(default_factory=list)
    """What is not read of costs and latencies, and whether it is worth a warning."""
    columns: tuple[str, ...] = ()
    """The columns of the file."""
    scales: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Our column of scores -> the scale that it was brought to 0..1 from, if the format has one."""
    split: str | None = None
    """The split of records that name none, if it is not that of the mapping."""
    source: Reader | None = None
    """Reads the columns of the file that are needed; by default `read_chunks`."""
    own: dict[str, str] = field(default_factory=dict)
    """Our column -> theirs, of those that bear our names and were not mapped."""
    least: int | None = None
    """The least number of an answer in all files, if it is known."""
    from_one: bool = False
    """Whether the numbers of replicates begin at 1."""
    remedies: dict[str, str] = field(default_factory=dict)
    """Our column -> what can be done where a cell does not fit."""
    seen: Seen = field(default_factory=Seen)
    """What the cells that were read have beside plain numbers."""

    @classmethod
    def of(
        cls,
        path: Path,
        file: str,
        columns: Sequence[str],
        mapping: TableMapping,
        split: str | None,
        made: str | None = None,
        source: Reader | None = None,
    ) -> Reading:
        """How a file with `columns` is read. Records that name no split have `split`, and all have the provenance `made`.

        Raises:
            InputError: the file lacks a column that the mapping names or that a log needs, or a constant does not fit.
        """
        if made is not None:
            mapping = replace(mapping, constants={**mapping.constants, "provenance": made})
        mapping.check(columns, str(path))
        answers = _answers(mapping, columns, path) if mapping.wide else {}
        named = names_with_usage(columns)
        return cls(
            path,
            file,
            mapping,
            _defaults(mapping, path, split),
            mapping.source_of(named),
            mapping.others_of(named),
            answers,
            mapping.factors_of(columns),
            mapping.unstated_units(columns),
            list(mapping.left_out(columns)),
            tuple(columns),
            split=split,
            source=source,
            own=(own := mapping.own_of(named)),
            remedies={ours: leave_out(ours) for ours in own if ours not in REQUIRED} | mapping.remedies_of(named),
        )

    def read(
        self,
        check: Callable[[Chunk], tuple[Chunk, list[Rejected]]] | None = None,
        chunks: Iterable[Chunk | Rejected] | None = None,
    ) -> Iterator[Part]:
        """Everything in the file. `check` takes rejected records out of a chunk; `chunks` have the `needed` columns."""
        source = self.source or partial(read_chunks, self.path, self.file)
        parts = _examined(source(self.needed()) if chunks is None else chunks, check)
        first = _first(parts) if self.own else []
        reading, notes = self._fitting([chunk for chunk in first if not isinstance(chunk, Rejected)])
        yield from notes
        for ours, factor in reading.factors.items():
            theirs = reading.mapping.wide.get(ours, reading.sources.get(ours))
            yield Note(self.file, f"{theirs} is taken as {ours}, {factor.words()}")
        for text, alone in reading.left_out:
            yield Note(self.file, text, warning=alone)
        for ours in reading.mapping.words:
            if ours not in {*reading.sources, *reading.constants, *reading.mapping.wide}:
                words = f"the values of {ours} are not used, since no column fills it. Remedy: map it with --map {ours}=NAME"
                yield Note(self.file, words, warning=True)
        for chunk in chain(_drained(first), parts):
            if isinstance(chunk, Rejected):
                yield chunk
            else:
                yield from reading._parts(chunk)
        for ours, text in reading.seen.units.items():
            theirs = reading.mapping.wide.get(ours, reading.sources.get(ours))
            yield Note(self.file, f"{theirs} has numbers with a unit, such as {shorten(text)}: taken as {ours} {_IN[ours]}")

    def _fitting(self, chunks: Sequence[Chunk]) -> tuple[Reading, list[Note]]:
        """The reading without columns that bear our names and mostly do not fit, by the first records, and notes of them.

        Raises:
            InputError: the file lacks what a log needs without them.
        """
        cells = [self._cells(chunk) for chunk in chunks]
        found = misfits(self.own, cells, self.factors, scored="judge_score" in self.sources) if self.own else {}
        reading = self
        if found:
            mapping = replace(self.mapping, ignored=self.mapping.ignored | {*found})
            try:
                reading = Reading.of(self.path, self.file, self.columns, mapping, self.split, source=self.source)
            except InputError as error:
                raise InputError(f"{error}. Note that {'; '.join(found.values())}") from error
            reading = replace(reading, scales=self.scales, seen=self.seen)
        counted = reading.own.get("replicate")
        if counted in ROUNDS:
            known = [n for n in (self.least, least_round(cells, counted)) if n is not None]
            reading = replace(reading, from_one=min(known, default=0) > 0)
        return reading, [*(Note(self.file, words, warning=True) for words in found.values()), *reading._by_name(cells)]

    def _by_name(self, cells: Sequence[Cells]) -> Iterator[Note]:
        """What is made of the values of columns that bear our names."""
        counted, label = self.own.get("replicate"), self.sources.get("split")
        if counted in ROUNDS:
            yield Note(self.file, f"{counted} is taken as replicate{', counted from 0 in place of 1' if self.from_one else ''}")
        if label and any(is_validation(c.batch.column(label)) for c in cells if label in c.batch.schema.names):
            yield Note(self.file, f"{label}: words for validation data are taken as partial_test")

    def _cells(self, chunk: Chunk) -> Cells:
        batch = with_usage(chunk.batch, chunk.nested.get(USAGE))
        return Cells(batch, nested=chunk.nested, words=self.mapping.words, remedies=self.remedies, seen=self.seen)

    def needed(self) -> list[str]:
        """The columns of the file that are read."""
        wide = (column for columns in self.answers.values() for column in columns.values())
        further = (column for columns in self.others.values() for column in columns)
        return names_in_file([*self.sources.values(), *further, *wide], self.columns)

    def _parts(self, chunk: Chunk) -> Iterator[Part]:
        """The records of a chunk; for a wide table the queries first, then the answers of each LLM."""
        cells = self._cells(chunk)
        columns: dict[str, pa.Array] = {"file": pa.array([self.file] * len(chunk.rows)), "row": pa.array(chunk.rows)}
        for ours in COLUMNS:
            if ours in self.sources:
                columns[ours] = cells.column(ours, self.sources[ours], LOG.field(ours).type, self.factors.get(ours))
                for theirs in self.others.get(ours, ()):
                    columns[ours] = pc.coalesce(columns[ours], cells.column(ours, theirs, LOG.field(ours).type))
            if ours in self.constants:
                constant = pa.repeat(self.constants[ours], len(chunk.rows))
                columns[ours] = pc.coalesce(columns[ours], constant) if ours in columns else constant
        if self.from_one:
            columns["replicate"] = pc.subtract(columns["replicate"], 1)
        if not self.mapping.wide:
            for i in np.flatnonzero(columns["llm"].is_null().to_numpy(zero_copy_only=False)).tolist():
                cells.problems.setdefault(i, []).append(
                    f"{self.sources.get('llm', 'llm')} is empty, expected the name of an LLM"
                )
            yield from self._checked(_with_candidates(columns), cells)
            return
        common = {k: v for k, v in columns.items() if k not in ("llm", "mode")}
        yield from self._checked(common, cells)
        broken = set(cells.problems)
        for llm, sources in self.answers.items():
            cells.problems.clear()
            answer = {
                ours: cells.column(ours, theirs, LOG.field(ours).type, self.factors.get(ours))
                for ours, theirs in sources.items()
            }
            asked = _any_said(cells, sources)
            asked[list(broken)] = False
            names = {"llm": pa.array([llm] * len(chunk.rows))} | ({"mode": columns["mode"]} if "mode" in columns else {})
            yield from self._checked(_with_candidates(common | answer | names), cells, asked)

    def _checked(
        self, columns: dict[str, pa.Array], cells: Cells, wanted: npt.NDArray[np.bool_] | None = None
    ) -> Iterator[Part]:
        """The wanted records, and those of them whose cells do not fit."""
        table, problems = pa.table(columns), cells.problems
        if wanted is not None:
            place = np.cumsum(wanted) - 1
            table = table.filter(pa.array(wanted))
            problems = {int(place[i]): found for i, found in problems.items() if wanted[i]}
        kept, rejected = refuse(table, problems)
        yield from rejected
        scores = {c: n for c in SCORES if (n := self.mapping.wide.get(c, self.sources.get(c)))}
        mapped = self.mapping.own_names and not self.mapping.wide and not {*SCORES} & {*self.factors}
        yield Records(
            kept,
            scores | {ours: theirs for ours, theirs in self.unstated.items() if ours not in self.seen.units},
            mapped,
            self.scales,
            stated_scales=self.mapping.scales_of(self.columns),
            own=self.own,
            repeats=self.mapping.own_names,
            shares=frozenset(self.seen.units) & {*SCORES},
        )


def least_round(cells: Sequence[Cells], theirs: str) -> int | None:
    """The least number of an answer among several in a column of some records; None if there is none."""
    numbers = [c.column("replicate", theirs, pa.int64()) for c in cells]
    return min((n for array in numbers if (n := pc.min(array).as_py()) is not None), default=None)


def _examined(
    parts: Iterable[Chunk | Rejected], check: Callable[[Chunk], tuple[Chunk, list[Rejected]]] | None
) -> Iterator[Chunk | Rejected]:
    """The parts, with the records that a check takes out of each chunk as rejected ones."""
    for part in parts:
        if isinstance(part, Rejected) or check is None:
            yield part
        else:
            kept, rejected = check(part)
            yield from rejected
            yield kept


def _drained(parts: list[Chunk | Rejected]) -> Iterator[Chunk | Rejected]:
    """The parts, none of which is kept in memory longer than needed."""
    parts.reverse()
    while parts:
        yield parts.pop()


def _first(parts: Iterator[Chunk | Rejected]) -> list[Chunk | Rejected]:
    """The first parts, with some thousand records or all of them."""
    found: list[Chunk | Rejected] = []
    rows = 0
    for part in parts:
        found.append(part)
        rows += 1 if isinstance(part, Rejected) else len(part.rows)
        if rows >= _FIRST or len(found) >= _FIRST:
            break
    return found


def _with_candidates(columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Names such as `name_think` and `name@high` split into LLM and mode. Where a record states its mode, `@host` is a name."""
    llms = columns["llm"].dictionary_encode()
    modes = columns.get("mode", pa.nulls(len(columns["llm"]), pa.string())).dictionary_encode()
    names, stated = llms.dictionary.to_pylist(), [*modes.dictionary.to_pylist(), None]
    codes = [pc.fill_null(e.indices.cast(pa.int64()), n).to_numpy() for e, n in ((llms, len(names)), (modes, len(stated) - 1))]
    pairs, rows = np.unique(codes[0] * len(stated) + codes[1], return_inverse=True)
    found = [_candidate([*names, None][pair // len(stated)], stated[pair % len(stated)]) for pair in pairs.tolist()]
    take = pa.array(rows.reshape(-1))
    parts = zip(("llm", "mode"), zip(*found, strict=True), strict=True) if found else ()
    return columns | {name: pa.array(values, pa.string()).take(take) for name, values in parts}


def _candidate(name: str | None, mode: str | None) -> tuple[str | None, str | None]:
    """LLM and mode that a record names, given the mode that it states; None for what it does not state."""
    if name is None:
        return None, mode
    found = Candidate.parse(name)
    if mode in (None, found.mode):
        return found.llm, None if mode is None and found.mode == DIRECT else found.mode
    plain = Candidate.of_two_modes(name)
    return plain.llm, plain.mode if plain.mode != DIRECT else mode


def _any_said(cells: Cells, sources: Mapping[str, str]) -> npt.NDArray[np.bool_]:
    """[n] whether any cell of an answer has a value."""
    said = np.zeros(cells.batch.num_rows, bool)  # what is nested is in the batch as a text
    for theirs in sources.values():
        column = cells.batch.column(theirs)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            said |= pc.fill_null(pc.not_equal(column, ""), False).to_numpy(zero_copy_only=False)
        else:
            said |= column.is_valid().to_numpy(zero_copy_only=False)
    return said


def _defaults(mapping: TableMapping, path: Path, split: str | None) -> dict[str, pa.Scalar]:
    """The values of records that state no others."""
    texts = {"task": stem(path), "metric": _UNKNOWN, "split": split or mapping.split or "train"} | mapping.constants
    found = {}
    for ours, value in texts.items():
        words = mapping.words if ours in mapping.constants else {}
        cells = Cells(pa.record_batch({ours: pa.array([value])}), words=words)
        found[ours] = cells.column(ours, ours, LOG.field(ours).type)[0]
        if ours in SCORES and cells.seen.units:
            raise InputError(f"the constant {ours} is {shorten(value)}, expected a number, such as 0.5. Remedy: correct it")
        if cells.problems:
            raise InputError(f"the constant {cells.problems[0][0]}. Remedy: correct it in the mapping")
    return found


def _answers(mapping: TableMapping, columns: Sequence[str], path: Path) -> dict[str, dict[str, str]]:
    """LLM -> our column -> theirs, for the columns that the file has."""
    found = {}
    for llm in mapping.llms_in(columns):
        named = {ours: pattern.replace("{llm}", llm) for ours, pattern in mapping.wide.items()}
        there = {ours: theirs for ours, theirs in named.items() if theirs in columns}
        if not there:
            TableMapping(columns=named).check(columns, str(path))
        found[llm] = there
    mapping.check_patterns(columns, str(path))
    return found
