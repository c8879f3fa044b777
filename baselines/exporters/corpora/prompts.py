"""The prompts of a corpus, read once before the choice: which are there, which repeat another, which are like a test query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.answer_texts import digest
from llmfusionbench.baselines.exporters.corpora.leakage_guard import THRESHOLD, LeakageGuard
from llmfusionbench.baselines.exporters.corpora.queries import PROMPTS, Mask, Places, Queries, batches, prompts_of
from llmfusionbench.release import Release
from llmfusionbench.texts.near_duplicates import first_near_duplicates
from llmfusionbench.types import normalise_prompt

Duplicates = Literal["exact", "near", "keep"]


@dataclass(frozen=True)
class Prompts:
    """What is known of the prompts of Q queries; their texts are not kept."""

    direct: Mask
    """[Q] there is a text for the direct mode."""
    think: Mask
    """[Q] there is a text for the think mode: its own, or that of the direct mode."""
    digests: Places
    """[Q] the same number for the same prompt; empty unless exact duplicates are dropped."""
    like_test: Mask
    """[Q] the prompt is like that of a test query."""
    kept_out: list[dict[str, Any]]
    """See `LeakageGuard.entries`."""

    @classmethod
    def read(cls, release: Release, queries: Queries, guard: LeakageGuard | None, how: Duplicates) -> Prompts:
        """Read the prompts of `queries`, and show them to the guard."""
        direct, think, digests = [np.zeros(0, bool)], [np.zeros(0, bool)], []
        for batch in batches(release, "queries", queries.splits, ["query_id", "task", *PROMPTS]):
            prompts = prompts_of(batch)
            direct.append(batch["prompt"].is_valid().to_numpy(zero_copy_only=False))
            think.append(prompts.is_valid().to_numpy(zero_copy_only=False))
            if how == "exact":
                texts = (normalise_prompt(text or "") for text in prompts.to_pylist())
                digests += [digest(text.encode("utf-8", "surrogatepass")) for text in texts]
            if guard is not None:
                guard.add(batch)
        like_test, entries = np.zeros(len(queries), bool), []
        if guard is not None:
            guard.finish()
            like_test[guard.like_test], entries = True, guard.entries
        return cls(np.concatenate(direct), np.concatenate(think), np.array(digests, np.int64), like_test, entries)

    def repeated(self, release: Release, queries: Queries, rows: Places, how: Duplicates) -> Mask:
        """[n] which of the queries `rows` repeat an earlier one of them: word for word, or (`near`) nearly.

        For `near` all their prompts are read again, and held in memory.
        """
        repeated = np.ones(len(rows), bool)
        if how == "keep":
            return ~repeated
        if how == "exact":
            repeated[np.unique(self.digests[rows], return_index=True)[1]] = False
            return repeated
        wanted = np.isin(np.arange(len(queries)), rows)
        texts: list[str | None] = []
        start = 0
        for batch in batches(release, "queries", queries.splits, list(PROMPTS)):
            texts += pc.filter(prompts_of(batch), pa.array(wanted[start : start + batch.num_rows])).to_pylist()
            start += batch.num_rows
        return np.asarray(first_near_duplicates(texts, threshold=THRESHOLD) != np.arange(len(rows)), np.bool_)
