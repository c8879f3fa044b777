"""One spelling for what British and American English spell in two ways, by the letters alone."""

from __future__ import annotations

import re

_PARTS = (
    *(("ae", "e"), ("oe", "e"), ("our", "or"), ("ogue", "og"), ("sulph", "sulf"), ("ence", "ense"), ("grey", "gray")),
    *(("ise", "ize"), ("isi", "izi"), ("isa", "iza"), ("yse", "yze"), ("ysi", "yzi"), ("amme", "am")),
    *(("tre ", "ter "), ("bre ", "ber "), ("tres ", "ters "), ("bres ", "bers ")),
)

_CHANGED = re.compile("gray|sulf|ense|[iy]z|am|o[rg]|er|e")
"""What the parts become."""


def one_spelling(text: str) -> str:
    """A normal form in one spelling, which is not always a real one: "haemoglobin" -> "hemoglobin", "rise" -> "rize"."""
    text += " "
    for british, american in _PARTS:
        text = text.replace(british, american)
    return text[:-1]


def kept_part(spelled: str) -> str:
    """The longest part of a text in one spelling that all its spellings share."""
    return max(_CHANGED.split(spelled), key=len)
