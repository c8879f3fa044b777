"""Decide whether two similar prompts ask the same, by what differs between them.

Prompts that share a passage, worked examples or the form of a task are similar as a whole, yet ask different things. So what
both share is set aside, and the sentences that only one of them has are compared with each other. A duplicate adds something
(an instruction, a heading), leaves something out, or changes a few words of a sentence. Another question has other sentences,
or other values in the same ones: numbers, names, quoted words, signs of a formula, words such as "largest" and "smallest", or
what is asked for ("what year", "what city"). The work is linear in the length of the prompts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product
from typing import Final, NamedTuple

from llmfusionbench.texts.asking_words import ASKING, DEGREES, DENYING, EMPTY, NUMBERS, TURNING

Sentence = tuple[str, ...]
"""Its words as they are compared, without punctuation."""

_SENTENCE_END: Final = re.compile(r"(?<=[.?!;:])\s|(?<=[。？！；：])|\n")
_TOKEN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\d+(?:[.,]\d+)*|\w+|[^\w\s]")
"""A character of a script without spaces, a number, a word, or one other character."""
_NUMBERED: Final = re.compile(
    r"^[ \t]{0,20}\(?\d{1,3}[.):](?=\s)|\b(?:question|problem|exercise|example|task)[ \t]{0,3}#?\d{1,4}(?=\s?[:.)])",
    re.IGNORECASE | re.MULTILINE,
)
"""The number that a list or a set of exercises gives to a question."""
_QUOTED: Final = re.compile(r"""(?<!\w)["'“‘]([^"'“”‘’]{1,40})["'”’](?!\w)""")
_SIGNS: Final = frozenset("+-*/^<>=×÷·")
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


class _Reading(NamedTuple):
    sentences: list[Sentence]
    """Each once, in order."""
    known: frozenset[Sentence]
    words: Counter[str]
    counted: frozenset[tuple[str, int]]
    """Each word with its count."""
    names: frozenset[str]
    """Words with a capital letter that do not begin a sentence, in lower case."""
    quoted: frozenset[str]
    """Words of short quotations."""
    signs: Counter[str]
    """Signs between numbers or single letters."""


def ask_the_same(one: str, other: str, threshold: float) -> bool:
    """Whether two prompts that are similar as a whole ask the same thing.

    Args:
        threshold: Similarity from which they are near duplicates. Where it is below .75, it also holds for what differs.
    """
    mine, theirs = _reading(one), _reading(other)
    left = [sentence for sentence in mine.sentences if sentence not in theirs.known]
    right = [sentence for sentence in theirs.sentences if sentence not in mine.known]
    if mine.signs - theirs.signs and theirs.signs - mine.signs:
        return False
    if not left or not right:
        return True
    only, lacking = _only(mine, theirs), _only(theirs, mine)
    slips = _slips(only, lacking)
    left, right = ([tuple(slips.get(word, word) for word in sentence) for sentence in side] for side in (left, right))
    kept = slips.keys() | set(slips.values())
    kinds = _kinds(only - kept, mine, left) & _kinds(lacking - kept, theirs, right)
    if kinds == {"name"} and _are_renamed(only - kept, mine, theirs) and _are_renamed(lacking - kept, theirs, mine):
        kinds.clear()
    if kinds or _denies_more(left, right):
        return False
    if len(left) <= _FEW and len(right) <= _FEW:
        left, right = _unmatched(left, right), _unmatched(right, left)
    return _shared_part(_joined(left), _joined(right)) >= min(threshold, _ALIKE)


@lru_cache(maxsize=64)
def _reading(text: str) -> _Reading:
    sentences: dict[Sentence, None] = {}
    names: set[str] = set()
    numbered = _NUMBERED.sub(" ", text)
    for part in _SENTENCE_END.split(numbered):
        sentence = [token for token in _TOKEN.findall(part) if _is_word(token)]
        names.update(word.lower() for word in sentence[1:] if word[0].isupper())
        if sentence:
            sentences[tuple(map(_plain, sentence))] = None
    tokens = _TOKEN.findall(numbered)
    words = Counter(_plain(token) for token in tokens if _is_word(token))
    around = zip(tokens, tokens[1:], tokens[2:], strict=False)
    signs = Counter(sign for a, sign, b in around if sign in _SIGNS and _is_operand(a) and _is_operand(b))
    quotations = _QUOTED.findall(" ".join(text.split()))
    quoted = frozenset(_plain(word) for words in quotations for word in _TOKEN.findall(words) if _is_word(word))
    return _Reading(list(sentences), frozenset(sentences), words, frozenset(words.items()), frozenset(names), quoted, signs)


def _is_word(token: str) -> bool:
    return token[0].isalnum() or token[0] == "_"


def _is_operand(token: str) -> bool:
    return token[0].isdigit() or (len(token) == 1 and token.isalpha())


def _plain(word: str) -> str:
    """A word as it is compared: in lower case, numbers by their value."""
    if word[0].isdigit():
        number = word.replace(",", "")
        return number.rstrip("0").rstrip(".") if "." in number else number
    word = word.lower()
    return "what" if word == "which" else NUMBERS.get(word, word)


def _joined(sentences: Iterable[Sentence]) -> list[str]:
    return [word for sentence in sentences for word in sentence]


def _only(mine: _Reading, theirs: _Reading) -> set[str]:
    """The words that occur more often in mine."""
    return {word for word, count in mine.counted - theirs.counted if count > theirs.words[word]}


def _slips(only: set[str], lacking: set[str]) -> dict[str, str]:
    """The words that differ from a word of the other side by a slip of the pen only -> one of the two."""
    if len(only) > _FEW or len(lacking) > _FEW:
        return {}
    return {max(pair): min(pair) for pair in product(sorted(only), sorted(lacking)) if _is_slip(*pair)}


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


def _are_renamed(words: Iterable[str], mine: _Reading, theirs: _Reading) -> bool:
    """Whether these names stand for others throughout a problem whose numbers are the same."""
    if not all(mine.words[word] > 1 and word not in theirs.words for word in words if word in mine.names):
        return False
    return sum(count for word, count in (mine.words & theirs.words).items() if word[0].isdigit()) >= _RENAMED


def _kinds(words: Iterable[str], reading: _Reading, sentences: Iterable[Sentence]) -> set[str]:
    """The kinds of values among some words of these sentences."""
    kinds = {"asking": ASKING, "turning": TURNING, "name": reading.names, "quoted": reading.quoted}
    kinds["asked for"] = frozenset(_asked_for(sentences))
    found = {kind for word in words for kind, among in kinds.items() if word in among}
    return found | {"number" for word in words if word[0].isdigit()}


def _asked_for(sentences: Iterable[Sentence]) -> Iterator[str]:
    """The words after "what" and "how", such as "year" or "many"."""
    for sentence in sentences:
        for before, word in pairwise(sentence):
            if word in DEGREES if before == "how" else before == "what" and word not in EMPTY:
                yield word


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
