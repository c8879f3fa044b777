"""The language of a text in Latin letters, by its most frequent small words; None where that is not clear."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

FREQUENT: Final[dict[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "English": "the of and to in is that it for was with as on be by this are from at which have has not will can would",
        "German": "der die das und ist nicht ein eine zu den von mit sich auf für dem des im werden wird auch als dass sind",
        "French": "le la les des et est une un du que dans pour qui sur pas au avec sont cette ce par plus il elle nous vous",
        "Spanish": "el la los las de que en un una es por con para del se no al lo como más su pero este esta son",
        "Italian": "il lo la gli le di che un una è per con non del della dei sono nel alla anche più questo questa come",
        "Portuguese": "os as de que um uma é em por com para não do da dos das no na se mais como ao são pelo pela",
        "Dutch": "de het een en van is dat niet te op voor met zijn aan er ook als bij maar naar worden deze wordt om",
    }.items()
}
"""Language -> its frequent words; none of one letter, which formulas and lists are full of."""
LOOKED: Final = 2_000
"""Characters at the start of a text that are read."""
LEAST: Final = 12
"""Frequent words that a text must have by default; half as many must differ from each other."""
_SHARE: Final = 0.2
"""Share of the words that must be frequent ones of the language."""
_AHEAD: Final = 1.5
"""How many times as many as of any other language."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def language(text: str, least: int = LEAST) -> str | None:
    """The language that a text with at least `least` frequent words is written in; its code does not count."""
    words = Counter(_WORD.findall(_CODE.sub(" ", text[:LOOKED]).lower()))
    found = {name: sum(words[word] for word in frequent & words.keys()) for name, frequent in FREQUENT.items()}
    best = max(found, key=lambda name: found[name])
    rest = max(count for name, count in found.items() if name != best)
    if found[best] < max(least, _SHARE * sum(words.values()), _AHEAD * rest):
        return None
    return best if sum(word in words for word in FREQUENT[best]) >= least // 2 else None
