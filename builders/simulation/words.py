"""Names, things and places for sentences of our own; surnames and towns are put together from syllables."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import random

SHE = ("Adaeze", "Berit", "Chiara", "Dunja", "Elodie", "Farida", "Greta", "Hanako", "Ines", "Jolanta", "Katalin", "Leila",
       "Maren", "Noor", "Oriane", "Petra", "Quilla", "Rosalba", "Signe", "Tamsin", "Ulrike", "Vesna", "Wanjiru", "Yara")  # fmt: skip
HE = ("Anselm", "Bojan", "Cedric", "Dario", "Emeka", "Fabio", "Goran", "Henrik", "Idris", "Jasper", "Kofi", "Lorenz",
      "Matteo", "Nikos", "Oskar", "Pavel", "Quentin", "Rashid", "Stellan", "Tomasz", "Umberto", "Viktor", "Wendell", "Zoltan")  # fmt: skip

_HEADS = ("Bar", "Cal", "Dor", "El", "Fen", "Gal", "Hol", "Is", "Kar", "Lun", "Mor", "Nor", "Ost", "Pel", "Quar", "Ros",
          "Sel", "Tar", "Ul", "Ver", "Wes", "Yar", "Zel", "Brim", "Thorn", "Glen", "Ash", "Mar")  # fmt: skip
_TOWN_TAILS = ("wick", "mere", "holm", "stead", "ford", "haven", "brück", "vale", "ness", "combe", "dorf", "mouth", "gard",
               "minster", "lund", "by")  # fmt: skip
_NAME_TAILS = ("ander", "elin", "ovic", "strom", "etti", "ow", "berg", "quist", "arin", "odum", "ester", "ida", "mann",
               "ellis", "ura", "enko")  # fmt: skip


def person(rng: random.Random) -> tuple[str, str, str]:
    """A first name with its subject and possessive pronouns."""
    return (rng.choice(SHE), "she", "her") if rng.random() < 0.5 else (rng.choice(HE), "he", "his")


def two_people(rng: random.Random) -> tuple[str, str]:
    """Two different first names, the first a woman's, the second a man's."""
    return rng.choice(SHE), rng.choice(HE)


def surname(rng: random.Random) -> str:
    """An invented surname."""
    return rng.choice(_HEADS) + rng.choice(_NAME_TAILS)


def town(rng: random.Random) -> str:
    """An invented town."""
    return rng.choice(_HEADS) + rng.choice(_TOWN_TAILS)


def join(words: list[str] | tuple[str, ...]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
