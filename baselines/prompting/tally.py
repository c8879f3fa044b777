"""The figures of a comparison of methods: means, paired gains over zero-shot, and missing values with their reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.prompting.prompts import PromptSet
from llmfusionbench.baselines.retrievers.queries import Queries
from llmfusionbench.llm.journal import Key, Record
from llmfusionbench.statistics import Figure, figures_of, mean_columns, paired_columns, share_columns

NOT_ASKED: Final = "not asked: the budget was spent"

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MethodFigures:
    """The figures of one method, on all queries or on those of a task."""

    method: str
    task: str | None
    """Null for all."""
    performance: Figure
    scored: int
    missing: int
    """Queries without a performance by this method; none of its means includes them."""
    gain: Figure
    """Performance minus that of zero-shot, over the queries that both have."""
    p: float | None
    """Two-sided p-value of a gain of 0; null without a gain."""
    paired: int
    """The number of those queries."""
    prompt_tokens: Figure
    """Tokens of the prompts, over the queries asked."""
    asked: int
    """The number of those queries."""
    failed: int
    """Calls without an answer."""
    reasons: dict[str, int]
    """Reason for a missing performance -> count."""


class Tally:
    """Means and differences over the queries of a comparison."""

    def __init__(
        self, queries: Queries, sets: Mapping[str, PromptSet], answers: Mapping[Key, Record], resamples: int, seed: int
    ) -> None:
        self.queries, self.sets, self.answers = queries, sets, answers
        self.resamples, self.seed = resamples, seed
        self.methods = list(sets)
        self.performance: Matrix = np.full((len(queries), len(sets)), np.nan)
        self.tokens: Matrix = self.performance.copy()
        row = {name: i for i, name in enumerate(queries.query_ids)}
        for column, (method, made) in enumerate(sets.items()):
            for prompt in made.prompts:
                record = answers.get((prompt.query_id, method))
                if record is None:
                    continue
                self.tokens[row[prompt.query_id], column] = prompt.prompt_tokens
                if record["performance"] is not None:
                    self.performance[row[prompt.query_id], column] = record["performance"]

    def of(self, task: str | None) -> list[MethodFigures]:
        """One row per method."""
        names = self.queries.query_ids
        rows = [i for i, t in enumerate(self.queries.tasks) if task is None or t == task]
        performance = self.performance[rows]
        base = performance[:, [self.methods.index("zero_shot")]] if "zero_shot" in self.methods else np.nan
        gain = performance - base
        if "zero_shot" in self.methods:
            gain[:, self.methods.index("zero_shot")] = np.nan  # zero-shot is not compared with itself
        gained, p = paired_columns(gain, resamples=self.resamples, seed=self.seed)
        means, gains, tokens = map(figures_of, (share_columns(performance), gained, mean_columns(self.tokens[rows])))
        found = []
        for column, method in enumerate(self.methods):
            known = ~np.isnan(performance[:, column])
            reasons: Counter[str] = Counter()
            failed = 0
            for row, has in zip(rows, known.tolist(), strict=True):
                record = self.answers.get((names[row], method))
                failed += record is not None and record["error"] is not None
                if not has:
                    reasons[self._why(names[row], method, record)] += 1
            found.append(
                MethodFigures(
                    method=method,
                    task=task,
                    performance=means[column],
                    scored=int(known.sum()),
                    missing=int((~known).sum()),
                    gain=gains[column],
                    p=None if np.isnan(p[column]) else float(p[column]),
                    paired=int((~np.isnan(gain[:, column])).sum()),
                    prompt_tokens=tokens[column],
                    asked=int((~np.isnan(self.tokens[rows, column])).sum()),
                    failed=failed,
                    reasons=dict(sorted(reasons.items())),
                )
            )
        return found

    def _why(self, name: str, method: str, record: Record | None) -> str:
        """Why a query has no performance by a method."""
        if record is None and name not in self.sets[method].left_out:
            return NOT_ASKED
        if record is None:
            missing = "missing" in self.sets[method].left_out[name]
            return f"no prompt: {'its text is missing' if missing else 'it is too long'}"
        return f"the call failed: {record['error']}" if record["error"] is not None else str(record["reason"])
