"""The plural of a singular English noun, and the singular of a plural one, by spelling alone."""

from __future__ import annotations

_SIBILANTS = ("s", "x", "z", "ch", "sh")
_VOWELS = "aeiou"
_NOT_PLURAL = ("ss", "us", "is", "as", "os", "ics")
"""Endings of nouns that are not plurals, or whose singular is another word: "gas", "physics"."""
_OTHER_MEANING = frozenset(("goods", "means", "glasses", "customs", "others", "species", "series", "forces"))
_NO_NOUNS = frozenset(
    (
        *("new", "other", "mean", "odd", "even", "due", "her", "our", "your", "their"),
        *("economic", "electronic", "athletic", "genetic", "ethic", "physic"),
    )
)
"""Words whose plural by spelling is another word: "news", "others"."""


def other_numbers(word: str) -> tuple[str, tuple[str, ...]]:
    """What a lower-case `word` shares with its plural or singular, and these: "city" -> ("cit", ("cities",)).

    A word of less than three letters, or with anything but letters, has none, nor has one that is no noun.
    """
    if len(word) < 3 or not word.isalpha() or not word.isascii() or word in _NO_NOUNS:
        return word, ()
    if word.endswith("ies") and len(word) > 5:
        return word[:-3], (word[:-3] + "y",)
    if word.endswith("s") and len(word) > 4 and not word.endswith(_NOT_PLURAL) and word not in _OTHER_MEANING:
        singulars = [word[:-1]]
        if word.endswith("es") and word[:-2].endswith(_SIBILANTS):
            singulars.append(word[:-2])
        return singulars[-1], tuple(singulars)
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1], (word[:-1] + "ies",)
    return word, (word + ("es" if word.endswith(_SIBILANTS) else "s"),)
