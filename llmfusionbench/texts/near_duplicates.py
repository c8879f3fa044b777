"""Prompts that are alike, word for word or nearly: they make memory look like skill, and test data slip into training.

Near means a Jaccard similarity of the sets of word triples of at least a threshold. MinHash (Broder 1997) with 32 bands of 4
rows proposes the pairs, and each is then checked exactly: no pair below is reported, and of those at .8 fewer than one in ten
million are missed. The lower the threshold, the more are: at .5 one in eight.

A triple that more than 50 different prompts share is the form of a task (its instruction, its worked examples) and says little
of a query. So the threshold is for the other triples, where a prompt has any; or for all of them, where at least half of the
others are shared too.

More than 50 variants of one prompt share most of their triples too. They are told from a task by where they differ: what is
particular to a prompt is mended where most prompts, from the words before it on (or back from those behind it), have one and
the same common text up to those on its other side. In a form that is nowhere so, for every question stands in the same place.
Prompts that are the same once mended count as if they shared half of what is particular to them. So more than 50 prompts that
differ only in one place are treated as one question template, not as duplicates of each other.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from llmfusionbench.types import normalise_prompt

Hashes = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.int32]

_WORD: Final = re.compile(r"\w+|[^\w\s]")
_BANDS, _ROWS = 32, 4
_MIXERS: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))
"""Odd constants, one a place in a triple."""
_COMMON: Final = 50
_LEAST: Final = 0.5
"""Jaccard similarity of what is not common, below which no form makes two prompts alike."""
_LONGEST: Final = 500
"""Triples that can be mended in one place."""
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
    sets = _shingles(distinct.texts, threshold)
    buckets = sets.buckets(sorted(of_train))
    found = {i for i in unmatched if sets.likes(i, buckets, threshold)}
    return Overlap(exact, np.array([i in found for i in of_test.tolist()], bool))


def similar_pairs(left: Sequence[str | None], right: Sequence[str | None], *, threshold: float = 0.8) -> npt.NDArray[np.int64]:
    """Every pair of a prompt of `left` and one of `right` that are equal or nearly so.

    Returns:
        [n, 2] int64, their places, sorted. A missing prompt is in no pair.
    """
    asked, known = _Texts(left), _Texts(right)
    both = dict(zip([*asked.texts, *known.texts], [*asked.shingled, *known.shingled], strict=True))
    return LikeIndex(known, threshold=threshold, form=_Form(list(both.values()))).pairs(asked)


def first_of_likes(prompts: Sequence[str | None], *, threshold: float = 0.8) -> npt.NDArray[np.int64]:
    """Sort prompts into groups of likes, each led by its first: the leader is a like of every other, so groups do not creep.

    Returns:
        [n] int64, the place of each one's leader; its own where nothing before it is like it, or where it is missing.
    """
    distinct = _Distinct(prompts)
    sets = _shingles(distinct.texts, threshold)
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
        self.shingled = [_shingled(text) for text in self.texts]


class LikeIndex:
    """Prompts among which likes are looked for again and again: what does not depend on the prompts asked about is kept.

    What is common is told by the prompts of the index alone, so that the likes of a prompt are the same whatever is asked about
    beside it.
    """

    def __init__(self, prompts: Sequence[str | None] | _Texts, *, threshold: float = 0.8, form: _Form | None = None) -> None:
        known = prompts if isinstance(prompts, _Texts) else _Texts(prompts)
        self._threshold = threshold
        self._form = _Form(known.shingled) if form is None else form
        self._sets = _Shingles(known.shingled, self._form, threshold)
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
        own = self._form.own(asked.shingled)
        told = self._form.keys(asked.shingled, own, self._threshold)
        first, last = (
            np.stack([np.searchsorted(keys, mine, side) for keys, mine in zip(self._keys, told.T, strict=True)], 1)
            for side in ("left", "right")
        )
        likes = []
        for i, text in enumerate(asked.texts):
            equal = self._place.get(text)
            found = [] if equal is None else [equal]
            hit = np.flatnonzero(last[i] > first[i]).tolist()
            if hit:
                proposed = np.unique(np.concatenate([self._order[b, first[i, b] : last[i, b]] for b in hit]))
                codes = self._sets.own.known(own[i]), self._sets.whole.known(asked.shingled[i].triples)
                sizes = len(own[i]), len(asked.shingled[i].triples)
                found += [j for j in self._sets.alike(codes, sizes, told[i], proposed, self._threshold) if j != equal]
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
    """The sets of word triples of texts, and the keys by which likes are proposed."""

    def __init__(self, shingled: list[_Shingled], form: _Form, threshold: float) -> None:
        own = form.own(shingled)
        self.bands = form.keys(shingled, own, threshold)
        """[n, 32 or 33] uint64"""
        self.own = _Sets(own)
        self.whole = _Sets([s.triples for s in shingled]) if len(form.common) else self.own

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
        sizes = len(codes[0]), len(codes[1])
        return self.alike(codes, sizes, self.bands[text], np.array(proposed, np.int64), threshold)

    def alike(
        self, codes: tuple[Codes, Codes], sizes: tuple[int, int], keys: Hashes, others: npt.NDArray[Any], threshold: float
    ) -> list[int]:
        """Of the texts `others` (one at least) the likes of one, whose own and whole sets are given as numbers and sizes."""
        alike, half = self.own.reaches(codes[0], sizes[0], others, threshold, min(_LEAST, threshold))
        if self.bands.shape[1] > _BANDS:
            half |= self.bands[others, _BANDS] == keys[_BANDS]
        rest = np.flatnonzero(half & ~alike)
        if len(rest) and self.whole is not self.own:
            alike[rest] = self.whole.reaches(codes[1], sizes[1], others[rest], threshold)[0]
        found: list[int] = others[alike].tolist()
        return found


class _Form:
    """What is common to many prompts: their triples, and which of these mostly follow which."""

    def __init__(self, shingled: list[_Shingled]) -> None:
        self.common = _common([s.triples for s in shingled])
        """Sorted."""
        if len(self.common):
            codes, first, last = self._codes([s.sequence for s in shingled])
            follows, precedes = np.append(codes[1:], -1), np.append(-1, codes[:-1])
            follows[last], precedes[first] = len(self.common), len(self.common)
            self._next, self._previous = self._mostly(codes, follows), self._mostly(codes, precedes)

    def own(self, shingled: list[_Shingled]) -> list[Hashes]:
        """The sets of triples without what is common; one of nothing else stays as it is."""
        sets = [s.triples for s in shingled]
        if not len(self.common) or not sets:
            return sets
        flat = np.concatenate(sets)
        particular = self._places(flat) < 0
        counts = np.add.reduceat(particular.astype(np.int64), np.cumsum([0, *(len(s) for s in sets[:-1])]))
        kept, ends = flat[particular], np.cumsum(counts)
        return [kept[e - n : e] if n else s for n, e, s in zip(counts.tolist(), ends.tolist(), sets, strict=True)]

    def keys(self, shingled: list[_Shingled], own: list[Hashes], threshold: float) -> Hashes:
        """[n, 32] the signatures of what is particular to each; [n, 33] with what it is once mended, where there is a form."""
        signatures = _signatures(own)
        if not len(self.common):
            return signatures
        if not shingled:
            return np.zeros((0, _BANDS + 1), np.uint64)
        sets = [s.triples for s in shingled]
        # Where more than this is particular, nothing can be a like but by it.
        may = [i for i, (o, s) in enumerate(zip(own, sets, strict=True)) if len(o) <= (1 - threshold) * len(s)]
        for i, mended in self._mended([shingled[i].sequence for i in may]):
            sets[may[i]] = mended
        starts = np.cumsum([0, *(len(s) for s in sets[:-1])])
        return np.column_stack([signatures, np.add.reduceat(np.concatenate(sets), starts)])

    def _mended(self, sequences: list[Hashes]) -> Iterator[tuple[int, Hashes]]:
        """Those of the sequences in which something can be mended: place, and the set of triples once it is."""
        if not sequences:
            return
        codes, first, last = self._codes(sequences)
        own = codes < 0
        begins = np.flatnonzero(own & (first | ~np.append(False, own[:-1])))
        ends = np.flatnonzero(own & (last | ~np.append(own[1:], False)))
        none = len(self.common)
        before = np.where(first[begins], none, codes[begins - 1])
        after = np.where(last[ends], none, codes[(ends + 1) % len(codes)])
        pairs, which = np.unique(before * (none + 1) + after, return_inverse=True)
        paths = [self._path(*divmod(pair, none + 1)) for pair in pairs.tolist()]
        text = np.cumsum(first) - 1
        found: dict[int, list[tuple[int, int, list[int]]]] = {}
        for begin, end, path in zip(begins.tolist(), ends.tolist(), (paths[i] for i in which.tolist()), strict=True):
            if path is not None:
                found.setdefault(int(text[begin]), []).append((begin, end + 1, path))
        starts = np.flatnonzero(first)
        for i, windows in found.items():
            keep = np.ones(len(sequences[i]), bool)
            for begin, end, _ in windows:
                keep[begin - starts[i] : end - starts[i]] = False
            paths_in = [self.common[path] for _, _, path in windows]
            yield i, np.unique(np.concatenate([sequences[i][keep], *paths_in]))

    def _path(self, before: int, after: int) -> list[int] | None:
        """What mostly stands between two common triples (or an end of the text), as their numbers."""
        ends = len(self.common)
        for here, there, step in ((before, after, self._next), (after, before, self._previous)):
            path: list[int] = []
            while here != ends and len(path) < _LONGEST:
                here = step[here]
                if here == there:
                    return path
                if here < 0:
                    break
                path.append(here)
        return None

    def _codes(self, sequences: list[Hashes]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Of the triples of all sequences: places in what is common, -1 for others; which are the first ones, the last ones."""
        flat = np.concatenate(sequences)
        ends = np.cumsum([len(s) for s in sequences])
        first, last = np.zeros(len(flat), bool), np.zeros(len(flat), bool)
        first[0], first[ends[:-1]], last[ends - 1] = True, True, True
        return self._places(flat), first, last

    def _places(self, triples: Hashes) -> npt.NDArray[np.int64]:
        """Of each in what is common, -1 for what is not."""
        places = np.minimum(np.searchsorted(self.common, triples), len(self.common) - 1)
        return np.where(self.common[places] == triples, places, -1)

    def _mostly(self, codes: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> list[int]:
        """For each common triple what goes with it in more than half of its places, -1 for nothing common."""
        there = codes >= 0
        width = len(self.common) + 2
        pairs, counts = np.unique(codes[there] * width + others[there] + 1, return_counts=True)
        one, other = np.divmod(pairs, width)
        most = 2 * counts > np.bincount(codes[there], minlength=len(self.common))[one]
        found = np.full(len(self.common), -1, np.int64)
        found[one[most]] = other[most] - 1
        listed: list[int] = found.tolist()
        return listed


class _Shingled(NamedTuple):
    """The hashed word triples of a text."""

    sequence: Hashes
    """In their order."""
    triples: Hashes
    """Each once, sorted."""


def _shingles(texts: Sequence[str], threshold: float) -> _Shingles:
    shingled = [_shingled(text) for text in texts]
    return _Shingles(shingled, _Form(shingled), threshold)


def _common(sets: Sequence[Hashes]) -> Hashes:
    """What more than `_COMMON` of the sets share, sorted."""
    if len(sets) <= _COMMON:
        return np.zeros(0, np.uint64)
    values, counts = np.unique(np.concatenate(sets), return_counts=True)
    return values[counts > _COMMON]


def _shingled(text: str) -> _Shingled:
    """The word triples of a text; of what words there are where they are fewer than three."""
    words = _WORD.findall(text.lower()) or [""]
    words += [""] * (3 - len(words))
    codes = np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words], np.uint64)
    mixed = codes[:-2] * _MIXERS[0] ^ codes[1:-1] * _MIXERS[1] ^ codes[2:] * _MIXERS[2]
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIXERS[1]
    sequence = mixed ^ (mixed >> np.uint64(32))
    return _Shingled(sequence, np.unique(sequence))


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
