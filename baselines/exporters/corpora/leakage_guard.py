"""The leakage guard: no test query, and no train query like one, may be in a corpus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.answers import TRAIN, Mask, Queries, batches
from llmfusionbench.release import Release
from llmfusionbench.texts.near_duplicates import similar_pairs
from llmfusionbench.types import normalise_prompt

THRESHOLD: Final = 0.8
"""Two prompts are alike from this Jaccard similarity of their sets of word triples."""
_AT_ONCE: Final = 20_000
"""Train prompts compared at a time: the bound on memory."""

Prompts = list[str | None]


@dataclass(frozen=True)
class Guarded:
    """The queries that the guard keeps out."""

    like_test: Mask
    """[Q] the train queries that are like a test query."""
    entries: list[dict[str, Any]] = field(default_factory=list)
    """One per query kept out: `query_id`, `task`, `split`, `reason` (`test_split` or `like_test`), and for the latter `like`
    (`exact` or `near`) and `of`, the id of the query of a test split."""

    def count(self, like: str) -> int:
        return sum(entry.get("like") == like for entry in self.entries)


def guard(release: Release, queries: Queries, *, threshold: float = THRESHOLD) -> Guarded:
    """Find the queries that must not enter a corpus.

    The prompts of the test splits are held in memory; those of the train split are streamed.

    Args:
        release: Where the queries come from.
        queries: Those of its train split.
        threshold: See `duplicates.similar_pairs`.
    """
    tests = [split for split in release.splits if split != TRAIN]
    entries: list[dict[str, Any]] = []
    ids: list[str] = []
    prompts: Prompts = []
    for split in tests:
        for rows, texts in _prompts(release, [split]):
            entries += [{"query_id": q, "task": task, "split": split, "reason": "test_split"} for q, task in rows]
            ids += [query_id for query_id, _ in rows]
            prompts += texts
    alike = np.zeros(len(queries), bool)
    if prompts:
        for entry in _alike(release, ids, prompts, threshold):
            alike[pc.index(queries.ids, entry["query_id"]).as_py()] = True
            entries.append(entry)
    return Guarded(alike, entries)


def _alike(release: Release, ids: Sequence[str], prompts: Prompts, threshold: float) -> Iterator[dict[str, Any]]:
    """One entry per train query that is like a test query."""
    waiting: list[tuple[str, str]] = []
    texts: Prompts = []

    def compared() -> Iterator[dict[str, Any]]:
        for i, j in similar_pairs(texts, prompts, threshold=threshold, limit=1).tolist():
            same = normalise_prompt(prompts[j] or "") == normalise_prompt(texts[i] or "")
            query_id, task = waiting[i]
            yield {
                "query_id": query_id, "task": task, "split": TRAIN, "reason": "like_test",
                "like": "exact" if same else "near", "of": ids[j],
            }  # fmt: skip

    for rows, some in _prompts(release, [TRAIN]):
        waiting += rows
        texts += some
        if len(texts) >= _AT_ONCE:
            yield from compared()
            waiting, texts = [], []
    yield from compared()


def _prompts(release: Release, splits: Sequence[str]) -> Iterator[tuple[list[tuple[str, str]], Prompts]]:
    """Query ids with their tasks, and the prompts that belong to them: those of the direct mode, else of the think mode."""
    for batch in batches(release, "queries", splits, ["query_id", "task", "prompt", "prompt_think"]):
        prompts = pc.coalesce(batch["prompt"], batch["prompt_think"]).to_pylist()
        yield list(zip(batch["query_id"].to_pylist(), batch["task"].to_pylist(), strict=True)), prompts
