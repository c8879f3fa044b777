"""Retrieval of thought templates: find those of similar queries, quote them in a prompt, and measure both."""

from typing import Any, Final

from .bm25 import BM25
from .dense import Dense
from .hybrid import Hybrid
from .library import TemplateLibrary
from .queries import Queries
from .retriever import Hits, Retriever

RETRIEVERS: Final[dict[str, Any]] = {"dense": Dense, "bm25": BM25, "hybrid": Hybrid}

__all__ = ["BM25", "RETRIEVERS", "Dense", "Hits", "Hybrid", "Queries", "Retriever", "TemplateLibrary"]
