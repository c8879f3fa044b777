"""Options that stand in a text, one after another with their letters: "A. iron", "(B) tin", as in most prompts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LINE: Final = re.compile(r"^[ \t>*-]{0,8}\(?([A-Z])[.):][*)]{0,2}(?:[ \t]+(\S[^\n]*)|[ \t]*)$", re.MULTILINE)
_INLINE: Final = re.compile(r"\(([A-Z])\)[ \t]+")
_LABEL: Final = re.compile(r"\(?([A-Z])[.):]\)?\s+(\S.*)", re.DOTALL)
_FEWEST: Final = 2
_LONGEST: Final = 200_000
"""Longer texts are not searched, in characters."""


def lettered_options(text: str) -> list[str]:
    """The texts of the last options of `text` whose letters count up from A.

    Empty without two of them, and if one lacks its text or is left out: where "D. lead" follows C or comes after "B. tin" with
    no C, the row is not all of the options.
    """
    if len(text) > _LONGEST:
        return []
    lines = _last_row([(match[1], (match[2] or "").strip()) for match in _LINE.finditer(text)])
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
    """The texts of the last row of letters that starts at A; empty if it leaves one out, or if one has no text."""
    best: list[str] = []
    row: list[str] = []
    ended = False
    for letter, text in lettered:
        place = LETTERS.index(letter)
        if place == 0:
            if text:  # an empty "A:" asks for the answer
                row, ended = [text], False
        elif place < len(row):
            ended = True
        elif place > len(row) or ended or not text:
            best, ended = [], True
        else:
            row.append(text)
            best = row
    return best
