"""Queries of a test table that a train table holds too, word for word or nearly: they make memory look like skill."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ..types import normalise_prompt

_WORD: Final = re.compile(r"\w+|[^\w\s]")
_SHINGLE, _BANDS, _ROWS = 3, 32, 4
_PRIME: Final = np.uint64(2**31 - 1)


@dataclass(frozen=True)
class Overlap:
    """Which test queries have a like in train."""

    exact: npt.NDArray[np.bool_]
    """[Q]"""
    near: npt.NDArray[np.bool_]
    """[Q] those at or above the threshold which are not exact."""


def overlap(train: Sequence[str | None], test: Sequence[str | None], *, threshold: float = 0.8) -> Overlap:
    """Find the test prompts that have an equal or a near duplicate among the train prompts.

    Near means a Jaccard similarity of the sets of word triples of at least `threshold`. MinHash (Broder 1997) with 32 bands
    of 4 rows proposes the pairs, and each is then checked exactly: no pair below is reported, and of those at .8 fewer
    than one in ten million are missed.
    """
    known = {normalise_prompt(p) for p in train if p is not None}
    exact = np.array([p is not None and normalise_prompt(p) in known for p in test], bool)
    near = np.zeros(len(test), bool)
    train_sets = [_shingles(p) for p in sorted(known)]
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for i, shingles in enumerate(train_sets):
        for key in _bands(shingles):
            buckets[key].append(i)
    cache: dict[str, bool] = {}
    for q, prompt in enumerate(test):
        if prompt is None or exact[q]:
            continue
        if prompt not in cache:
            own = _shingles(prompt)
            proposed = {i for key in _bands(own) for i in buckets.get(key, ())}
            cache[prompt] = any(_jaccard(own, train_sets[i]) >= threshold for i in proposed)
        near[q] = cache[prompt]
    return Overlap(exact, near)


def _shingles(prompt: str) -> npt.NDArray[np.uint64]:
    """The set of hashed word triples of a prompt, sorted; of the words themselves where there are fewer than three."""
    words = _WORD.findall(normalise_prompt(prompt).lower())
    grams = [" ".join(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1))]
    return np.unique(np.array([zlib.crc32(g.encode("utf-8", "surrogatepass")) for g in grams], np.uint64))


def _bands(shingles: npt.NDArray[np.uint64]) -> list[tuple[int, bytes]]:
    """The MinHash signature, cut into bands."""
    rng = np.random.default_rng(0)
    factors = rng.integers(1, int(_PRIME), (_BANDS * _ROWS, 1), dtype=np.uint64)
    offsets = rng.integers(0, int(_PRIME), (_BANDS * _ROWS, 1), dtype=np.uint64)
    signature = ((factors * (shingles % _PRIME) + offsets) % _PRIME).min(axis=1).reshape(_BANDS, _ROWS)
    return [(band, row.tobytes()) for band, row in enumerate(signature)]


def _jaccard(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> float:
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return shared / (len(a) + len(b) - shared)
