"""Names of metrics as harnesses write them, such as `pass@1` or `graders/tone.strict`, as the names that the tables admit."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from llmfusionbench.builders.known.tasks import UNKNOWN

_OTHER: Final = re.compile(r"[^a-z0-9_]+")


@lru_cache(maxsize=256)
def metric_word(name: str) -> str:
    """A name in small letters, with `_` for all other signs (`pass@1` is `pass_1`); `unknown` if no letter is left."""
    word = _OTHER.sub("_", name.lower()).strip("_")
    if not any(sign.isalpha() for sign in word):
        return UNKNOWN
    return word if word[0].isalpha() else f"metric_{word}"
