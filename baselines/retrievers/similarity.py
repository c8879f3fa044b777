"""Similarity of a query and the query behind a template: same task, shared keywords, and agreement of the LLMs' scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.baselines.retrievers.queries import Queries
from llmfusionbench.baselines.routers.skills import vocabulary
from llmfusionbench.release.routing_table import RoutingTable

_KEYWORDS, _LEAST = 2000, 5
_CELLS: Final = 2**22

Block = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]


class Similarity:
    """Measures of every query with every template, in blocks of queries."""

    def __init__(self, library: TemplateLibrary, queries: Queries, train: RoutingTable, test: RoutingTable) -> None:
        shared = sorted(set(train.candidates) & set(test.candidates))
        self.left = _rows_of(test, queries.query_ids, shared)
        self.right = _rows_of(train, library.query_ids, shared)
        code = {task: i for i, task in enumerate(sorted({*queries.tasks, *library.tasks}))}
        self.tasks = np.array([code[t] for t in queries.tasks]), np.array([code[t] for t in library.tasks])
        words = vocabulary(library.prompts, _KEYWORDS, _LEAST)
        self.keywords = _keywords(queries.prompts, words), _keywords(library.prompts, words)

    def blocks(self) -> Iterator[tuple[int, tuple[Block, Block, Block]]]:
        """First query of a block, and [b, N] float32 of each measure; NaN where it is undefined."""
        tall = max(1, _CELLS // max(1, len(self.right)))
        for start in range(0, len(self.left), tall):
            part = slice(start, min(start + tall, len(self.left)))
            same = (self.tasks[0][part, None] == self.tasks[1][None, :]).astype(np.float32)
            yield start, (same, self._skills(part), self._agreement(part))

    def _skills(self, part: slice) -> Block:
        if self.keywords[0] is None:
            return np.full((part.stop - part.start, len(self.right)), np.nan, np.float32)
        left, right = self.keywords[0][part], self.keywords[1]
        shared = (left @ right.T).toarray()
        union = np.asarray(left.sum(axis=1)).reshape(-1, 1) + np.asarray(right.sum(axis=1)).reshape(1, -1) - shared
        jaccard: Block = (shared / np.where(union > 0, union, np.nan)).astype(np.float32)
        return jaccard

    def _agreement(self, part: slice) -> Block:
        apart = np.zeros((part.stop - part.start, len(self.right)), np.float32)
        count = np.zeros_like(apart)
        for left, right in zip(self.left[part].T, self.right.T, strict=True):
            difference = np.abs(left[:, None] - right[None, :])
            known = ~np.isnan(difference)
            apart += np.where(known, difference, 0)
            count += known
        return (1 - apart / np.where(count > 0, count, np.nan)).astype(np.float32)


def _rows_of(table: RoutingTable, query_ids: Sequence[str], candidates: Sequence[str]) -> Block:
    """[n, C] performance of these queries; NaN where the table does not have them."""
    place = {name: i for i, name in enumerate(table.query_ids)}
    rows = np.array([place.get(name, -1) for name in query_ids], np.int64)
    found = np.full((len(rows), len(candidates)), np.nan, np.float32)
    found[rows >= 0] = table.columns(candidates).performance[rows[rows >= 0]]
    return found


def _keywords(prompts: Sequence[str | None], vocabulary: list[str]) -> Any:
    """[n, V] sparse: 1 where the prompt holds the keyword; None where there are no keywords."""
    from sklearn.feature_extraction.text import CountVectorizer

    if not vocabulary:
        return None
    counter = CountVectorizer(binary=True, vocabulary=vocabulary, dtype=np.float32)
    return counter.transform([prompt or "" for prompt in prompts])
