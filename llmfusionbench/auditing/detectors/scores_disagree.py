"""Scores that our scorer disagrees with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Bools, Floats, booleans, numbers
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.scoring import METRICS, OFFICIAL, score_column

TOLERANCE: Final = 0.01
"""Difference from which two scores disagree; published ones are often rounded to two decimals."""
UNSCORED: Final = ("code_eval", "judge")
"""Metrics that would run programs, or ask a judge."""


class ScoresDisagree(RowDetector):
    """Scores answers again by the metric of their query, where the log has a score, a text and a ground truth.

    Scores of `metric_version` official are compared with the official metric, all others with ours. Of `math`, only answers
    are scored whose text or number decides.
    """

    name = "scores_disagree"
    columns = ("metric", "metric_version", "response", "ground_truth", "choices", "status", "performance", "prompt")
    title = "Scores that our scorer disagrees with"
    remedy = "Look at the examples, then run llmfusionbench rescore to use our scores, or correct the metric of these tasks"
    severity = "high"
    shown: ClassVar[Mapping[str, str]] = {"prompt": "prompt", "answer": "response", "ground truth": "ground_truth"}
    by = (("task",), ("llm",))

    def __init__(self) -> None:
        super().__init__()
        self.higher = 0
        """Number of answers whose score in the log is the higher one."""

    def judge(self, batch: pa.RecordBatch) -> Judged:
        given, ours = numbers(batch["performance"]), np.full(batch.num_rows, np.nan)
        extracted, reasons = np.full(batch.num_rows, None, object), np.full(batch.num_rows, None, object)
        for metric, official, rows in self._groups(batch, ~np.isnan(given)):
            index = pa.array(rows)
            part = batch.take(index)
            context: dict[str, Any] = {"status": part["status"], "symbolic": False}
            if metric == "em_mc":
                context["choices"] = _as_json(part["choices"], part["query_id"])
            if official:
                context["task"] = part["task"]
            found = score_column(metric, part["response"], part["ground_truth"], official=official, **context)
            ours[rows] = found.values
            extracted[rows], reasons[rows] = found.extracted.to_pylist(), found.reasons.cast(pa.string()).to_pylist()
        gap = np.abs(given - ours)
        hits = np.nan_to_num(gap) > TOLERANCE
        self.higher += int(np.count_nonzero(hits & (given > ours)))

        def note(row: int) -> str:
            answer = "no answer" if extracted[row] is None else f"the answer {extracted[row]!r:.120}"
            return f"The log has {given[row]:.3g}, our scorer {ours[row]:.3g}: it found {answer}, {reasons[row]}."

        return Judged(hits, ~np.isnan(ours), ranks_of(gap, given, extracted), note)

    def merge(self, other: Self) -> None:
        super().merge(other)
        self.higher += other.higher

    def what(self) -> str:
        lower = self.tally.count - self.higher
        return (
            f"{self.tally.count:,} of {self.tally.total:,} recomputed scores differ by more than {TOLERANCE}: "
            f"{self.higher:,} are higher in the log, {lower:,} are lower."
        )

    def _groups(self, batch: pa.RecordBatch, known: Bools) -> list[tuple[str, bool, np.ndarray[Any, np.dtype[np.int64]]]]:
        """(metric, whether by the official one, rows) of what can be scored."""
        texts = booleans(pc.and_(batch["response"].is_valid(), batch["ground_truth"].is_valid()))
        usable = known & texts & booleans(pc.equal(batch["status"], "ok"))
        official = booleans(pc.equal(batch["metric_version"], OFFICIAL))
        found = []
        for metric in sorted(set(batch["metric"].unique().to_pylist()) & METRICS.keys() - set(UNSCORED)):
            for reference in (False, True):
                rows = np.flatnonzero(usable & (official == reference) & booleans(pc.equal(batch["metric"], metric)))
                if rows.size:
                    found.append((metric, reference, rows))
        return found


def ranks_of(gap: Floats, given: Floats, extracted: Any) -> Floats:
    """[n] how telling each disagreement is: first by its size, then where we found an answer that the log scores as wrong."""
    found = np.array([answer is not None for answer in extracted], np.float64)
    return gap + 0.1 * found + 0.05 * (given < 0.5)


def _as_json(lists: pa.Array, query_ids: pa.Array) -> pa.Array:
    """[n] options as JSON texts, which are quicker to compare; those of a query are encoded once."""
    _, first, query = np.unique(query_ids.dictionary_encode().indices.to_numpy(), return_index=True, return_inverse=True)
    options = lists.take(pa.array(first)).to_pylist()
    texts = [None if listed is None else json.dumps(listed, ensure_ascii=False) for listed in options]
    return pa.array(texts, pa.string()).take(pa.array(query))
