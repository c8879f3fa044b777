"""Decide whether two similar prompts ask the same, by what differs between them.

Prompts that share a passage, worked examples or the form of a task are similar as a whole, yet ask different things. So what
both share is set aside, and the sentences that only one of them has are compared with each other. A duplicate adds something
(an instruction, a heading), leaves something out, moves whole sentences, or changes a few words of a sentence. Another question
has other sentences, or other values in the same ones: numbers, names, quoted words, signs of a formula, words such as "largest"
and "smallest", what is asked for ("what year", "what city"), or the same values in another order.

A prompt is read once (`Reading`), in linear time. Each pair then costs one look-up for each sentence and work that is linear in
the sentences that differ. Names and quotations are read last, for pairs that all else takes for the same. A limit: one plain
word that stands for another makes a new question only if `asking_words` lists the two as opposites.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product
from typing import Final

from llmfusionbench.texts.asking_words import ASKING, DEGREES, DENYING, EMPTY, OPPOSITES, TURNING
from llmfusionbench.texts.reading import SIGNS, Reading, is_variable

Sentence = tuple[str, ...]
"""Its words as they are compared, without punctuation."""

_ALIKE: Final = 0.75
"""Share of the words of what differs from which it is taken for the same."""
_CONTEXT: Final = 10
"""Words that are kept beside a difference, of what both remainders begin and end with."""
_FEW: Final = 12
"""Sentences or words of each side up to which they are matched one by one."""
_SHORT: Final = 4
"""Words below which a remainder is compared with its empty words, too."""
_RENAMED: Final = 2
"""Equal numbers from which other names throughout make no other question, as in a problem about other people."""
_LONG: Final = 6
"""Letters of a word from which another letter in it is a slip of the pen."""


def ask_the_same(one: str | Reading, other: str | Reading, threshold: float) -> bool:
    """Whether two prompts that are similar as a whole ask the same thing.

    Args:
        one: A prompt, or its reading where it is compared with many.
        other: See `one`.
        threshold: Similarity from which they are near duplicates. Where it is below .75, it also holds for what differs.
    """
    mine, theirs = (Reading(prompt) if isinstance(prompt, str) else prompt for prompt in (one, other))
    left, right = _beside(mine, theirs), _beside(theirs, mine)
    if not left or not right:
        return True
    repeated = mine.repeats or theirs.repeats  # so that lines broken elsewhere may hide or show a sentence
    counts, others = map(Counter, (mine.words(), theirs.words()) if repeated else (_joined(left), _joined(right)))
    only = {word for word, count in counts.items() if count > others[word]}
    lacking = {word for word, count in others.items() if count > counts[word]}
    slips = _slips(only, lacking)
    if slips:
        left, right = ([tuple(slips.get(word, word) for word in sentence) for sentence in side] for side in (left, right))
        kept = slips.keys() | set(slips.values())
        only, lacking = only - kept, lacking - kept
    kinds = _kinds(only, left) & _kinds(lacking, right)
    if kinds - {"sign"} or _are_opposite(only, lacking) or _denies_more(left, right):
        return False
    if _similarity(left, right) < min(threshold, _ALIKE) or _are_exchanged(_joined(left), _joined(right)):
        return False
    if kinds and mine.signs() - theirs.signs() and theirs.signs() - mine.signs():
        return False
    if only & mine.quoted and lacking & theirs.quoted:
        return False
    if (
        only & mine.names
        and lacking & theirs.names
        and not (_are_renamed(only, mine, theirs) and _are_renamed(lacking, theirs, mine))
    ):
        return False
    values = mine.names | theirs.names | mine.quoted | theirs.quoted | SIGNS
    return (
        _are_in_order(_joined(left), _joined(right), values)
        or (repeated and _are_in_order(mine.words(), theirs.words(), values))
        or mine.unbroken() == theirs.unbroken()
    )


def _beside(mine: Reading, theirs: Reading) -> list[Sentence]:
    """The sentences that only mine has, in order."""
    return [tuple(sentence.split(" ")) for sentence in mine.sentences if sentence not in theirs.sentences]


def _joined(sentences: Iterable[Sentence]) -> list[str]:
    return [word for sentence in sentences for word in sentence]


def _slips(only: set[str], lacking: set[str]) -> dict[str, str]:
    """The words that differ from a word of the other side by a slip of the pen only -> one of the two."""
    if len(only) > _FEW or len(lacking) > _FEW:
        return {}
    pairs = product(sorted(only), sorted(lacking))
    near = [(a, b) for a, b in pairs if (a[0] == b[0] or a[-1] == b[-1]) and -2 < len(a) - len(b) < 2]
    return {max(pair): min(pair) for pair in near if _is_slip(*pair)}


def _is_slip(one: str, other: str) -> bool:
    """Whether two words differ by one letter too many, two exchanged letters or, in a long word, another letter within."""
    if not (one.isalpha() and other.isalpha()) or {one, other} & (TURNING | DENYING | ASKING):
        return False
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 3 or len(longer) > len(shorter) + 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    if shorter[start + 2 :] == longer[start + 2 :] and sorted(shorter) == sorted(longer):
        return True
    return len(one) >= _LONG and start > 0 and shorter[start + 1 :] == longer[start + 1 :]


def _denies_more(left: Sequence[Sentence], right: Sequence[Sentence]) -> bool:
    """Whether one side denies what the other states; another sentence, such as an instruction, may deny anything."""
    denials = {sum(word in DENYING for word in _joined(side)) for side in (left, right)}
    return len(left) == len(right) and len(denials) > 1


def _are_opposite(only: set[str], lacking: set[str]) -> bool:
    """Whether a word of one side is the opposite of one of the other."""
    return any(not lacking.isdisjoint(OPPOSITES[word]) for word in only if word in OPPOSITES)


def _are_renamed(words: Iterable[str], mine: Reading, theirs: Reading) -> bool:
    """Whether the names among these words stand for others throughout a problem whose numbers are the same."""
    counts, others = Counter(mine.words()), Counter(theirs.words())
    if not all(counts[word] > 1 and word not in others for word in words if word in mine.names):
        return False
    return sum(count for word, count in (counts & others).items() if word[0].isdigit()) >= _RENAMED


def _are_exchanged(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two words that are not neighbours have changed places, and no more; those joined by "and" or "or" may."""
    if len(one) != len(other):
        return False
    places = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(places) != 2 or [one[i] for i in places] != [other[i] for i in reversed(places)]:
        return False
    between = one[places[0] + 1 : places[1]]
    return bool(between) and list(between) not in (["and"], ["or"])


def _are_in_order(one: Sequence[str], other: Sequence[str], values: frozenset[str]) -> bool:
    """Whether the values that both sides have equally often, such as numbers and names, follow each other in the same order."""
    sides = [[word for word in side if word in values or word[0].isdigit() or is_variable(word)] for side in (one, other)]
    counts, others = map(Counter, sides)
    orders = [[word for word in side if counts[word] == others[word]] for side in sides]
    return orders[0] == orders[1]


def _kinds(words: Iterable[str], sentences: Iterable[Sentence]) -> set[str]:
    """The kinds of values among some words of these sentences, without names and quotations."""
    kinds = {"asking": ASKING, "turning": TURNING, "sign": SIGNS, "asked for": frozenset(_asked_for(sentences))}
    found = {kind for word in words for kind, among in kinds.items() if word in among}
    return found | {"number" for word in words if word[0].isdigit()}


def _asked_for(sentences: Iterable[Sentence]) -> Iterator[str]:
    """The words after "what" and "how", such as "year" or "many"."""
    for sentence in sentences:
        for before, word in pairwise(sentence):
            if word in DEGREES if before == "how" else before == "what" and word not in EMPTY:
                yield word


def _similarity(left: list[Sentence], right: list[Sentence]) -> float:
    """The share of words in common, of sentences without a like on the other side where they are few."""
    if len(left) <= _FEW and len(right) <= _FEW:
        left, right = _unmatched(left, right), _unmatched(right, left)
    return _shared_part(_joined(left), _joined(right))


def _unmatched(sentences: list[Sentence], others: list[Sentence]) -> list[Sentence]:
    """The sentences without a like among the others."""
    return [sentence for sentence in sentences if not any(_are_alike(sentence, other) for other in others)]


def _are_alike(one: Sentence, other: Sentence) -> bool:
    mine, theirs = ([word for word in words if word not in EMPTY] or words for words in (one, other))
    most = max(len(mine), len(theirs))
    return min(len(mine), len(theirs)) >= _ALIKE * most and (Counter(mine) & Counter(theirs)).total() >= _ALIKE * most


def _shared_part(mine: list[str], theirs: list[str]) -> float:
    """The share of the words of the shorter side that the other has, too; 1 if a side has none."""
    full = [[word for word in words if word not in EMPTY] for words in (mine, theirs)]
    if min(map(len, full)) >= _SHORT:
        mine, theirs = full
    for _ in range(2):  # what both begin with is cut off, and then what both end with
        same = next((i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), min(len(mine), len(theirs)))
        mine, theirs = (side[max(same - _CONTEXT, 0) :][::-1] for side in (mine, theirs))
    least = min(len(mine), len(theirs))
    return (Counter(mine) & Counter(theirs)).total() / least if least else 1.0
