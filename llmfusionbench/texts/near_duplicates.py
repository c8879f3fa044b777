"""Find prompts that are equal or nearly so: they let test data into training, and make memory look like skill.

Two prompts are near duplicates if the Jaccard similarity of their sets of word triples is at least a threshold and what
differs between them asks the same (`what_differs`): a shared passage with another question is none. MinHash signatures
(Broder 1997) in 32 bands of 4 values (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4) propose the
pairs, and each pair is then checked exactly: no pair below the threshold is reported, and fewer than one in ten million is
missed at .8 (one in eight at .5). Triples that more than 50 prompts share are the form of a task (its instruction, its worked
examples) and say little about a query, so they do not count; only prompts that share half of their other triples are also
compared as a whole. Many variants of one prompt share most of their triples as well. They are told from a task by what each
of them lacks: the prompts of a task hold all that nearly all share and differ beside it, but each variant has changed the
shared text itself. So similar prompts are grouped, and a group in which most have changed the shared text counts as one
prompt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.texts.reading import Reading
from llmfusionbench.texts.what_differs import ask_the_same
from llmfusionbench.texts.word_triples import Hashes, Places, TripleSets, minhash_keys, word_triples
from llmfusionbench.types import normalise_prompt

_COMMON: Final = 50
"""Prompts that may share a triple before it counts as common."""
_LEAST: Final = 0.5
"""Jaccard similarity without common triples, below which prompts are not compared as a whole; also that of a group."""
_AT_ONCE: Final = 1024
"""Proposed prompts that are checked at once."""
_ROOM: Final = 8
"""Leaders that a bucket holds while variants are grouped, which keeps that linear."""
_FAMILY: Final = 10
"""Texts up to which a group is not examined for variants."""
_SHARED: Final = 0.8
"""Part of a group that must hold a triple for the group to share it."""
_LEVELS: Final = 3
"""Depth of forms within forms that is searched for variants."""


@dataclass(frozen=True)
class Overlap:
    """Which test prompts have a duplicate in train."""

    exact: npt.NDArray[np.bool_]
    """[Q]"""
    near: npt.NDArray[np.bool_]
    """[Q] those at or above the threshold that are not exact."""


def overlap(train: Sequence[str | None], test: Sequence[str | None], *, threshold: float = 0.8) -> Overlap:
    """Find the prompts of `test` that have an equal or a near duplicate in `train`; a missing prompt has none."""
    exact, near = np.zeros(len(test), bool), np.zeros(len(test), bool)
    for i, j in similar_pairs(test, train, threshold=threshold, limit=1).tolist():
        (exact if normalise_prompt(test[i] or "") == normalise_prompt(train[j] or "") else near)[i] = True
    return Overlap(exact, near)


def similar_pairs(
    left: Sequence[str | None], right: Sequence[str | None], *, threshold: float = 0.8, limit: int | None = None
) -> Places:
    """Find the pairs of a prompt of `left` and one of `right` that are equal or near duplicates.

    Args:
        limit: See `NearDuplicateIndex.pairs`.

    Returns:
        [n, 2] int64, their places, sorted. A missing prompt is in no pair.
    """
    asked, known = _Texts(left), _Texts(right)
    both = TripleSets.of(dict(zip([*asked.texts, *known.texts], [*asked.triples, *known.triples], strict=True)).values())
    return NearDuplicateIndex(known, threshold=threshold, common=_common(both)).pairs(asked, limit=limit)


def first_near_duplicates(prompts: Sequence[str | None], *, threshold: float = 0.8) -> Places:
    """Group near duplicates around the first prompt of each group: it is similar to every other, so groups do not creep.

    Returns:
        [n] int64, the place of the first prompt of each one's group; its own where no earlier prompt is similar, or where it is
        missing.
    """
    texts = _Texts(prompts)
    sets = TripleSets.of(texts.triples)
    leader = _leaders(_Comparable(sets, _common(sets), texts.texts), threshold).tolist()
    return np.array([texts.rows[leader[i]][0] if i >= 0 else row for row, i in enumerate(texts.group)], np.int64)


class NearDuplicateIndex:
    """Prompts among which duplicates are looked up again and again: what depends on them alone is computed once.

    By default, only the prompts of the index decide which triples are common, so that the duplicates of a prompt do not depend
    on the other prompts asked about.
    """

    def __init__(self, prompts: Sequence[str | None] | _Texts, *, threshold: float = 0.8, common: Hashes | None = None) -> None:
        self._texts = prompts if isinstance(prompts, _Texts) else _Texts(prompts)
        self._threshold = threshold
        sets = TripleSets.of(self._texts.triples)
        self._common = _common(sets) if common is None else common
        self._known = _Comparable(sets, self._common, self._texts.texts)
        bands = np.ascontiguousarray(self._known.keys.T)
        self._order = bands.argsort(axis=1, kind="stable").astype(np.int32)
        self._keys = np.take_along_axis(bands, self._order, 1)

    def pairs(self, prompts: Sequence[str | None] | _Texts, *, limit: int | None = None) -> Places:
        """Find the pairs of one of `prompts` and one of the index that are equal or near duplicates.

        Args:
            limit: Pairs reported for each of `prompts`, an equal prompt first, then near duplicates in order; all by default.

        Returns:
            [n, 2] int64, their places, sorted. A missing prompt is in no pair.
        """
        texts = prompts if isinstance(prompts, _Texts) else _Texts(prompts)
        asked = _Comparable(TripleSets.of(texts.triples), self._common, texts.texts)
        first, last = (
            np.stack([np.searchsorted(keys, mine, side) for keys, mine in zip(self._keys, asked.keys.T, strict=True)], 1)
            for side in ("left", "right")
        )
        found: list[list[int]] = []
        for i, text in enumerate(texts.texts):
            equal = self._texts.place.get(text, -1)
            hits = [self._order[band, first[i, band] : last[i, band]] for band in np.flatnonzero(last[i] > first[i])]
            near = (j for some in _merged(hits) for j in asked.similar(i, self._known, some, self._threshold) if j != equal)
            duplicates = chain([equal] if equal >= 0 else [], near)
            found.append(list(islice((row for j in duplicates for row in self._texts.rows[j]), limit)))
        pairs = [(row, other) for row, i in enumerate(texts.group) if i >= 0 for other in found[i]]
        return np.array(sorted(pairs), np.int64).reshape(-1, 2)


class _Texts:
    """Prompts that differ once normalised, in the order they first occur, with their triples."""

    def __init__(self, prompts: Sequence[str | None]) -> None:
        self.place: dict[str, int] = {}
        """Text -> its number."""
        self.rows: list[list[int]] = []
        """Number of a text -> the places of the prompts that have it."""
        self.group: list[int] = []
        """[n] number of each prompt's text; -1 for a missing one."""
        for row, prompt in enumerate(prompts):
            if prompt is None:
                self.group.append(-1)
                continue
            i = self.place.setdefault(normalise_prompt(prompt), len(self.rows))
            if i == len(self.rows):
                self.rows.append([])
            self.rows[i].append(row)
            self.group.append(i)
        self.texts = list(self.place)
        self.triples = [word_triples(text) for text in self.texts]


class _Comparable:
    """Texts as sets of triples with and without the common ones, and the keys that propose pairs."""

    def __init__(self, whole: TripleSets, common: Hashes, texts: Sequence[str] | None = None) -> None:
        self.whole, self.own, self.texts = whole, whole.without(common), texts
        self._readings: dict[int, Reading] = {}
        self.keys = minhash_keys(self.own)
        """[n, 32]"""

    def similar(self, i: int, others: _Comparable, proposed: npt.NDArray[Any], threshold: float) -> Iterator[int]:
        """Those of the texts `proposed` of `others` that are near duplicates of text i, in their order."""
        for start in range(0, len(proposed), _AT_ONCE):
            some = proposed[start : start + _AT_ONCE]
            own = others.own.jaccard(self.own[i], some)
            found = own >= threshold
            rest = np.flatnonzero((own >= _LEAST) & ~found)
            if len(rest):
                found[rest] = others.whole.jaccard(self.whole[i], some[rest]) >= threshold
            for j in some[found].tolist():
                mine, theirs = self.reading(i), others.reading(j)
                if mine is None or theirs is None or ask_the_same(mine, theirs, threshold):
                    yield j

    def reading(self, i: int) -> Reading | None:
        """Text i as it is compared, read once; None without texts. Only texts of similar pairs are ever read."""
        if self.texts is None:
            return None
        if i not in self._readings:
            self._readings[i] = Reading(self.texts[i])
        return self._readings[i]


def _leaders(texts: _Comparable, threshold: float, room: int | None = None) -> Places:
    """[n] the first leader that each text is similar to; itself where there is none, and then it is a leader.

    Args:
        room: Leaders that a bucket holds; all by default.
    """
    buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
    leader = np.arange(len(texts.own))
    for i, keys in enumerate(texts.keys.tolist()):
        mine = [buckets[place] for place in enumerate(keys)]
        proposed = np.array(sorted({j for bucket in mine for j in bucket}), np.int64)
        leader[i] = next(texts.similar(i, texts, proposed, threshold), i)
        if leader[i] == i:
            for bucket in mine:
                if room is None or len(bucket) < room:
                    bucket.append(i)
    return leader


def _common(sets: TripleSets) -> Hashes:
    """The triples that more than `_COMMON` texts share, sorted, where variants of one text count as one."""
    common = sets.frequent(_COMMON + 1)
    if not len(common):
        return common
    # Only texts that consist mostly of common triples can be variants that made them common.
    may = np.flatnonzero(sets.count(common) >= _LEAST * sets.sizes)
    counted = np.ones(len(sets), bool)
    counted[may[_repeated_variants(sets.take(may))]] = False
    return common if counted.all() else sets.take(np.flatnonzero(counted)).frequent(_COMMON + 1)


def _repeated_variants(sets: TripleSets, levels: int = _LEVELS) -> npt.NDArray[np.bool_]:
    """[n] which texts are variants of an earlier one, in groups of more than `_FAMILY`; up to `levels` forms may nest."""
    repeated = np.zeros(len(sets), bool)
    leader = _leaders(_Comparable(sets, np.zeros(0, np.uint64)), _LEAST, _ROOM)
    order = np.argsort(leader, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(leader[order])) + 1):
        if len(members) <= _FAMILY:
            continue
        group = sets.take(members)
        shared = group.frequent(_SHARED * len(group))
        held = group.count(shared)
        # One replaced word takes three shared triples away and adds three. A question lacks few of them and adds its own.
        changed = 2 * (len(shared) - held) > group.sizes - held
        if 2 * changed.sum() > len(group):
            repeated[members[1:]] = True
        elif levels > 1:
            repeated[members] = _repeated_variants(group.without(shared), levels - 1)
    return repeated


def _merged(sorted_places: list[npt.NDArray[np.int32]]) -> Iterator[npt.NDArray[np.int32]]:
    """Merge sorted arrays without repeats, in parts that grow: the first places cost little however many there are."""
    left, size = sorted_places, 32
    while left:
        size *= 2
        last = min((places[size] for places in left if len(places) > size), default=np.iinfo(np.int32).max)
        ends = [int(np.searchsorted(places, last, "right")) for places in left]
        yield np.unique(np.concatenate([places[:end] for places, end in zip(left, ends, strict=True)]))
        left = [places[end:] for places, end in zip(left, ends, strict=True) if end < len(places)]
