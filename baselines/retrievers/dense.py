"""Retrieval by vectors: the cosine of the prompts' embeddings, as an exact matrix product or through an index of faiss."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.retrievers.eligible import Eligible, Places
from llmfusionbench.baselines.retrievers.found import Found, best, reaching
from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.baselines.retrievers.retriever import LibraryRetriever
from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.texts.embedding import Embedder, TfidfSvdEmbedder, Vectors

_CELLS: Final = 2**23
"""Similarities in memory at a time (32 MB)."""
_WIDE: Final = 2**16
"""Maximum number of templates per block."""
_PAIRS: Final = 2**14
_SLACK: Final = 1e-5
"""An upper bound on the error of a product in single precision."""
_DECIMALS: Final = 6


class Dense(LibraryRetriever):
    """Similarity = cosine of the embeddings of the new prompt and of the prompt behind the template.

    Similarities are recomputed in double precision and rounded to six decimals before they are ranked, so that neither blocks
    nor threads decide a tie.

    Args:
        embedder: Any `llmfusionbench.texts.embedding.Embedder`; TF-IDF and SVD by default, fitted on the
            library's prompts.
        exact_up_to: Up to this many templates the search is an exact matrix product; beyond, an inverted file of faiss
            (IVF, Sivic and Zisserman 2003) with 4 sqrt(N) cells proposes candidates.
        probes: Number of cells searched per query.
        seed: Random seed of the clustering behind the index.
    """

    def __init__(
        self, *, embedder: Embedder | None = None, exact_up_to: int = 1_000_000, probes: int = 128, seed: int = 0
    ) -> None:
        self.embedder = embedder
        self.exact_up_to = exact_up_to
        self.probes = probes
        self.seed = seed

    def _learn(self, library: TemplateLibrary) -> None:
        self.embedder_: Any = TfidfSvdEmbedder() if self.embedder is None else self.embedder
        if hasattr(self.embedder_, "fit"):
            self.embedder_.fit(library.prompts)
        self.vectors_ = self._vectors(library.prompts)
        self.index_ = _index(self.vectors_, self.seed) if len(library) > self.exact_up_to else None

    def _search(self, prompts: list[str], k: int, allowed: Eligible) -> Found:
        vectors = self._vectors(prompts)
        says_something: npt.NDArray[np.bool_] = np.linalg.norm(vectors, axis=1) > 0
        found = []
        for rows, columns in allowed.groups():
            rows = rows[says_something[rows]]
            propose = self._exact if self.index_ is None else self._indexed
            found += [
                best([Found(r, c, self._similarities(vectors, r, c))], k)
                for r, c in propose(vectors, rows, columns, k, allowed)
            ]
        return best(found, k)

    def _vectors(self, texts: list[str]) -> Vectors:
        """[n, d] unit vectors. Each distinct text is encoded once, so equal texts have equal vectors to the last bit."""
        distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        vectors = _unit(self.embedder_.encode(list(distinct)), len(distinct))
        return vectors if len(distinct) == len(texts) else vectors[[distinct[text] for text in texts]]

    def _exact(
        self, vectors: Vectors, rows: Places, columns: Places, k: int, allowed: Eligible
    ) -> Iterator[tuple[Places, Places]]:
        """Pairs that include the k best of each query, computed by blocks."""
        wide = min(len(columns), _WIDE)
        tall = max(1, _CELLS // wide)
        for left in range(0, len(columns), wide):
            some = columns[left : left + wide]
            templates = self.vectors_[some[0] : some[-1] + 1] if _is_run(some) else self.vectors_[some]
            for top in range(0, len(rows), tall):
                part = rows[top : top + tall]
                scores = vectors[part] @ templates.T
                scores[allowed.shut(part, some)] = -np.inf
                r, c = reaching(scores, k, _SLACK)
                yield part[r], some[c]

    def _indexed(
        self, vectors: Vectors, rows: Places, columns: Places, k: int, allowed: Eligible
    ) -> Iterator[tuple[Places, Places]]:
        """Pairs that the index proposes; for a query that gets too few, all cells are searched."""
        faiss = _faiss()
        index: Any = self.index_
        chosen = faiss.IDSelectorBatch(columns) if len(columns) < len(self.vectors_) else None
        shut = np.bincount(allowed.shut(rows, columns)[0], minlength=len(rows))
        room = len(columns) - shut
        for probes in (min(self.probes, index.nlist), index.nlist):
            # Excluded templates may come first, so that many more are requested; in steps, to batch the requests.
            ask = np.minimum(2 ** np.ceil(np.log2(k + shut)).astype(np.int64), len(columns))
            short = []
            for count in np.unique(ask).tolist():
                some = np.flatnonzero(ask == count)
                parameters = faiss.SearchParametersIVF(sel=chosen, nprobe=probes)
                _, near = index.search(vectors[rows[some]], count, params=parameters)
                r, at = np.nonzero(near >= 0)
                c = near[r, at].astype(np.int64)
                keep = allowed.may(rows[some[r]], c)
                r, c = r[keep], c[keep]
                enough = np.bincount(r, minlength=len(some)) >= np.minimum(k, room[some])
                yield rows[some[r[enough[r]]]], c[enough[r]]
                short.append(some[~enough])
            left = np.concatenate(short) if short else np.zeros(0, np.int64)
            if not len(left) or probes == index.nlist:
                return
            rows, shut, room = rows[left], shut[left], room[left]

    def _similarities(self, vectors: Vectors, rows: Places, columns: Places) -> npt.NDArray[np.float64]:
        """[h] similarities, each summed in the same order in every run."""
        found = np.empty(len(rows))
        for start in range(0, len(rows), _PAIRS):
            part = slice(start, start + _PAIRS)
            left, right = vectors[rows[part]].astype(np.float64), self.vectors_[columns[part]].astype(np.float64)
            found[part] = np.einsum("ij,ij->i", left, right)
        return np.round(found, _DECIMALS) + 0.0  # no -0


def _unit(vectors: Any, count: int) -> Vectors:
    """Rows of length one; those of zeros stay."""
    matrix = np.ascontiguousarray(vectors, np.float32)
    if matrix.ndim != 2 or len(matrix) != count or not np.isfinite(matrix).all():
        raise InputError(
            f"embedder: gave an array of shape {matrix.shape}, or values that are not finite, for {count} prompts. "
            "Remedy: return [n, d] float32, one row per prompt"
        )
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(norms > 0, norms, 1)).astype(np.float32)


def _is_run(places: Places) -> bool:
    return int(places[-1] - places[0]) == len(places) - 1


def _faiss() -> Any:
    try:
        return import_module("faiss")  # by name: it is optional, and has no types
    except ImportError as error:
        raise MissingExtraError("faiss-cpu", "retrieve") from error


def _index(vectors: Vectors, seed: int) -> Any:
    """An inverted file over all vectors, by inner product."""
    faiss = _faiss()
    count, width = vectors.shape
    cells = max(1, min(int(4 * np.sqrt(count)), count // 39))  # 39 a cell: fewer make faiss warn
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = seed + 1
    index.cp.max_points_per_centroid = 64  # a sample of that size tells where the cells are
    index.train(vectors)
    index.add(vectors)
    return index
