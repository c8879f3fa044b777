"""The plural of a singular English noun, and the singular of a plural one, by spelling alone."""

from __future__ import annotations

_SIBILANTS = ("s", "x", "z", "ch", "sh")
_VOWELS = "aeiou"
_NOT_PLURAL = ("ss", "us", "is", "as", "os", "ics")
"""Endings of nouns that are not plurals, or whose singular is another word: "gas", "physics"."""
_OTHER_MEANING = frozenset(
    ("goods", "means", "glasses", "customs", "others", "species", "series", "forces", "manners", "spectacles")
)
_NO_PLURALS = frozenset(("glasses", "manners", "spectacles"))
"""Those of them that the singular does not mean either."""
_NO_NOUNS = frozenset(
    (
        *("new", "other", "mean", "odd", "even", "due", "her", "our", "your", "their"),
        *("economic", "electronic", "athletic", "genetic", "ethic", "physic"),
    )
)
"""Words whose plural by spelling is another word: "news", "others"."""
_LEARNED = (("us", "i", 5), ("um", "a", 6), ("is", "es", 5), ("on", "a", 8))
"""Latin and Greek endings of a singular and its plural, and the least length of a singular: "fungus", "bacterium"."""
_PAIRS = (
    *(("man", "men"), ("woman", "women"), ("child", "children"), ("foot", "feet"), ("tooth", "teeth")),
    *(("mouse", "mice"), ("goose", "geese"), ("leaf", "leaves"), ("wolf", "wolves"), ("half", "halves")),
    *(("shelf", "shelves"), ("thief", "thieves"), ("knife", "knives"), ("wife", "wives"), ("life", "lives")),
)
IRREGULAR = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
"""A singular and its plural, each by the other."""


def other_numbers(word: str) -> tuple[str, tuple[str, ...]]:
    """What a lower-case `word` shares with its plural or singular, and these: "city" -> ("cit", ("cities",)).

    A word of less than three letters, or with anything but letters, has none, nor has one that is no noun.
    """
    if len(word) < 3 or not word.isalpha() or not word.isascii() or word in _NO_NOUNS:
        return word, ()
    if word in IRREGULAR:
        return _shared(word, (IRREGULAR[word],))
    learned = _learned(word)
    if word.endswith("ies") and len(word) > 5:
        return word[:-3], (word[:-3] + "y",)
    if word.endswith("s") and len(word) > 4 and not word.endswith(_NOT_PLURAL) and word not in _OTHER_MEANING:
        singulars = [word[:-1]]
        if word.endswith("es") and word[:-2].endswith((*_SIBILANTS, "o")):
            singulars.append(word[:-2])
        return _shared(word, (*singulars, *learned))
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1], (word[:-1] + "ies",)
    plurals = [word + ("es" if word.endswith(_SIBILANTS) else "s")]
    if plurals[0] in _NO_PLURALS:
        return word, ()
    if word.endswith("o") and word[-2] not in _VOWELS:
        plurals.append(f"{word}es")
    return _shared(word, (*plurals, *learned))


def _learned(word: str) -> list[str]:
    found = []
    for singular, plural, length in _LEARNED:
        if word.endswith(singular) and len(word) >= length:
            found.append(word.removesuffix(singular) + plural)
        if word.endswith(plural) and len(word) - len(plural) + len(singular) >= length:
            found.append(word.removesuffix(plural) + singular)
    return found


def _shared(word: str, others: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The start of `word` with which all the others start as well."""
    length = len(word)
    while not all(other.startswith(word[:length]) for other in others):
        length -= 1
    return word[:length], others
