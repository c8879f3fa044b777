"""Prompts that are alike, word for word or nearly: they make memory look like skill, and test data slip into training.

Near means a Jaccard similarity of the sets of word triples of at least a threshold. MinHash (Broder 1997) with 32 bands of 4
rows proposes the pairs, and each is then checked exactly: no pair below is reported, and of those at .8 fewer than one in ten
million are missed. The lower the threshold, the more are: at .5 one in eight.

A triple that more than 50 different prompts share is the form of a task (its instruction, its worked examples) and says little
of a query. So the threshold is for the other triples, where a prompt has any; or for all of them, where at least half of the
others are shared too. More than 50 variants of one prompt that differ in some words only look like a task with its form: they
are no likes.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .types import normalise_prompt

Hashes = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.int32]

_WORD: Final = re.compile(r"\w+|[^\w\s]")
_BANDS, _ROWS = 32, 4
_MIXERS: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))
"""Odd constants, one a place in a triple."""
_COMMON: Final = 50
_LEAST: Final = 0.5
"""Jaccard similarity of what is not common, below which no form makes two prompts alike."""
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
    sets = _shingles(distinct.texts)
    buckets = sets.buckets(sorted(of_train))
    found = {i for i in unmatched if sets.likes(i, buckets, threshold)}
    return Overlap(exact, np.array([i in found for i in of_test.tolist()], bool))


def similar_pairs(left: Sequence[str | None], right: Sequence[str | None], *, threshold: float = 0.8) -> npt.NDArray[np.int64]:
    """Every pair of a prompt of `left` and one of `right` that are equal or nearly so.

    Returns:
        [n, 2] int64, their places, sorted. A missing prompt is in no pair.
    """
    asked, known = _Texts(left), _Texts(right)
    sets = dict(zip([*asked.texts, *known.texts], [*asked.triples, *known.triples], strict=True))
    return LikeIndex(known, threshold=threshold, common=_common(list(sets.values()))).pairs(asked)


def first_of_likes(prompts: Sequence[str | None], *, threshold: float = 0.8) -> npt.NDArray[np.int64]:
    """Sort prompts into groups of likes, each led by its first: the leader is a like of every other, so groups do not creep.

    Returns:
        [n] int64, the place of each one's leader; its own where nothing before it is like it, or where it is missing.
    """
    distinct = _Distinct(prompts)
    sets = _shingles(distinct.texts)
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


class _Texts(_Distinct):
    """Distinct prompts with their triples."""

    def __init__(self, prompts: Sequence[str | None]) -> None:
        super().__init__(prompts)
        self.triples = [_triples(text) for text in self.texts]


class LikeIndex:
    """Prompts among which likes are looked for again and again: what does not depend on the prompts asked about is kept.

    What is common is told by the prompts of the index alone, so that the likes of a prompt are the same whatever is asked about
    beside it.
    """

    def __init__(self, prompts: Sequence[str | None] | _Texts, *, threshold: float = 0.8, common: Hashes | None = None) -> None:
        known = prompts if isinstance(prompts, _Texts) else _Texts(prompts)
        self._threshold = threshold
        self._common = _common(known.triples) if common is None else common
        self._sets = _Shingles(known.triples, self._common)
        self._place = {text: i for i, text in enumerate(known.texts)}
        self._rows: list[list[int]] = [[] for _ in known.texts]
        for row, i in enumerate(known.group.tolist()):
            if i >= 0:
                self._rows[i].append(row)
        bands = np.ascontiguousarray(self._sets.bands.T)
        self._order = bands.argsort(axis=1, kind="stable").astype(np.int32)
        self._keys = np.take_along_axis(bands, self._order, 1)

    def pairs(self, prompts: Sequence[str | None] | _Texts) -> npt.NDArray[np.int64]:
        """Every pair of one of `prompts` and one of the index that are equal or nearly so.

        Returns:
            [n, 2] int64, their places, sorted. A missing prompt is in no pair.
        """
        asked = prompts if isinstance(prompts, _Texts) else _Texts(prompts)
        own = _without(asked.triples, self._common)
        bands = _signatures(own).T
        first, last = (
            np.stack([np.searchsorted(keys, mine, side) for keys, mine in zip(self._keys, bands, strict=True)], 1)
            for side in ("left", "right")
        )
        likes = []
        for i, text in enumerate(asked.texts):
            equal = self._place.get(text)
            found = [] if equal is None else [equal]
            hit = np.flatnonzero(last[i] > first[i]).tolist()
            if hit:
                proposed = np.unique(np.concatenate([self._order[b, first[i, b] : last[i, b]] for b in hit]))
                codes = self._sets.own.known(own[i]), self._sets.whole.known(asked.triples[i])
                sizes = len(own[i]), len(asked.triples[i])
                found += [j for j in self._sets.alike(codes, sizes, proposed, self._threshold) if j != equal]
            likes.append([row for j in found for row in self._rows[j]])
        pairs = [(place, row) for place, i in enumerate(asked.group.tolist()) if i >= 0 for row in likes[i]]
        return np.array(sorted(pairs), np.int64).reshape(-1, 2)


class _Sets:
    """Sets of triples, one after the other, as whole numbers from 0."""

    def __init__(self, sets: Sequence[Hashes]) -> None:
        self.values, codes = np.unique(np.concatenate([np.zeros(0, np.uint64), *sets]), return_inverse=True)
        """The triples of all, sorted: a triple's place is its number."""
        self.codes = codes.reshape(-1).astype(np.int32)
        self.sizes = np.array([len(s) for s in sets], np.int64)
        self.starts = np.cumsum(self.sizes) - self.sizes

    def __getitem__(self, i: int) -> Codes:
        return self.codes[self.starts[i] : self.starts[i] + self.sizes[i]]

    def known(self, triples: Hashes) -> Codes:
        """The numbers of those triples that occur here."""
        places = np.minimum(np.searchsorted(self.values, triples), max(0, len(self.values) - 1))
        return places[self.values[places] == triples].astype(np.int32) if len(self.values) else places[:0].astype(np.int32)

    def reaches(self, codes: Codes, size: int, others: npt.NDArray[Any], *thresholds: float) -> list[npt.NDArray[np.bool_]]:
        """For each threshold, which of the sets `others` have that Jaccard similarity with one of `size` triples."""
        ends = np.cumsum(self.sizes[others])
        starts = ends - self.sizes[others]
        at = np.arange(ends[-1]) + np.repeat(self.starts[others] - starts, self.sizes[others])
        mine = np.zeros(len(self.values), bool)
        mine[codes] = True
        shared = np.add.reduceat(mine[self.codes[at]].astype(np.int64), starts)
        return [shared >= threshold * (size + self.sizes[others] - shared) for threshold in thresholds]


class _Shingles:
    """The sets of word triples of texts, and the MinHash signatures of what is not common in them, cut into bands."""

    def __init__(self, triples: list[Hashes], common: Hashes) -> None:
        own = _without(triples, common)
        self.bands = _signatures(own)
        """[n, 32] uint64"""
        self.own = _Sets(own)
        self.whole = _Sets(triples) if len(common) else self.own

    def buckets(self, which: Sequence[int]) -> dict[tuple[int, int], list[int]]:
        """Band and key -> the texts among `which` that have it."""
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i in which:
            for band, key in enumerate(self.bands[i].tolist()):
                found[band, key].append(i)
        return found

    def likes(self, text: int, buckets: dict[tuple[int, int], list[int]], threshold: float) -> list[int]:
        """Texts of the buckets that share so much with this one, in order; itself too, if it is there."""
        proposed = sorted({j for band, key in enumerate(self.bands[text].tolist()) for j in buckets.get((band, key), ())})
        if not proposed:
            return []
        codes = self.own[text], self.whole[text]
        return self.alike(codes, (len(codes[0]), len(codes[1])), np.array(proposed, np.int64), threshold)

    def alike(
        self, codes: tuple[Codes, Codes], sizes: tuple[int, int], others: npt.NDArray[Any], threshold: float
    ) -> list[int]:
        """Of the texts `others` (one at least) the likes of one, whose own and whole sets are given as numbers and sizes."""
        alike, half = self.own.reaches(codes[0], sizes[0], others, threshold, min(_LEAST, threshold))
        rest = np.flatnonzero(half & ~alike)
        if len(rest) and self.whole is not self.own:
            alike[rest] = self.whole.reaches(codes[1], sizes[1], others[rest], threshold)[0]
        found: list[int] = others[alike].tolist()
        return found


def _shingles(texts: Sequence[str]) -> _Shingles:
    triples = [_triples(text) for text in texts]
    return _Shingles(triples, _common(triples))


def _common(sets: Sequence[Hashes]) -> Hashes:
    """What more than `_COMMON` of the sets share, sorted."""
    if len(sets) <= _COMMON:
        return np.zeros(0, np.uint64)
    values, counts = np.unique(np.concatenate(sets), return_counts=True)
    return values[counts > _COMMON]


def _without(sets: list[Hashes], common: Hashes) -> list[Hashes]:
    """The sets without what is common; one of nothing else stays as it is."""
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
