"""Results of a re-scoring: means before and after with their intervals, what changed, and why answers have no score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.score_warnings import rescore_warnings
from llmfusionbench.release import Release
from llmfusionbench.statistics import pooled_shares

ROUNDING: Final = 5.1e-5
"""A log with four decimals may differ by this without being another score."""


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
    """Results of a re-scoring."""

    tasks: list[Comparison]
    llms: list[Comparison]
    answers: int
    chosen: int
    """Answers to queries of the chosen metrics: those that were scored again, or have no score now."""
    changed: int
    """Answers whose performance differs by more than rounding, or that gained or lost one."""
    rounded: int
    """Answers whose performance differs by rounding only."""
    missing: dict[str, dict[str, int]]
    """Metric -> reason -> chosen answers without a performance for it."""
    sandbox: str | None
    """The kind of isolation that programs ran in; null where none ran."""
    warnings: list[str] = field(default_factory=list)
    """What is odd about the ground truths and the new scores."""
    release: Release | None = None
    resumed: int = 0
    """Shards that an interrupted earlier run had finished."""

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON; the release by its path."""
        plain = {k: v for k, v in vars(self).items() if k not in ("release", "tasks", "llms")}
        for name, rows in (("tasks", self.tasks), ("llms", self.llms)):
            plain[name] = [asdict(row) | {"before": row.before._asdict(), "after": row.after._asdict()} for row in rows]
        return plain | {"release": None if self.release is None else str(self.release.path)}


def summarise(scores: pa.Table, *, sandbox: str | None, warnings: Sequence[str] = ()) -> RescoreReport:
    """Compare before and after over rows of the key, task, metric, before, after, reason (null: not chosen).

    `warnings` are those that the scores do not show.
    """
    before, after = (scores[c].to_numpy().astype(np.float64) for c in ("before", "after"))
    apart = np.abs(before - after)
    changed = (np.isnan(before) != np.isnan(after)) | (apart > ROUNDING)
    chosen = scores["reason"].is_valid()
    lost = scores.filter(pc.and_(chosen, pc.is_null(scores["after"])))
    missing: dict[str, dict[str, int]] = {}
    counts = lost.group_by(["metric", "reason"]).aggregate([([], "count_all")]).to_pylist()
    for row in sorted(counts, key=lambda r: (r["metric"], -r["count_all"], r["reason"])):
        missing.setdefault(row["metric"], {})[row["reason"]] = row["count_all"]
    answers = _Answers(_codes(scores["query_id"])[0], before, after, changed)
    return RescoreReport(
        tasks=[row for part in _parts(scores["task"], answers) for row in _compared(*part)],
        llms=_compared(scores["llm"], answers),
        answers=scores.num_rows,
        chosen=pc.sum(chosen).as_py() or 0,
        changed=int(changed.sum()),
        rounded=int(((apart > 0) & ~changed).sum()),
        missing=missing,
        sandbox=sandbox,
        warnings=[*warnings, *rescore_warnings(scores.filter(chosen))],
    )


@dataclass(frozen=True)
class _Answers:
    """[n] of each: the number of its query, its performance before and after, and whether that changed."""

    queries: npt.NDArray[np.int64]
    before: npt.NDArray[np.float64]
    after: npt.NDArray[np.float64]
    changed: npt.NDArray[np.bool_]


def _parts(names: pa.ChunkedArray, answers: _Answers) -> Iterator[tuple[pa.ChunkedArray, _Answers]]:
    """The answers of each name."""
    codes, distinct = _codes(names)
    for name in sorted(distinct):
        rows = np.flatnonzero(codes == distinct.index(name))
        yield (
            names.take(pa.array(rows)),
            _Answers(answers.queries[rows], answers.before[rows], answers.after[rows], answers.changed[rows]),
        )


def _compared(names: pa.ChunkedArray, answers: _Answers) -> list[Comparison]:
    """One row per name, by name."""
    codes, distinct = _codes(names)
    size = len(distinct)
    _, query = np.unique(answers.queries, return_inverse=True)
    shape = (int(query.max()) + 1 if len(query) else 0, size)
    cell = query * size + codes
    sums, counts = [], []
    for values in (answers.before, answers.after):
        sums.append(np.bincount(cell, np.nan_to_num(values), shape[0] * size).reshape(shape))
        counts.append(np.bincount(cell, ~np.isnan(values), shape[0] * size).reshape(shape))
    found = pooled_shares(np.concatenate(sums, axis=1), np.concatenate(counts, axis=1))
    estimates = [
        Estimate(_given(mean), _given(low), _given(high), int(scored))
        for mean, low, high, scored in zip(found.mean, found.low, found.high, found.valid, strict=True)
    ]
    rows = np.bincount(codes, minlength=size)
    changed = np.bincount(codes, answers.changed, size)
    compared = [
        Comparison(name, int(rows[i]), estimates[i], estimates[size + i], int(changed[i])) for i, name in enumerate(distinct)
    ]
    return sorted(compared, key=lambda row: row.name)


def _codes(values: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    encoded = values.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _given(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
