"""Tasks where one answer to every query does well."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Final, Self

import numpy as np
import pyarrow as pa

from llmfusionbench.auditing.counting import Best, example_of, lower_share, numbers
from llmfusionbench.auditing.finding import EXAMPLES, Finding, Place

SHARE: Final = 0.75
"""A constant answer does well if it reaches this share of the LLMs' mean score."""
MIN_QUERIES: Final = 20
"""Smallest number of queries with a ground truth in a task that is looked at."""
LONGEST: Final = 32
"""Length of the longest ground truth that counts as short, in characters."""
_DISTINCT: Final = 4096
"""Number of different ground truths of a task that are counted; a frequent one is among the first."""
_ILLUSTRATED: Final = 8
"""Number of them for which examples are kept."""


class _Task:
    """What is known of a task."""

    def __init__(self) -> None:
        self.truths: Counter[str] = Counter()
        """Short ground truth -> number of queries."""
        self.queries = 0
        """Number of queries with a ground truth."""
        self.score_sum = 0.0
        self.scores = 0
        self.examples: dict[str, Best] = {}
        """Ground truth -> queries that have it."""


class ConstantAnswers:
    """Compares the most frequent short ground truth of each task with the mean score of the LLMs.

    The share of the constant answer is the lower end of its 95% interval over the queries of the task.
    """

    name = "constant_answers"
    columns = ("ground_truth", "performance", "prompt")

    def __init__(self) -> None:
        self.tasks: defaultdict[str, _Task] = defaultdict(_Task)

    def look(self, batch: pa.RecordBatch) -> None:
        """Count the ground truth of each query once, and sum the scores."""
        scores = numbers(batch["performance"])
        encoded = batch["task"].dictionary_encode()
        codes, names = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
        known = ~np.isnan(scores)
        for code, name in enumerate(names):
            self.tasks[name].score_sum += float(scores[known & (codes == code)].sum())
            self.tasks[name].scores += int(np.count_nonzero(known & (codes == code)))
        _, first = np.unique(batch["query_id"].dictionary_encode().indices.to_numpy(), return_index=True)
        truths = batch["ground_truth"].take(pa.array(first)).to_pylist()
        for row, truth in zip(first.tolist(), truths, strict=True):
            self._count(self.tasks[names[codes[row]]], truth, batch, row)

    def merge(self, other: Self) -> None:
        """Add the counts of `other`."""
        for name, theirs in other.tasks.items():
            mine = self.tasks[name]
            mine.queries += theirs.queries
            mine.score_sum += theirs.score_sum
            mine.scores += theirs.scores
            for truth, count in theirs.truths.items():
                if truth in mine.truths or len(mine.truths) < _DISTINCT:
                    mine.truths[truth] += count
            for truth, best in theirs.examples.items():
                mine.examples.setdefault(truth, Best()).merge(best)

    def findings(self) -> list[Finding]:
        """One finding for all such tasks."""
        found = []
        for name, task in sorted(self.tasks.items()):
            if task.queries < MIN_QUERIES or not task.scores or not task.truths:
                continue
            truth, count = min(task.truths.items(), key=lambda entry: (-entry[1], entry[0]))
            mean = task.score_sum / task.scores
            if lower_share(count, task.queries) >= SHARE * mean:
                found.append((name, truth, count, task, mean))
        if not found:
            return []
        found.sort(key=lambda entry: entry[4] - entry[2] / entry[3].queries)
        words = [
            f"{name}: {truth!r} is right for {count / task.queries:.0%} of the queries, the LLMs' mean score is {mean:.3f}"
            for name, truth, count, task, mean in found
        ]
        examples = [e for _, truth, _, task, _ in found for e in task.examples.get(truth, Best()).examples()]
        return [
            Finding(
                detector=self.name,
                title="A constant answer does well",
                what="; ".join(words[:3]) + ("; and more." if len(words) > 3 else "."),
                count=sum(count for _, _, count, _, _ in found),
                total=sum(task.queries for _, _, _, task, _ in found),
                remedy="Balance the ground truths of these tasks, or report their scores beside that of the constant answer",
                severity="medium" if any(count / task.queries >= mean for _, _, count, task, mean in found) else "low",
                places=[Place("task", name, count, task.queries) for name, _, count, task, _ in found],
                examples=examples[:EXAMPLES],
            )
        ]

    def _count(self, task: _Task, truth: str | None, batch: pa.RecordBatch, row: int) -> None:
        if truth is None or not truth.strip():
            return
        task.queries += 1
        key = truth.strip().casefold()
        if len(key) > LONGEST or (key not in task.truths and len(task.truths) >= _DISTINCT):
            return
        task.truths[key] += 1
        if key in task.examples or len(task.examples) < _ILLUSTRATED:
            shown = example_of(batch, row, {"prompt": "prompt", "ground truth": "ground_truth"})
            task.examples.setdefault(key, Best()).offer_one(replace(shown, llm=None, mode=None, replicate=None))
