"""The answers that LLMs gave, as a dense matrix in which equal answers have equal codes.

Answers are read out of the responses by the metrics' own extraction, so that a vote counts what the score counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.release.failures import ZERO, all_failed_error, check_policy, failed
from llmfusionbench.release.references import first_answers
from llmfusionbench.scoring import score_column
from llmfusionbench.scoring.answers.math import plain_math
from llmfusionbench.scoring.answers.normalise import normalise
from llmfusionbench.scoring.answers.numbers.numbers import last_number
from llmfusionbench.types import ANSWER_KEY, Candidate

VOTABLE: Final = ("em", "em_mc", "f1_score", "gsm8k", "math")
"""Metrics whose extracted answer is a short text of the response alone. `cem` is not among them: what it extracts is the
accepted answer it found, and a vote over that would see the truth. Programs (`code_eval`) do not agree as texts."""
NO_ANSWER: Final = -1

_COLUMNS: Final = [*ANSWER_KEY, "response", "status", "performance", "cost_usd"]


@dataclass(frozen=True)
class AnswerTable:
    """Q queries and C candidates."""

    query_ids: list[str]
    """[Q]"""
    tasks: list[str]
    """[Q]"""
    candidates: list[str]
    """[C] sorted."""
    keys: list[str]
    """[K] the distinct answers in their normal form; a code is a place in this list."""
    answers: npt.NDArray[np.int64]
    """[Q, C] codes; `NO_ANSWER` where the response holds none or is missing."""
    performance: npt.NDArray[np.float32]
    """[Q, C] 0 to 1, 0 for a failed answer; NaN where missing."""
    cost: npt.NDArray[np.float32]
    """[Q, C] USD; NaN where missing."""
    failed: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    """[Q, C] whether the answer failed; by default none did."""

    def __post_init__(self) -> None:
        if not self.failed.size:
            object.__setattr__(self, "failed", np.zeros(self.answers.shape, np.bool_))
        if self.failed.shape != self.answers.shape:
            raise ValueError(f"failed has the shape {self.failed.shape}, expected that of answers, {self.answers.shape}")

    def rows(self, index: npt.NDArray[Any]) -> AnswerTable:
        """Some of the queries, by position or mask."""
        places = np.arange(len(self.query_ids))[index]
        return replace(
            self,
            query_ids=[self.query_ids[i] for i in places],
            tasks=[self.tasks[i] for i in places],
            answers=self.answers[places],
            performance=self.performance[places],
            cost=self.cost[places],
            failed=self.failed[places],
        )

    def columns(self, candidates: Sequence[str]) -> AnswerTable:
        """Some of the candidates, in the order given.

        Raises:
            UnknownNameError: one of them is not in the table.
        """
        places = []
        for name in candidates:
            if name not in self.candidates:
                raise UnknownNameError("candidate", name, self.candidates)
            places.append(self.candidates.index(name))
        return replace(
            self,
            candidates=list(candidates),
            answers=self.answers[:, places],
            performance=self.performance[:, places],
            cost=self.cost[:, places],
            failed=self.failed[:, places],
        )


def answer_key(metric: str, extracted: str | None) -> str | None:
    """The normal form of an extracted answer: "18.00" and "$18" are one number, "The U.S.A." and "USA" one text."""
    if extracted is None:
        return None
    if metric == "gsm8k":
        number = last_number(extracted)
        return None if number is None else " ".join(map(str, number.key))
    return (plain_math(extracted) if metric == "math" else normalise(extracted)) or None


def read_answers(
    release: Release, *, split: str | None = None, candidates: Sequence[str] | None = None, failures: str = ZERO
) -> AnswerTable:
    """The answers of a release to its queries with a metric in `VOTABLE`; texts are read a row group at a time.

    Of replicates the first has the vote. The performance is the release's own; where it holds none, the score of the same
    metric. A failed answer has no vote, and its performance is 0, or missing if `failures` is `missing`.

    Raises:
        InputError: No query has such a metric, a candidate is named twice, or all answers failed and count as missing.
        UnknownNameError: No such split, candidate or policy for failures.
    """
    check_policy(failures)
    names = ["query_id", "task", "metric", "ground_truth", "choices"]
    queries = release.rows("queries", split, columns=names)
    queries = queries.filter(pc.is_in(queries["metric"], pa.array(VOTABLE)))
    if not len(queries):
        raise InputError(
            f"{release.path}: no query has one of the metrics {', '.join(VOTABLE)}, which compare answers. "
            "Remedy: choose another split, or build with a column of metrics (--map metric=COLUMN)"
        )
    if candidates is not None:
        _check_names(candidates, _who_answered(release, split, queries))
    parts = [_read_batch(batch, queries, candidates) for batch in release.batches("responses", split, _COLUMNS)]
    names_of = [name for part in parts for name in part.candidates]
    everyone = sorted(set(names_of))
    place = {name: i for i, name in enumerate(everyone)}
    columns = np.array([place[name] for name in names_of], np.int64)
    rows, replicates = (np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "replicates"))
    first = first_answers(rows, columns, replicates)
    rows, columns = rows[first], columns[first]
    codes: dict[str, int] = {}
    answers = np.full((len(queries), len(everyone)), NO_ANSWER, np.int64)
    given = [NO_ANSWER if k is None else codes.setdefault(k, len(codes)) for p in parts for k in p.keys]
    answers[rows, columns] = np.array(given, np.int64)[first]
    ids, tasks = queries["query_id"].to_pylist(), queries["task"].to_pylist()
    dense = {name: np.full(answers.shape, np.nan, np.float32) for name in ("performance", "cost", "failed")}
    for name, matrix in dense.items():
        matrix[rows, columns] = np.concatenate([getattr(part, name) for part in parts])[first]
    performance, lost = dense["performance"], dense["failed"] == 1
    if failures == ZERO:
        counted = release.routing(split, failures=ZERO)
        known = ~np.isnan(counted.cells_of(counted.performance, ids, everyone))
        performance = np.where(lost & known, np.float32(0), performance)
    if lost.any() and np.isnan(performance).all() and not any(part.answered for part in parts):
        raise all_failed_error(release.path, int(lost.sum()))
    table = AnswerTable(ids, tasks, everyone, list(codes), answers, performance, dense["cost"], lost)
    return table if candidates is None else table.columns(candidates)


def _check_names(candidates: Sequence[str], known: set[str]) -> None:
    for place, name in enumerate(candidates):
        if name not in known:
            raise UnknownNameError("candidate", name, sorted(known))
        if name in candidates[:place]:
            raise InputError(f'candidate "{name}" is named twice, expected once. Remedy: name other candidates')


def _who_answered(release: Release, split: str | None, queries: pa.Table) -> set[str]:
    """The candidates with a response to one of the queries; reads no texts."""
    ids = queries["query_id"].combine_chunks()
    pairs: set[tuple[str, str]] = set()
    for batch in release.batches("responses", split, ["query_id", "llm", "mode"]):
        own = batch.filter(pc.is_in(batch["query_id"], ids))
        pairs.update(zip(own["llm"].to_pylist(), own["mode"].to_pylist(), strict=True))
    return {Candidate(*pair).name for pair in pairs}


@dataclass(frozen=True)
class _Part:
    """N responses: positions of their queries and candidates, and the answers extracted from them."""

    rows: npt.NDArray[np.int64]
    replicates: npt.NDArray[np.int64]
    candidates: list[str]
    keys: list[str | None]
    performance: npt.NDArray[np.float64]
    cost: npt.NDArray[np.float64]
    failed: npt.NDArray[np.float64]
    """[N] 1 for a failure, else 0."""
    answered: bool
    """Whether any of them is an answer that did not fail."""


def _read_batch(batch: pa.RecordBatch, queries: pa.Table, candidates: Sequence[str] | None) -> _Part:
    place = pc.index_in(batch["query_id"], queries["query_id"].combine_chunks())
    pairs = zip(batch["llm"].to_pylist(), batch["mode"].to_pylist(), strict=True)
    names = np.array([Candidate(*pair).name for pair in pairs], object)
    kept = place.is_valid().to_numpy(zero_copy_only=False)
    if candidates is not None:
        kept &= np.isin(names, np.array(candidates, object))
    batch, place = batch.filter(pa.array(kept)), place.filter(pa.array(kept))
    asked = queries.take(place)
    keys: list[str | None] = [None] * len(batch)
    performance = batch["performance"].to_numpy(zero_copy_only=False).astype(np.float64)
    failures = failed(batch).astype(np.float64)
    metrics = np.array(asked["metric"].to_pylist(), object)
    for metric in sorted(set(metrics.tolist())):
        rows = np.flatnonzero(metrics == metric)
        own, mine = asked.take(pa.array(rows)), batch.take(pa.array(rows))
        unscored = pa.array(np.isnan(performance[rows]))
        context = {"choices": own["choices"], "task": own["task"], "status": mine["status"], "compare": unscored}
        scored = score_column(metric, mine["response"], own["ground_truth"], **context)
        for row, extracted in zip(rows.tolist(), scored.extracted.to_pylist(), strict=True):
            keys[row] = answer_key(metric, extracted)
        performance[rows] = np.where(np.isnan(performance[rows]), scored.values, performance[rows])
    cost = batch["cost_usd"].to_numpy(zero_copy_only=False).astype(np.float64)
    rows = place.to_numpy(zero_copy_only=False).astype(np.int64)
    answered = bool(pc.any(pc.equal(batch["status"], "ok")).as_py())
    return _Part(rows, batch["replicate"].to_numpy(), names[kept].tolist(), keys, performance, cost, failures, answered)
