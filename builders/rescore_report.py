"""What a re-scoring came to: means before and after with their intervals, what changed, and why answers have no score."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..release import Release
from ..statistics import bootstrap_pooled

ROUNDING: Final = 5.1e-5
"""A log of four decimals is off by so much without being another score."""


class Estimate(NamedTuple):
    """A mean performance with its 95% interval over queries."""

    mean: float | None
    """Over the scored answers; null where there are none."""
    low: float | None
    high: float | None
    scored: int


@dataclass(frozen=True)
class Comparison:
    """A task or an LLM, before and after."""

    name: str
    answers: int
    before: Estimate
    after: Estimate
    changed: int
    """Answers whose performance differs by more than rounding, or that gained or lost one."""


@dataclass(frozen=True)
class RescoreReport:
    """What a re-scoring came to."""

    tasks: list[Comparison]
    llms: list[Comparison]
    answers: int
    chosen: int
    """Answers to queries of the chosen metrics: those that were scored anew, or left without a score."""
    changed: int
    """Answers whose performance differs by more than rounding, or that gained or lost one."""
    rounded: int
    """Answers whose performance differs by rounding only."""
    missing: dict[str, dict[str, int]]
    """Metric -> reason -> chosen answers without a performance for it."""
    sandbox: str | None
    """The kind of isolation that programs ran in; null where none ran."""
    release: Release | None = None
    resumed: int = 0
    """Shards that an earlier run, cut short, had done."""

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it; the release by its path."""
        plain = {k: v for k, v in vars(self).items() if k not in ("release", "tasks", "llms")}
        for name, rows in (("tasks", self.tasks), ("llms", self.llms)):
            plain[name] = [asdict(row) | {"before": row.before._asdict(), "after": row.after._asdict()} for row in rows]
        return plain | {"release": None if self.release is None else str(self.release.path)}


def summarise(scores: pa.Table, *, sandbox: str | None) -> RescoreReport:
    """Compare before and after over rows of query_id, llm, mode, task, metric, before, after, reason (null: not chosen)."""
    before, after = (scores[c].to_numpy().astype(np.float64) for c in ("before", "after"))
    apart = np.abs(before - after)
    changed = (np.isnan(before) != np.isnan(after)) | (apart > ROUNDING)
    chosen = scores["reason"].is_valid()
    lost = scores.filter(pc.and_(chosen, pc.is_null(scores["after"])))
    missing: dict[str, dict[str, int]] = {}
    counts = lost.group_by(["metric", "reason"]).aggregate([([], "count_all")]).to_pylist()
    for row in sorted(counts, key=lambda r: (r["metric"], -r["count_all"], r["reason"])):
        missing.setdefault(row["metric"], {})[row["reason"]] = row["count_all"]
    queries = _codes(scores["query_id"])[0]
    return RescoreReport(
        tasks=_compared(scores["task"], queries, before, after, changed),
        llms=_compared(scores["llm"], queries, before, after, changed),
        answers=scores.num_rows,
        chosen=pc.sum(chosen).as_py() or 0,
        changed=int(changed.sum()),
        rounded=int(((apart > 0) & ~changed).sum()),
        missing=missing,
        sandbox=sandbox,
    )


def _compared(
    names: pa.ChunkedArray,
    queries: npt.NDArray[np.int64],
    before: npt.NDArray[np.float64],
    after: npt.NDArray[np.float64],
    changed: npt.NDArray[np.bool_],
) -> list[Comparison]:
    codes, distinct = _codes(names)
    compared = []
    for code, name in sorted(enumerate(distinct), key=lambda item: item[1]):
        rows = codes == code
        estimates = _estimates(queries[rows], before[rows], after[rows])
        compared.append(Comparison(name, int(rows.sum()), *estimates, int(changed[rows].sum())))
    return compared


def _estimates(queries: npt.NDArray[np.int64], *values: npt.NDArray[np.float64]) -> tuple[Estimate, ...]:
    """The mean of each of the columns, over the same draws of queries."""
    _, group = np.unique(queries, return_inverse=True)
    size = int(group.max()) + 1 if len(group) else 0
    sums = [np.bincount(group, np.nan_to_num(v), size) for v in values]
    counts = [np.bincount(group, ~np.isnan(v), size) for v in values]
    found = bootstrap_pooled(np.stack(sums, axis=1), np.stack(counts, axis=1))
    return tuple(
        Estimate(_given(m), _given(low), _given(high), int(n))
        for m, low, high, n in zip(found.mean, found.low, found.high, found.valid, strict=True)
    )


def _codes(values: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    encoded = values.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _given(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
