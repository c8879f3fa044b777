"""Writes one text in plain letters: no accents, straight quotes, one kind of dash, no marks of citations.

Only `cem` reads texts so. `em` and `f1_score` follow the published script, which keeps all of these apart.
"""

from __future__ import annotations

import re
import unicodedata

_SIGNS = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u02bb\u2032\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
    **dict.fromkeys("\u00a0\u2009\u202f\u00ae\u2117\u2120\u2122", " "),
    "\u2044": "/",
    **dict(zip("\u00f8\u00d8\u0142\u0141\u0111\u0110\u0131\u00f0\u00d0", "oOlLdDidD", strict=True)),
    "\u00df": "ss",
    "\u00e6": "ae",
    "\u00c6": "Ae",
    "\u0153": "oe",
    "\u0152": "Oe",
    "\u00fe": "th",
    "\u00de": "Th",
}
_SIGN = re.compile(f"[{''.join(_SIGNS)}]")
_CITATION = re.compile(r"[\u00b9\u00b2\u00b3\u2070\u2074-\u2079]+")
_CITED = re.compile(r"[^\W\d_]{3}|\d{3}|.{0,2}[.,;:!?)\]\"']", re.DOTALL)
"""What stands before the mark of a citation: a word, a year or a full stop. "m\u00b2" and "10\u2075" have none."""
_ACCENTS = re.compile(r"[\u0300-\u036f]+")


def plain_letters(text: str) -> str:
    """`text` without accents and typographic signs, in its own case: "Zo\u00eb\u2019s caf\u00e9\u00b9" -> "Zoe's cafe "."""
    if text.isascii():
        return text
    text = _CITATION.sub(_uncited, _SIGN.sub(_plain_sign, text))
    if text.isascii():
        return text
    # NFC joins what NFKD took apart in scripts whose marks are not accents, such as Hangul.
    text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))
    return text if text.isascii() else _SIGN.sub(_plain_sign, text)


def _plain_sign(found: re.Match[str]) -> str:
    return _SIGNS[found[0]]


def _uncited(found: re.Match[str]) -> str:
    start = found.start()
    return " " if _CITED.fullmatch(found.string, max(0, start - 3), start) else found[0]
