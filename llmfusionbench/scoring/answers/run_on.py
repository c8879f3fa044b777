"""Where a base model that has answered goes on with a question of its own, or with answers to none."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NEXT = re.compile(
    r"\n[ \t*#>-]{0,6}(?:(?:next |new )?question(?:[ #]{0,2}\d{1,4})?\s?[:.]|q(?:\d{1,4})?\s?[:.]\s|problem(?: \d{1,4})?\s?:"
    r"|(?:answer )?(?:options|choices)\s?:|human\s?:|user\s?:|input\s?:|instruction\s?:|passage\s?:|exercise\s?\d{0,4}\s?:"
    r"|the following are |\u95ee\u9898\s?[:\uff1a]|\u9898\u76ee\s?[:\uff1a]|\u554f\u984c\s?[:\uff1a])"
    r"|\n#{1,4} ?(?:question|problem|instruction|input)\b[^\n]{0,20}\n"
    r"|<\|(?:im_end|im_start|endoftext|eot_id|user)\|>|</s>|\[/?inst\]"
)
_REPEATS = re.compile(r"(?:\n\s{0,3}the answer is:? \(?[a-z]\)?\.?[ \t]{0,3}(?=\n|\Z)){3}")
_PROSE = 40
"""Shortest line with an answer that is more than "The answer is (A)."."""
_TRIES = 4


def continuations(low: str) -> Iterator[int]:
    """The places where a new question, or a row of bare answers, may begin in the lower-case text; at most a few."""
    if _NEXT.match("\n" + low.lstrip()) is not None:  # a text that begins with a question holds several, and ours is the last
        return
    repeats = _REPEATS.search(low)
    if repeats is not None and repeats.start() - low.rfind("\n", 0, repeats.start()) > _PROSE:
        yield repeats.start()
    for number, found in enumerate(_NEXT.finditer(low)):
        if number == _TRIES:
            return
        if found.start() > 0:
            yield found.start()
