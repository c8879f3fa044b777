"""Embedders as the commands take them: by name or by where they are, and with what they have computed kept on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from ..embedding import Embedder


def kept_embedder(spec: str) -> Embedder:
    """The embedder of a spec. What a model computes is kept in the cache of this package, and is not computed twice.

    One that is fitted has other vectors for every set of train prompts, and is quick; its vectors are not kept.

    Raises:
        UnknownNameError: there is none of this name.
        InputError: it cannot be imported or made, or is no embedder.
    """
    from ..embedding import CachedEmbedder
    from ..full import cache_directory

    embedder = make_embedder(spec)
    return embedder if hasattr(embedder, "fit") else CachedEmbedder(embedder, cache_directory() / "embeddings")


def make_embedder(spec: str) -> Embedder:
    """The embedder that a spec stands for.

    Raises:
        UnknownNameError: there is none of this name.
        InputError: it cannot be imported or made, or is no embedder.
    """
    from ..embedding import Embedder, MiniLMEmbedder, TfidfSvdEmbedder
    from ..evaluation.spec import load_named

    known: dict[str, Any] = {"tfidf": TfidfSvdEmbedder, "minilm": MiniLMEmbedder}
    if ":" not in spec and spec not in known:
        raise UnknownNameError("embedder", spec, known)
    kind = known[spec] if spec in known else load_named(spec)
    try:
        made = kind()
    except TypeError as error:
        raise InputError(f"{spec}: cannot be made without arguments ({error}). Remedy: give them defaults") from error
    if not isinstance(made, Embedder):
        raise InputError(f"{spec}: is no embedder. Remedy: id and encode(prompts), see llmfusionbench.embedding.Embedder")
    return made
