"""Scripts of texts: which of the scripts other than Latin a text is written in, by its letters."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import booleans

SCRIPTS: Final = {
    "Han": r"\p{Han}",
    "Kana": r"[\p{Hiragana}\p{Katakana}]",
    "Hangul": r"\p{Hangul}",
    "Cyrillic": r"\p{Cyrillic}",
    "Arabic": r"\p{Arabic}",
    "Hebrew": r"\p{Hebrew}",
    "Devanagari": r"\p{Devanagari}",
    "Thai": r"\p{Thai}",
}
"""Name -> RE2 pattern of a letter. Greek is not among them: its letters are symbols in mathematics."""


def script_letters(texts: pa.Array) -> npt.NDArray[np.int64]:
    """[n, len(SCRIPTS)] number of letters of each script in each text; 0 for a missing text. Only texts with other than ASCII
    characters are searched."""
    counts = np.zeros((len(texts), len(SCRIPTS)), np.int64)
    rows = np.flatnonzero(~booleans(pc.string_is_ascii(pc.fill_null(texts, ""))))
    if rows.size:
        foreign = pc.fill_null(texts.take(pa.array(rows)), "")
        for column, pattern in enumerate(SCRIPTS.values()):
            counts[rows, column] = pc.count_substring_regex(foreign, pattern).to_numpy(zero_copy_only=False)
    return counts


_NAMED: Final = (
    r"(?i:\b(?:hebrew|aramaic|chinese|mandarin|japanese|korean|russian|ukrainian|arabic|persian|hindi|thai)\b)[^.\n]{0,60}"
)
_GLOSS: Final = re.compile(
    r"```.*?(?:```|\Z)|\([^()\n]*\)|（[^（）\n]*）|\"[^\"\n]*\"|“[^“”\n]*”|«[^«»\n]*»|`[^`\n]*`|" + _NAMED, re.DOTALL
)


def without_glosses(text: str) -> str:
    """A text without brackets, quotation marks, code and what follows the name of a language: words quoted from it."""
    return _GLOSS.sub(" ", text)
