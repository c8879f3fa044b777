"""Small batches of records joined, so that the work on whole columns is done once for thousands of records.

A log of a thousand runs may be a thousand files of ten records each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from llmfusionbench.builders.making.scales import Scales
from llmfusionbench.builders.records import Part, Records, Rejected

_ROWS: Final = 4096
_BYTES: Final = 16 << 20
"""Size of a batch from which it is large enough."""


@dataclass
class _Waiting:
    """Batches that fit together, in their order."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    like: Records | None = None
    """Where the first of them comes from."""
    rows: int = 0
    size: int = 0
    """Bytes."""

    def fits(self, batch: pa.RecordBatch, part: Records) -> bool:
        """Whether a batch may join those that wait: only what its columns and its part state differs never."""
        if self.like is None:
            return True
        alike = (part.repeats, part.paired, part.own) == (self.like.repeats, self.like.paired, self.like.own)
        return alike and self.rows + batch.num_rows <= _ROWS and batch.schema.equals(self.batches[0].schema)

    def add(self, batch: pa.RecordBatch, part: Records) -> None:
        self.like = self.like or part
        self.batches.append(batch)
        self.rows += batch.num_rows
        self.size += batch.nbytes

    def taken(self) -> Iterator[Records]:
        """The batches as one, if there are any; then none wait."""
        if self.like is not None:
            table = pa.Table.from_batches(self.batches).combine_chunks()
            yield Records(table, repeats=self.like.repeats, paired=self.like.paired, own=self.like.own)
        self.batches, self.like, self.rows, self.size = [], None, 0, 0


def gathered(parts: Iterable[Part], scales: Scales) -> Iterator[Part]:
    """The parts in their order, the scores of their records from 0 to 1, and small batches of records joined.

    Notes and the like may come before records that precede them. No records come once a score is outside its scale: the build
    fails then, after all values are counted.
    """
    waiting = _Waiting()
    for part in parts:
        if not isinstance(part, Records):
            if isinstance(part, Rejected):  # those of the records before it come first
                yield from waiting.taken()
            yield part
            continue
        for batch in part.table.combine_chunks().to_batches():
            scaled = scales.apply(batch, part)  # of one file
            if scales.refused:
                continue
            if not waiting.fits(scaled, part):
                yield from waiting.taken()
            waiting.add(scaled, part)
            if waiting.rows >= _ROWS or waiting.size >= _BYTES:
                yield from waiting.taken()
    if not scales.refused:
        yield from waiting.taken()
