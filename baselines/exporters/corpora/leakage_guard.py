"""The leakage guard: no test query, and no train query like one, may be in a corpus."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.queries import PROMPTS, TRAIN, batches, prompts_of
from llmfusionbench.release import Release
from llmfusionbench.texts.near_duplicates import similar_pairs
from llmfusionbench.types import normalise_prompt

THRESHOLD: Final = 0.8
"""Two prompts are alike from this Jaccard similarity of their sets of word triples."""
_AT_ONCE: Final = 20_000
"""Train prompts compared at a time: the bound on memory."""


class LeakageGuard:
    """Compares train queries, as they are read, with the queries of the test splits, whose prompts it holds in memory."""

    def __init__(self, release: Release) -> None:
        self.entries: list[dict[str, Any]] = []
        """One per query kept out: `query_id`, `task`, `split`, `reason` (`test_split` or `like_test`), and for the latter
        `like` (`exact` or `near`) and `of`, the id of the test query."""
        self.like_test: list[int] = []
        """The places of the train queries that are like a test query."""
        self._tests: list[str | None] = []
        for split in (split for split in release.splits if split != TRAIN):
            for batch in batches(release, "queries", [split], ["query_id", "task", *PROMPTS]):
                self._tests += prompts_of(batch).to_pylist()
                keys = batch.select(["query_id", "task"]).to_pylist()
                self.entries += [{**key, "split": split, "reason": "test_split"} for key in keys]
        self._ids = [entry["query_id"] for entry in self.entries]
        self._waiting: list[dict[str, Any]] = []
        self._texts: list[str | None] = []
        self._compared = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next train queries."""
        if self._tests:
            self._waiting += batch.select(["query_id", "task"]).to_pylist()
            self._texts += prompts_of(batch).to_pylist()
        if len(self._texts) >= _AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Compare the train queries that have not been compared."""
        for i, j in similar_pairs(self._texts, self._tests, threshold=THRESHOLD, limit=1).tolist():
            same = normalise_prompt(self._tests[j] or "") == normalise_prompt(self._texts[i] or "")
            found = {"split": TRAIN, "reason": "like_test", "like": "exact" if same else "near", "of": self._ids[j]}
            self.entries.append({**self._waiting[i], **found})
            self.like_test.append(self._compared + i)
        self._compared += len(self._texts)
        self._waiting, self._texts = [], []
