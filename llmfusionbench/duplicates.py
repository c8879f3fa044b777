"""Prompts that are alike, word for word or nearly: they make memory look like skill, and test data slip into training.

Near means a Jaccard similarity of the sets of word triples of at least a threshold. MinHash (Broder 1997) with 32 bands of 4
rows proposes the pairs, and each is then checked exactly: no pair below is reported, and of those at .8 fewer than one in ten
million are missed. The lower the threshold, the more are: at .5 one in eight.

A triple that more than 50 different prompts share is the form of a task (its instruction, its worked examples) and says nothing
of a query: it does not count, except in a prompt that has no others.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .types import normalise_prompt

Hashes = npt.NDArray[np.uint64]

_WORD: Final = re.compile(r"\w+|[^\w\s]")
_BANDS, _ROWS = 32, 4
_MIXERS: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))
"""Odd constants, one a place in a triple."""
_COMMON: Final = 50
_CELLS: Final = 2**22


@dataclass(frozen=True)
class Overlap:
    """Which test prompts have a like in train."""

    exact: npt.NDArray[np.bool_]
    """[Q]"""
    near: npt.NDArray[np.bool_]
    """[Q] those at or above the threshold which are not exact."""


def overlap(train: Sequence[str | None], test: Sequence[str | None], *, threshold: float = 0.8) -> Overlap:
    """Find the prompts of `test` that have an equal or a near duplicate among those of `train`; a missing one has none."""
    distinct = _Distinct([*train, *test])
    of_train = {i for i in distinct.group[: len(train)].tolist() if i >= 0}
    of_test = distinct.group[len(train) :]
    exact = np.array([i in of_train for i in of_test.tolist()], bool)
    unmatched = sorted({i for i in of_test.tolist() if i >= 0 and i not in of_train})
    sets = _Shingles(distinct.texts)
    buckets = sets.buckets(sorted(of_train))
    found = {i for i in unmatched if sets.likes(i, buckets, threshold)}
    return Overlap(exact, np.array([i in found for i in of_test.tolist()], bool))


def similar_pairs(left: Sequence[str | None], right: Sequence[str | None], *, threshold: float = 0.8) -> npt.NDArray[np.int64]:
    """Every pair of a prompt of `left` and one of `right` that are equal or nearly so.

    Returns:
        [n, 2] int64, their places, sorted. A missing prompt is in no pair.
    """
    distinct = _Distinct([*left, *right])
    rows: dict[int, list[int]] = defaultdict(list)
    for place, i in enumerate(distinct.group[len(left) :].tolist()):
        rows[i].append(place)
    sets = _Shingles(distinct.texts)
    known = sorted(i for i in rows if i >= 0)
    buckets = sets.buckets(known)
    inside = set(known)
    likes: dict[int, list[int]] = {}
    pairs = []
    for place, i in enumerate(distinct.group[: len(left)].tolist()):
        if i < 0:
            continue
        if i not in likes:
            near = [j for j in sets.likes(i, buckets, threshold) if j != i]
            likes[i] = [i, *near] if i in inside else near
        pairs += [(place, other) for j in likes[i] for other in rows[j]]
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def first_of_likes(prompts: Sequence[str | None], *, threshold: float = 0.8) -> npt.NDArray[np.int64]:
    """Sort prompts into groups of likes, each led by its first: the leader is a like of every other, so groups do not creep.

    Returns:
        [n] int64, the place of each one's leader; its own where nothing before it is like it, or where it is missing.
    """
    distinct = _Distinct(prompts)
    sets = _Shingles(distinct.texts)
    buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
    leader: list[int] = []
    for i in range(len(distinct.texts)):
        found = min(sets.likes(i, buckets, threshold), default=i)
        leader.append(found)
        if found == i:
            for band, key in enumerate(sets.bands[i].tolist()):
                buckets[band, key].append(i)
    first = [distinct.first[leader[i]] if i >= 0 else place for place, i in enumerate(distinct.group.tolist())]
    return np.array(first, np.int64)


class _Distinct:
    """Prompts that differ once normalised, in the order they first occur."""

    def __init__(self, prompts: Sequence[str | None]) -> None:
        place: dict[str, int] = {}
        self.first: list[int] = []
        """Distinct prompt -> where it first occurs."""
        group = []
        for i, prompt in enumerate(prompts):
            if prompt is None:
                group.append(-1)
                continue
            text = normalise_prompt(prompt)
            if text not in place:
                place[text] = len(place)
                self.first.append(i)
            group.append(place[text])
        self.texts = list(place)
        self.group = np.array(group, np.int64)
        """[n] distinct prompt of each; -1 for a missing one."""


class _Shingles:
    """The sets of word triples of texts, and their MinHash signatures cut into bands."""

    def __init__(self, texts: Sequence[str]) -> None:
        sets = _without_common([_triples(text) for text in texts])
        self.bands = _signatures(sets)
        """[n, 32] uint64"""
        codes = np.unique(np.concatenate(sets), return_inverse=True)[1] if sets else np.zeros(0, np.int64)
        self.sizes = np.array([len(s) for s in sets], np.int64)
        """[n] triples of each."""
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.codes = codes
        """The triples of all, one text after the other, as whole numbers from 0."""
        self.own = np.zeros(codes.max(initial=-1) + 1, bool)
        """Scratch: the triples of the text that is compared."""

    def buckets(self, which: Sequence[int]) -> dict[tuple[int, int], list[int]]:
        """Band and key -> the texts among `which` that have it."""
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i in which:
            for band, key in enumerate(self.bands[i].tolist()):
                found[band, key].append(i)
        return found

    def proposed(self, text: int, buckets: dict[tuple[int, int], list[int]]) -> list[int]:
        """Texts that share a band with this one."""
        return sorted({j for band, key in enumerate(self.bands[text].tolist()) for j in buckets.get((band, key), ())})

    def likes(self, text: int, buckets: dict[tuple[int, int], list[int]], threshold: float) -> list[int]:
        """Texts of the buckets that share so much with this one, in order; itself too, if it is there."""
        others = np.array(self.proposed(text, buckets), np.int64)
        if not len(others):
            return []
        mine = self.codes[self.starts[text] : self.starts[text] + self.sizes[text]]
        ends = np.cumsum(self.sizes[others])
        at = np.arange(ends[-1]) + np.repeat(self.starts[others] - (ends - self.sizes[others]), self.sizes[others])
        self.own[mine] = True
        shared = np.add.reduceat(self.own[self.codes[at]].astype(np.int64), ends - self.sizes[others])
        self.own[mine] = False
        alike = shared >= threshold * (self.sizes[text] + self.sizes[others] - shared)
        found: list[int] = others[alike].tolist()
        return found


def _without_common(sets: list[Hashes]) -> list[Hashes]:
    """The sets without what more than `_COMMON` of them share; one of nothing else stays as it is."""
    if len(sets) <= _COMMON:
        return sets
    values, counts = np.unique(np.concatenate(sets), return_counts=True)
    common = values[counts > _COMMON]
    if not len(common):
        return sets
    kept = [s[~np.isin(s, common, assume_unique=True)] for s in sets]
    return [own if len(own) else whole for own, whole in zip(kept, sets, strict=True)]


def _triples(text: str) -> Hashes:
    """The set of hashed word triples of a text, sorted; of what words there are where they are fewer than three."""
    words = _WORD.findall(text.lower()) or [""]
    words += [""] * (3 - len(words))
    codes = np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words], np.uint64)
    mixed = codes[:-2] * _MIXERS[0] ^ codes[1:-1] * _MIXERS[1] ^ codes[2:] * _MIXERS[2]
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIXERS[1]
    return np.unique(mixed ^ (mixed >> np.uint64(32)))


def _signatures(sets: Sequence[Hashes]) -> Hashes:
    """[n, 32] one key a band of four MinHash values, by multiply-shift hashing; some texts at a time."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 2**63, _BANDS * _ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    keys = np.zeros((len(sets), _BANDS), np.uint64)
    start = 0
    while start < len(sets):
        stop, size = start, 0
        while stop < len(sets) and (stop == start or (size + len(sets[stop])) * len(factors) <= _CELLS):
            size += len(sets[stop])
            stop += 1
        triples = np.concatenate(sets[start:stop])
        offsets = np.cumsum([0, *(len(s) for s in sets[start : stop - 1])])
        for i, factor in enumerate(factors):
            least = np.minimum.reduceat((triples * factor) >> np.uint64(32), offsets)
            band = keys[start:stop, i // _ROWS]
            band *= np.uint64(0x100000001B3)
            band ^= least * _MIXERS[i % len(_MIXERS)]
        start = stop
    return keys
