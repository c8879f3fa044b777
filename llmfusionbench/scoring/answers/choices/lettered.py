"""Options that stand in a text, one after another with their letters: "A. iron", "(B) tin", as in most prompts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LINE: Final = re.compile(r"^[ \t>*-]{0,8}\(?([A-Z])[.):][*)]{0,2}[ \t]+(\S[^\n]*)$", re.MULTILINE)
_INLINE: Final = re.compile(r"\(([A-Z])\)[ \t]+")
_LABEL: Final = re.compile(r"\(?([A-Z])[.):]\)?\s+(\S.*)", re.DOTALL)
_FEWEST: Final = 2
_LONGEST: Final = 200_000
"""Longer texts are not searched, in characters."""


def lettered_options(text: str) -> list[str]:
    """The texts of the last options of `text` whose letters count up from A; empty without two of them."""
    if len(text) > _LONGEST:
        return []
    lines = _last_row([(match[1], match[2].strip()) for match in _LINE.finditer(text)])
    return lines or _last_row(_inline(text))


def without_letters(texts: Sequence[str]) -> tuple[str, ...] | None:
    """Texts of options without their letters, if each begins with the letter of its place; else None."""
    found = [_LABEL.fullmatch(text) for text in texts]
    if len(texts) < _FEWEST or not all(
        match is not None and match[1] == letter for match, letter in zip(found, LETTERS, strict=False)
    ):
        return None
    return tuple(match[2] for match in found if match is not None)


def _inline(text: str) -> list[tuple[str, str]]:
    """Letters in brackets, and the texts between them, which end with their line."""
    found = list(_INLINE.finditer(text))
    if not found:
        return []
    ends = [*(match.start() for match in found), len(text)][1:]
    return [(match[1], text[match.end() : end].partition("\n")[0].strip()) for match, end in zip(found, ends, strict=True)]


def _last_row(lettered: Sequence[tuple[str, str]]) -> list[str]:
    """The texts of the last row of letters that starts at A and leaves none out."""
    best: list[str] = []
    row: list[str] = []
    for letter, text in lettered:
        if letter == "A":
            row = [text]
        elif row and len(row) < len(LETTERS) and letter == LETTERS[len(row)]:
            row.append(text)
        else:
            row = []
        if len(row) >= _FEWEST:
            best = row
    return best
