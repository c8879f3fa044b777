"""Texts as sets of hashed word triples, and MinHash keys by which similar sets find each other."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

_WORD: Final = re.compile(r"\w+|[^\w\s]")
_BANDS, _ROWS = 32, 4
_MIXERS: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))
"""Odd constants, one for each place in a triple."""
_HASHED: Final = 256
"""Sets whose keys are computed at once; few, so that they stay in the processor's cache."""


def word_triples(text: str) -> Hashes:
    """The hashed word triples of a text, each once, sorted; a text of fewer than three words is filled up with empty ones."""
    words = _WORD.findall(text.lower()) or [""]
    words += [""] * (3 - len(words))
    codes = np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words], np.uint64)
    mixed = codes[:-2] * _MIXERS[0] ^ codes[1:-1] * _MIXERS[1] ^ codes[2:] * _MIXERS[2]
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIXERS[1]
    return np.unique(mixed ^ (mixed >> np.uint64(32)))


class TripleSets:
    """Sets of hashed triples, none of them empty, one after the other."""

    def __init__(self, flat: Hashes, sizes: Places) -> None:
        self.flat, self.sizes, self.starts = flat, sizes, np.cumsum(sizes) - sizes

    @classmethod
    def of(cls, sets: Iterable[Hashes]) -> TripleSets:
        """The sets, each sorted."""
        listed = [np.zeros(0, np.uint64), *sets]
        return cls(np.concatenate(listed), np.array([len(s) for s in listed[1:]], np.int64))

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, i: int) -> Hashes:
        return self.flat[self.starts[i] : self.starts[i] + self.sizes[i]]

    def take(self, which: npt.NDArray[Any]) -> TripleSets:
        """Some of the sets, in the order asked for."""
        sizes = self.sizes[which]
        at = np.arange(sizes.sum()) + np.repeat(self.starts[which] - (np.cumsum(sizes) - sizes), sizes)
        return TripleSets(self.flat[at], sizes)

    def count(self, triples: Hashes) -> Places:
        """[n] how many of some sorted triples each set holds."""
        return np.add.reduceat(_among(self.flat, triples).astype(np.int64), self.starts)

    def without(self, triples: Hashes) -> TripleSets:
        """The sets without some sorted triples; a set of nothing else stays as it is."""
        if not len(triples):
            return self
        left = self.sizes - self.count(triples)
        kept = ~_among(self.flat, triples) | np.repeat(left == 0, self.sizes)
        return TripleSets(self.flat[kept], np.where(left == 0, self.sizes, left))

    def jaccard(self, triples: Hashes, which: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """[n] Jaccard similarity of sorted triples with each of the sets `which`."""
        others = self.take(which)
        shared = others.count(triples)
        return np.asarray(shared / (len(triples) + others.sizes - shared))

    def frequent(self, least: float) -> Hashes:
        """The triples that at least this number of sets hold, sorted."""
        values, counts = np.unique(self.flat, return_counts=True)
        return values[counts >= least]


def minhash_keys(sets: TripleSets) -> Hashes:
    """[n, 32] one key per band of four MinHash values, by multiply-shift hashing (Dietzfelbinger et al. 1997)."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 2**63, _BANDS * _ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    keys = np.zeros((len(sets), _BANDS), np.uint64)
    for start in range(0, len(sets), _HASHED):
        some = sets.take(np.arange(start, min(start + _HASHED, len(sets))))
        for i, factor in enumerate(factors):
            least = np.minimum.reduceat((some.flat * factor) >> np.uint64(32), some.starts)
            band = keys[start : start + _HASHED, i // _ROWS]
            band *= np.uint64(0x100000001B3)
            band ^= least * _MIXERS[i % len(_MIXERS)]
    return keys


def _among(triples: Hashes, known: Hashes) -> npt.NDArray[np.bool_]:
    """[n] which of the triples are among the sorted triples `known`."""
    if not len(known):
        return np.zeros(len(triples), bool)
    return np.asarray(known[np.minimum(np.searchsorted(known, triples), len(known) - 1)] == triples)
