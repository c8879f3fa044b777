"""Retrieval by vectors and by words together: reciprocal rank fusion (Cormack, Clarke and Buettcher 2009)."""

from __future__ import annotations

import numpy as np

from llmfusionbench.baselines.retrievers.bm25 import BM25
from llmfusionbench.baselines.retrievers.dense import Dense
from llmfusionbench.baselines.retrievers.eligible import Eligible
from llmfusionbench.baselines.retrievers.found import Found, best
from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.baselines.retrievers.retriever import LibraryRetriever
from llmfusionbench.texts.embedding import Embedder


class Hybrid(LibraryRetriever):
    """Similarity = sum over `Dense` and `BM25` of 1 / (constant + rank of the template), over those that rank it.

    Args:
        embedder: The embedder of `Dense`.
        constant: The k of the paper, which recommends 60.
        depth: Length of each list; at least the number of hits requested.
    """

    def __init__(self, *, embedder: Embedder | None = None, constant: float = 60.0, depth: int = 100) -> None:
        self.embedder = embedder
        self.constant = constant
        self.depth = depth

    def _learn(self, library: TemplateLibrary) -> None:
        self.parts_: list[LibraryRetriever] = [BM25().fit(library), Dense(embedder=self.embedder).fit(library)]

    def _search(self, prompts: list[str], k: int, allowed: Eligible) -> Found:
        lists = [part.search(prompts, max(k, self.depth), allowed) for part in self.parts_]
        width = len(self.library_)
        pairs = np.concatenate([found.rows * width + found.columns for found in lists])
        shares = np.concatenate([1 / (self.constant + found.ranks()) for found in lists])
        distinct, place = np.unique(pairs, return_inverse=True)
        sums = np.bincount(place.reshape(-1), weights=shares, minlength=len(distinct))
        return best([Found(distinct // width, distinct % width, np.round(sums, 12))], k)
