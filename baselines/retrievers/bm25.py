"""Retrieval by words: Okapi BM25 (Robertson and Zaragoza 2009), as bm25s computes it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import numpy as np

from llmfusionbench.baselines.retrievers.eligible import Eligible
from llmfusionbench.baselines.retrievers.found import Found, best, reaching
from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.baselines.retrievers.retriever import LibraryRetriever
from llmfusionbench.errors import MissingExtraError

_CELLS: Final = 2**22
_WORD: Final = r"\w+"


class BM25(LibraryRetriever):
    """Similarity = BM25 of the new prompt's words in the prompt behind the template, without English stop words.

    A template that shares no word with the prompt is not a hit.

    Args:
        k1: Saturation of repeated words.
        b: Length normalisation, 0 to 1.
    """

    def __init__(self, *, k1: float = 1.5, b: float = 0.75) -> None:
        self.k1 = k1
        self.b = b

    def _learn(self, library: TemplateLibrary) -> None:
        words = self._words(library.prompts)
        self.model_: Any = None  # where there is not one word
        if any(words):
            self.model_ = _bm25s().BM25(k1=self.k1, b=self.b, method="lucene")
            self.model_.index(words, show_progress=False)

    def _search(self, prompts: list[str], k: int, allowed: Eligible) -> Found:
        if self.model_ is None:
            return best([], k)
        words = self._words(prompts)
        found = []
        for rows, columns in allowed.groups():
            tall = max(1, _CELLS // len(columns))
            for top in range(0, len(rows), tall):
                part = rows[top : top + tall]
                scores = np.full((len(part), len(columns)), -np.inf, np.float32)
                for at, row in enumerate(part.tolist()):
                    tokens = self.model_.get_tokens_ids(words[row])
                    if tokens:
                        scores[at] = self.model_.get_scores_from_ids(tokens)[columns]
                scores[scores <= 0] = -np.inf
                scores[allowed.shut(part, columns)] = -np.inf
                r, c = reaching(scores, k)
                found.append(best([Found(part[r], columns[c], scores[r, c].astype(np.float64))], k))
        return best(found, k)

    @staticmethod
    def _words(texts: list[str]) -> list[list[str]]:
        """The words of each text, in lower case."""
        found: list[list[str]] = _bm25s().tokenize(texts, token_pattern=_WORD, return_ids=False, show_progress=False)
        return found


def _bm25s() -> Any:
    try:
        return import_module("bm25s")  # by name: it is optional
    except ImportError as error:
        raise MissingExtraError("bm25s", "retrieve") from error
