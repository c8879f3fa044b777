"""The retriever protocol, and the base class of ours: checks, the eligibility rule, and the form of the result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, Self, runtime_checkable

import numpy as np

from llmfusionbench.baselines.retrievers.eligible import Eligible, eligible
from llmfusionbench.baselines.retrievers.found import Found, Scores
from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.errors import InputError

Hits = tuple[list[list[str]], Scores]
"""ids: n lists of template ids, the most similar first, shorter than k where fewer are allowed or match; and
similarities [n, k] float32, NaN where there is no hit."""


@runtime_checkable
class Retriever(Protocol):
    """Finds the templates of the queries that are most similar to a new one. The constructor stores, `fit` learns."""

    def fit(self, library: TemplateLibrary) -> Self:
        """Learn from the library alone."""
        ...

    def topk(
        self,
        prompts: Sequence[str | None],
        k: int,
        *,
        query_ids: Sequence[str] | None = None,
        tasks: Sequence[str] | None = None,
        domains: Sequence[str] | None = None,
        within: str = "any",
    ) -> Hits:
        """The k most similar eligible templates per prompt; see `LibraryRetriever.topk`."""
        ...


class LibraryRetriever(ABC):
    """A retriever whose subclass measures similarity; eligibility is handled here."""

    def fit(self, library: TemplateLibrary) -> Self:
        """Keep the library by template id, and learn from it.

        Raises:
            InputError: The library is empty.
            MissingExtraError: A package is not installed.
        """
        if not len(library):
            raise InputError("fit: the library has no templates. Remedy: run llmfusionbench templates build")
        self.library_ = library.ordered()
        self._learn(self.library_)
        return self

    def topk(
        self,
        prompts: Sequence[str | None],
        k: int,
        *,
        query_ids: Sequence[str] | None = None,
        tasks: Sequence[str] | None = None,
        domains: Sequence[str] | None = None,
        within: str = "any",
    ) -> Hits:
        """The k most similar eligible templates per prompt; among equals, the first by template id.

        No prompt gets a template made from itself or from a near-duplicate of it. A prompt that is missing, blank or
        unknown to the retriever gets none.

        Args:
            prompts: [n]
            k: Maximum number of templates per prompt.
            query_ids: [n] ids of the queries, if they come from a log.
            tasks: [n]; needed if `within` is `task`.
            domains: [n]; needed if `within` is `domain`.
            within: `any`, `domain` or `task`.

        Returns:
            n lists of template ids, and similarities [n, k] float32, NaN where there is no hit.

        Raises:
            InputError: The retriever was not fitted, k is below 1, or lengths differ.
            UnknownNameError: There is no restriction of this name.
        """
        library = self._library(k)
        allowed = eligible(library, prompts, query_ids=query_ids, tasks=tasks, domains=domains, within=within)
        return as_hits(self.search(prompts, k, allowed), library, len(prompts), k)

    def search(self, prompts: Sequence[str | None], k: int, allowed: Eligible) -> Found:
        """The same as flat arrays, for queries with known eligibility."""
        self._library(k)
        found = self._search([prompt or "" for prompt in prompts], k, allowed)
        return found.keep(allowed.may(found.rows, found.columns))

    @abstractmethod
    def _learn(self, library: TemplateLibrary) -> None:
        """Learn from a library that is ordered by template id."""

    @abstractmethod
    def _search(self, prompts: list[str], k: int, allowed: Eligible) -> Found:
        """The k best eligible templates of each query."""

    def _library(self, k: int) -> TemplateLibrary:
        if not hasattr(self, "library_"):
            raise InputError(f"{type(self).__name__}: topk before fit. Remedy: fit(library) first")
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise InputError(f"topk: k is {k!r}, expected a whole number from 1")
        return self.library_


def as_hits(found: Found, library: TemplateLibrary, queries: int, k: int) -> Hits:
    """Flat arrays as lists of ids and a matrix of similarities."""
    similarities = np.full((queries, k), np.nan, np.float32)
    similarities[found.rows, found.ranks() - 1] = found.similarities
    ends = np.searchsorted(found.rows, np.arange(queries + 1)).tolist()
    names = [library.template_ids[i] for i in found.columns.tolist()]
    return [names[start:end] for start, end in pairwise(ends)], similarities
