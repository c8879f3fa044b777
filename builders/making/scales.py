"""Scores on another scale than 0 to 1, and costs and latencies in another unit: a column is taken as a whole or not at all.

A column's extremes are known once all records are read, so what is wrong with it is raised then, before anything is published.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.known.statuses import status_word
from llmfusionbench.builders.records import SCORES, Records
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.validation.issue import shorten

Scale = tuple[float, float]
"""The lowest and the highest score that a judge or a metric gives."""

_ROUNDING: Final = 1e-9
"""Share of the scale by which a score may leave it; it counts as the end of the scale."""
_STRAY: Final = 0.1
"""Share of values outside a scale up to which they look like mistakes rather than like another scale."""
_TOPS: Final = (2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 50.0, 100.0, 1000.0)
_PERCENT: Final = 100.0
_FROM_ONE: Final = 10.0
"""Scales up to here begin at 1 where no value is lower, as those of judges do."""
_SHOWN: Final = 10
_UNANSWERED: Final = ("error", "missing")
_UNSCORED: Final = ("empty", *_UNANSWERED)
"""Statuses of answers whose score may be a number that stands for none."""

_FAILURES: Final = (
    "leave out the values -1, if they stand for calls or judgements that failed: drop these records, or make the values null"
)

_ODD: Final[dict[str, tuple[float, str, str, str]]] = {
    "latency_s": (300.0, "seconds", "/1000", "milliseconds"),
    "cost_usd": (10.0, "USD for one answer", "/100", "cents"),
}
"""Our column -> the value that most answers do not exceed, our unit, and the factor of another unit with its name."""


@dataclass
class _Seen:
    """What the values of one column of one file are like."""

    label: str
    """What the file calls the column, and what it is mapped to."""
    theirs: str | None
    mapped: bool
    scale: Scale | None = None
    """The scale that is stated."""
    values: int = 0
    outside: int = 0
    least: float = math.inf
    greatest: float = -math.inf
    least_but_failed: float = math.inf
    """The least value other than -1, infinity if there is none."""
    first: tuple[int | None, float] = (None, math.nan)
    """Record and value of the first one outside."""

    @property
    def failures(self) -> bool:
        """Whether -1 is likely the sign of a call or a judgement that failed: no other value is below 0."""
        return self.least == -1 and self.least_but_failed >= 0

    def add(self, values: npt.NDArray[np.float64], outside: npt.NDArray[np.bool_], rows: pa.Array | None) -> None:
        """Count [n] values, NaN where there is none, of which some are outside."""
        given = values[~np.isnan(values)]
        if not len(given):
            return
        self.values += len(given)
        self.least, self.greatest = min(self.least, float(given.min())), max(self.greatest, float(given.max()))
        self.least_but_failed = min(self.least_but_failed, float(given.min(where=given != -1, initial=math.inf)))
        places = np.flatnonzero(outside)
        if len(places) and not self.outside:
            place = int(places[0])
            self.first = (None if rows is None else rows[place].as_py(), float(values[place]))
        self.outside += len(places)


class Scales:
    """Brings scores to 0..1 where a scale is stated, and refuses columns that are on another one."""

    def __init__(self, stated: Mapping[str, Scale] | None = None) -> None:
        """Args:
            stated: `performance` or `judge_score` -> the ends of its scale in the log.

        Raises:
            UnknownNameError: a name is not that of a column of scores.
            InputError: the ends are not two finite numbers in order.
        """
        self.stated: dict[str, Scale] = {}
        for ours, ends in (stated or {}).items():
            if ours not in SCORES:
                raise UnknownNameError("column of scores", ours, SCORES)
            self.stated[ours] = _ends(ours, ends)
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._met: set[str] = set()
        """Stated columns that a file has."""
        self._shared: set[tuple[str, str]] = set()
        """(file, our column) for scores that are percentages, although a scale is stated."""
        self._percent: set[str] = set()
        """Columns of scores that are percentages in one of the files."""
        self.refused = False
        """Whether a score is outside its scale, so that the build will fail."""

    def apply(self, batch: pa.RecordBatch, part: Records) -> pa.RecordBatch:
        """The batch with its scores from 0 to 1, as far as they are on the scale; all values are counted."""
        for ours in SCORES:
            if ours in batch.schema.names:
                batch = self._score(batch, part, ours)
        for ours, (most, *_) in _ODD.items():
            if ours in part.named and ours in batch.schema.names:
                values = _numbers(batch, ours)
                self._of(batch, part, ours).add(values, values > most, _rows(batch))
        return batch

    def check(self) -> None:
        """Raise what is wrong with the columns that were read.

        Raises:
            InputError: a column has values outside its scale, or in an implausible unit, or no file has a column whose scale is
                stated.
        """
        wrong = [_share_fault(file, ours, self._seen[file, ours]) for file, ours in sorted(self._shared)]
        wrong += [
            self._fault(file, ours, seen)
            for (file, ours), seen in self._seen.items()
            if ours in SCORES and seen.outside and (file, ours) not in self._shared
        ]
        wrong += [
            _unit_fault(file, ours, seen)
            for (file, ours), seen in self._seen.items()
            if ours in _ODD and 2 * seen.outside > seen.values
        ]
        if len(wrong) == 1:
            raise InputError(wrong[0])
        if wrong:
            more = f"\n  ... and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
            raise InputError("\n  ".join([f"Found {len(wrong):,} columns that cannot be taken:", *wrong[:_SHOWN]]) + more)
        for ours in self.stated:
            if ours not in self._met:
                raise InputError(f"--scale {ours}: the files have no {ours} on a scale of their own. Remedy: drop it")

    def _score(self, batch: pa.RecordBatch, part: Records, ours: str) -> pa.RecordBatch:
        stated = None if ours in part.scales else self.stated.get(ours) or part.stated_scales.get(ours)
        low, high = stated or (0.0, 1.0)
        logged = _numbers(batch, ours)
        slack = _ROUNDING * (high - low)
        outside = (logged < low - slack) | (logged > high + slack)
        unscored = outside & _has_status(batch, _UNSCORED)  # whatever number stands for no score
        if ours == "performance":
            unscored |= _has_status(batch, _UNANSWERED)
        outside &= ~unscored
        values = np.where(unscored, np.nan, logged)
        seen = self._of(batch, part, ours)
        seen.scale = stated
        if ours in part.shares:
            self._percent.add(ours)
        if stated and ours in part.shares:
            self._shared.add((self._place(batch), ours))
            self.refused = True
        seen.add(values, outside, _rows(batch))
        self.refused |= seen.outside > 0
        given = ~np.isnan(values)
        if stated and (ours in part.named or given.any()):
            self._met.add(ours)
        near = given & ~outside
        made = np.where(near, (np.clip(values, low, high) - low) / (high - low), values)
        if not stated and np.array_equal(made, logged, equal_nan=True):
            return batch
        batch = _replaced(batch, ours, pa.array(made, pa.float64(), mask=~given))
        if stated and ours == "judge_score":
            batch = _with_rubric(batch, f"{low:g} to {high:g}, mapped to 0 to 1")
            batch = _with_distribution(batch, low, high)
        return batch

    def _of(self, batch: pa.RecordBatch, part: Records, ours: str) -> _Seen:
        theirs = part.named.get(ours)
        label = ours if theirs in (None, ours) else f"{theirs} ({ours})"
        return self._seen.setdefault((self._place(batch), ours), _Seen(label, theirs, part.mapped))

    def _place(self, batch: pa.RecordBatch) -> str:
        file = batch.column("file")[0].as_py() if "file" in batch.schema.names and batch.num_rows else None
        return file or "the input"

    def _fault(self, file: str, ours: str, seen: _Seen) -> str:
        row, value = seen.first
        place = f"{'a record' if row is None else f'record {row}'} is {_shown(value)}"
        extent = f"{seen.values:,} value{'s' * (seen.values > 1)} from {_shown(seen.least)} to {_shown(seen.greatest)}"
        if seen.scale:
            low, high = map(_shown, seen.scale)
            origin = "--scale" if ours in self.stated else "the mapping"
            return (
                f"{file}: {seen.label} of {place}, expected {low} to {high} as {origin} states; "
                f"of {extent}, {_are(seen.outside)} outside. Remedy: correct the values, or the scale"
                f"{f'; {_FAILURES}' if seen.failures and float(low) > -1 else ''}"
            )
        fault = (
            f"{file}: {seen.label} has {extent}, of which {_are(seen.outside)} outside 0 to 1, the scale of a score "
            f"(the first: {place}). The column is refused as a whole. Remedy: "
        )
        if seen.failures and seen.greatest <= 1:
            return f"{fault}{_FAILURES}; if -1 is the lowest score of a scale, state it with --scale {ours}=LOW:HIGH"
        if ours in self._percent:
            return f"{fault}correct the values outside (a percentage such as 50% is read as 0.5){_divided(ours, seen, ', or')}"
        bottom, top = _likely(seen.least_but_failed if seen.failures else seen.least, seen.greatest)
        remedies = [f"state its scale with --scale {ours}={_shown(bottom)}:{_shown(top)}"]
        if seen.mapped and seen.theirs and bottom >= 0:
            remedies.append(f"divide it with --map {ours}={seen.theirs}/{_shown(top)}")
        if seen.outside <= _STRAY * seen.values:
            remedies.insert(0, "correct the values outside")
        return f"{fault}{', or '.join(remedies)}{f'; first {_FAILURES}' if seen.failures else ''}"


def _ends(ours: str, ends: Any) -> Scale:
    try:
        low, high = ends
        if isinstance(ends, (bytes, bytearray, Set, Mapping)) or not all(isinstance(end, Real) for end in (low, high)):
            raise TypeError("no pair of numbers")
        pair = (float(low), float(high))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"the scale of {ours} is {shorten(ends)}, expected two numbers, its lowest and its highest") from error
    if not (0 < pair[1] - pair[0] < math.inf):
        raise InputError(
            f"the scale of {ours} is {low} to {high}, expected two finite numbers, the lower one first, and a finite difference"
        )
    return pair


def _likely(least: float, greatest: float) -> Scale:
    """The scale that values from `least` to `greatest` are most likely on."""
    if least < 0:
        most = math.ceil(max(-least, greatest))
        return -float(most), float(most)
    top = next((top for top in _TOPS if greatest <= top), float(math.ceil(greatest)))
    return (1.0 if least >= 1 and top <= _FROM_ONE else 0.0), top


def _share_fault(file: str, ours: str, seen: _Seen) -> str:
    low, high = map(_shown, seen.scale or (0.0, 1.0))
    return (
        f"{file}: {seen.label} has percentages such as 50%, expected plain numbers beside the scale {low} to {high}. Remedy: "
        f"drop the scale{_divided(ours, seen, ' and') if (low, high) == ('0', '100') else ''}, or write all scores without a "
        "percent sign"
    )


def _divided(ours: str, seen: _Seen, link: str) -> str:
    """How plain numbers are read as percentages beside others with a percent sign, if they may be."""
    if not (seen.mapped and seen.theirs and seen.least >= 0 and 1 < seen.greatest <= _PERCENT):
        return ""
    return f"{link} read plain numbers as percentages, too, with --map {ours}={seen.theirs}/100"


def _unit_fault(file: str, ours: str, seen: _Seen) -> str:
    most, unit, factor, other = _ODD[ours]
    return (
        f"{file}: {seen.label} has {seen.values:,} values from {_shown(seen.least)} to {_shown(seen.greatest)}, of which "
        f"{_are(seen.outside)} above {most:g} {unit}: the unit is likely another one. The column is refused as a whole. "
        f"Remedy: state the unit with --map {ours}={seen.theirs}{factor} for {other}, or with --map {ours}={seen.theirs}*1 if "
        "the values are right"
    )


def _numbers(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
    """[n] float64, NaN for null."""
    return np.array(pc.fill_null(batch.column(name).cast(pa.float64()), math.nan).to_numpy(zero_copy_only=False))


def _has_status(batch: pa.RecordBatch, statuses: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """[n] whether the log states one of `statuses`, in any word for it."""
    if "status" not in batch.schema.names:
        return np.zeros(batch.num_rows, bool)
    said = batch.column("status").cast(pa.string())
    words = [word for word in pc.unique(said).to_pylist() if word is not None and status_word(word) in statuses]
    found: npt.NDArray[np.bool_] = pc.is_in(said, pa.array(words, pa.string())).to_numpy(zero_copy_only=False)
    return found


def _rows(batch: pa.RecordBatch) -> pa.Array | None:
    return batch.column("row") if "row" in batch.schema.names else None


def _replaced(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    return batch.set_column(batch.schema.get_field_index(name), name, values)


def _with_rubric(batch: pa.RecordBatch, scale: str) -> pa.RecordBatch:
    """The scale as the rubric of judgements that state none."""
    said = pc.if_else(batch.column("judge_score").is_valid(), scale, pa.scalar(None, pa.string()))
    if "judge_rubric" not in batch.schema.names:
        return batch.append_column("judge_rubric", said)
    return _replaced(batch, "judge_rubric", pc.coalesce(batch.column("judge_rubric"), said))


def _with_distribution(batch: pa.RecordBatch, low: float, high: float) -> pa.RecordBatch:
    """Distributions over the scores of the scale as those over 0..1."""
    name = "judge_distribution"
    if name not in batch.schema.names or batch.column(name).null_count == batch.num_rows:
        return batch
    lists = batch.column(name)
    made = [
        None if pairs is None else [{**pair, "score": (pair["score"] - low) / (high - low)} for pair in pairs]
        for pairs in lists.to_pylist()
    ]
    return _replaced(batch, name, pa.array(made, lists.type))


def _are(count: int) -> str:
    return f"{count:,} {'is' if count == 1 else 'are'}"


def _shown(value: float) -> str:
    return f"{value:,.12g}".replace(",", "") if abs(value) < 1e15 else f"{value:g}"
