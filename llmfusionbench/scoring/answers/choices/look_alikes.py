"""Cyrillic letters that look like the Latin labels of options."""

from __future__ import annotations

import re

_LATIN = {"\u0410": "A", "\u0412": "B", "\u0421": "C", "\u0415": "E"}
_ALONE = re.compile(r"(?<![^\W_])[\u0410\u0412\u0421\u0415](?=[\s)*\"\u00bb]{0,4}(?:[.,;)\n]|\Z))")
"""One of them where a word cannot begin: all but the last are words of Russian, too."""
_CYRILLIC_LIST = re.compile(r"(?<![^\W_])[\u0411\u0413\u0414](?![^\W_])")
"""The second, fourth or fifth letter of the Cyrillic alphabet as a label: then the third one is no Latin B."""


def latin_labels(text: str) -> str:
    """`text` with Cyrillic look-alikes of A, B, C and E as Latin letters, unless its labels are Cyrillic themselves."""
    if not any(letter in text for letter in _LATIN) or _CYRILLIC_LIST.search(text) is not None:
        return text
    return _ALONE.sub(lambda found: _LATIN[found[0]], text)
