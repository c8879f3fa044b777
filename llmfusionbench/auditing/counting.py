"""Rows counted by place, and the most telling examples: the bounded state that detectors hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.finding import EXAMPLES, Example, Place
from llmfusionbench.auditing.signs.personal import masked
from llmfusionbench.evaluation.report.page.text import shorten

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

LONGEST: Final = 400
"""Length of the longest excerpt, in characters, without the note of what is omitted."""
_Z: Final = 1.959964
"""The 97.5th percentile of the normal distribution."""


def excerpt(text: str | None, limit: int = LONGEST) -> str:
    """A text of an example: without its middle if it is long, `(none)` if it is missing, and with personal data masked."""
    return "(none)" if text is None else shorten(masked(text), limit)


def booleans(values: pa.Array) -> Bools:
    """[n] Arrow booleans as a NumPy array; null is False."""
    return np.asarray(values.fill_null(False).to_numpy(zero_copy_only=False), np.bool_)


def numbers(values: pa.Array) -> Floats:
    """[n] float64 of an Arrow column of numbers; null is NaN."""
    return np.asarray(pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def lower_share(count: float, total: int) -> float:
    """The lower end of the 95% interval of a share (Wilson 1927); 0 of no rows."""
    if not total:
        return 0.0
    share, z2 = count / total, _Z**2
    spread = _Z * np.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return float(max(0.0, (share + z2 / (2 * total) - spread) / (1 + z2 / total)))


class Tally:
    """Number of hits and of rows looked at, by the values of some columns."""

    def __init__(self, *columns: str) -> None:
        self.columns = columns or ("llm", "task")
        self.counts: dict[tuple[str, ...], list[int]] = {}
        """Values of the columns -> [hits, rows looked at]."""

    def add(self, batch: pa.RecordBatch, hits: Bools, looked: Bools | None = None) -> None:
        """Count the rows of a batch: `hits` [n] among those that were `looked` at [n], by default all."""
        looked = np.ones(len(hits), np.bool_) if looked is None else looked
        codes = np.zeros(len(hits), np.int64)
        names: list[tuple[str, ...]] = [()]
        for column in self.columns:
            encoded = batch[column].dictionary_encode(null_encoding="encode")
            values = [str(value) for value in encoded.dictionary.to_pylist()]
            codes = codes * len(values) + encoded.indices.to_numpy()
            names = [(*name, value) for name in names for value in values]
        totals = np.bincount(codes[looked], minlength=len(names))
        found = np.bincount(codes[looked & hits], minlength=len(names))
        for i in np.flatnonzero(totals):
            self._add(names[i], int(found[i]), int(totals[i]))

    def add_one(self, *names: str, count: int, total: int) -> None:
        """Count `count` hits in `total` rows of one place."""
        self._add(names, count, total)

    def merge(self, other: Tally) -> None:
        """Add the counts of `other`."""
        for names, (count, total) in other.counts.items():
            self._add(names, count, total)

    @property
    def count(self) -> int:
        """Number of hits."""
        return sum(count for count, _ in self.counts.values())

    @property
    def total(self) -> int:
        """Number of rows looked at."""
        return sum(total for _, total in self.counts.values())

    def by(self, *columns: str) -> dict[str, tuple[int, int]]:
        """Name -> (hits, rows looked at), added up over the other columns; several columns are joined by ` / `."""
        kept = [self.columns.index(column) for column in columns]
        summed: dict[str, tuple[int, int]] = {}
        for names, (count, total) in self.counts.items():
            name = " / ".join(names[i] for i in kept)
            before = summed.get(name, (0, 0))
            summed[name] = (before[0] + count, before[1] + total)
        return summed

    def places(self, *columns: str) -> list[Place]:
        """The places with hits, by the lower end of the interval of their share, the largest first."""
        kind = " / ".join(columns)
        found = [Place(kind, name, count, total) for name, (count, total) in self.by(*columns).items() if count]
        return sorted(found, key=lambda p: (-lower_share(p.count, p.total), p.name))

    def _add(self, names: tuple[str, ...], count: int, total: int) -> None:
        cell = self.counts.setdefault(names, [0, 0])
        cell[0] += count
        cell[1] += total


class Best:
    """The `EXAMPLES` most telling examples. Among equals a hash of the key decides, so that they come from many queries."""

    def __init__(self) -> None:
        self.kept: list[tuple[float, str, Example]] = []
        """(minus the rank, hash of the key, example), the best first."""

    def offer(
        self, batch: pa.RecordBatch, hits: Bools, make: Callable[[int], Example], ranks: npt.ArrayLike | None = None
    ) -> None:
        """Offer the rows of a batch that are hits [n]; `make` is called with the rows that are kept.

        `ranks` [n]: how telling each row is; by default all are equal. NaN counts as the least.
        """
        rows = np.flatnonzero(hits)
        if not rows.size:
            return
        order = np.zeros(rows.size) if ranks is None else -np.nan_to_num(np.asarray(ranks, np.float64)[rows], nan=-np.inf)
        kept = order <= np.partition(order, min(EXAMPLES, rows.size) - 1)[min(EXAMPLES, rows.size) - 1]
        if len(self.kept) == EXAMPLES:
            kept &= order <= self.kept[-1][0]
        keys = [batch[column].take(pa.array(rows[kept])).to_pylist() for column in ("query_id", "llm", "mode", "replicate")]
        placed = sorted(zip(order[kept], map(_digest, zip(*keys, strict=True)), rows[kept], strict=True))[:EXAMPLES]
        self._keep([(float(rank), digest, make(int(row))) for rank, digest, row in placed])

    def offer_one(self, example: Example, rank: float = 0.0) -> None:
        """Offer one example."""
        self._keep([(-rank, _digest((example.query_id, example.llm, example.mode, example.replicate)), example)])

    def merge(self, other: Best) -> None:
        """Offer the examples of `other`."""
        self._keep(other.kept)

    def examples(self) -> list[Example]:
        """The examples, the most telling first."""
        return [example for _, _, example in self.kept]

    def _keep(self, offered: list[tuple[float, str, Example]]) -> None:
        self.kept = sorted([*self.kept, *offered], key=lambda entry: entry[:2])[:EXAMPLES]


def example_of(
    batch: pa.RecordBatch, row: int, texts: Mapping[str, str], note: str | None = None, *, limit: int = LONGEST
) -> Example:
    """A row of a batch as an example; `texts` is label -> column. A missing value is left out."""
    found = {label: batch[column][row].as_py() for label, column in texts.items()}
    shown = {label: excerpt(_text(value), limit) for label, value in found.items() if value is not None}
    key: dict[str, Any] = {column: batch[column][row].as_py() for column in ("query_id", "llm", "mode", "replicate", "task")}
    return Example(**key, texts=shown, note=note)


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _digest(key: tuple[object, ...]) -> str:
    return blake2b("\0".join(map(str, key)).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
