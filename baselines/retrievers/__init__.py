"""Retrieval of thought templates: find those of similar queries, quote them in a prompt, and measure both."""

from typing import Any, Final

from llmfusionbench.baselines.retrievers.bm25 import BM25
from llmfusionbench.baselines.retrievers.dense import Dense
from llmfusionbench.baselines.retrievers.hybrid import Hybrid
from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.baselines.retrievers.queries import Queries
from llmfusionbench.baselines.retrievers.retriever import Hits, Retriever

RETRIEVERS: Final[dict[str, Any]] = {"dense": Dense, "bm25": BM25, "hybrid": Hybrid}

__all__ = ["BM25", "RETRIEVERS", "Dense", "Hits", "Hybrid", "Queries", "Retriever", "TemplateLibrary"]
