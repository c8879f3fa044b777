"""Where a base model that has answered goes on with a question of its own, or with answers to none."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NEXT = re.compile(
    r"\n[ \t*#>-]{0,6}(?:(?:next |new )?question(?:[ #]{0,2}\d{1,4})?\s?[:.]|q(?:\d{1,4})?\s?[:.]\s"
    r"|problem(?: \d{1,4})?\s?:"
    r"|(?:answer )?(?:options|choices)\s?:|human\s?:|user\s?:|input\s?:|instruction\s?:|passage\s?:|exercise\s?\d{0,4}\s?:"
    r"|the following are |\u95ee\u9898\s?[:\uff1a]|\u9898\u76ee\s?[:\uff1a]|\u554f\u984c\s?[:\uff1a])"
    r"|\n#{1,4} ?(?:question|problem|instruction|input)\b[^\n]{0,20}\n"
    r"|<\|(?:im_end|im_start|endoftext|eot_id|user)\|>|<eos_token>|<eos>|<end_of_turn>|</s>|\[/?inst\]"
)
_LINE = r"\n\s{0,3}the answer is:? \(?[a-z]\)?\.?[ \t]{0,3}(?=\n|\Z)"
_REPEATS = re.compile(rf"(?P<first>{_LINE})(?:{_LINE}){{2}}")
_SECOND = re.compile(
    r"answer is:? \(?[a-z]\)?\.?[ \t]{0,4}(?=\n(?:\s{0,12}\n[ \t-]{0,4}answer:\s{1,2}the answer is\b"
    r"|\s{0,12}(?:the answer is ?(?:\.\.\.|\u2026)|answer:\s{1,2}let['\u2019]s think)"
    r"|\s{0,12}={2,}[^\n]{0,40}\n\s{0,4}(?:the )?answers?\b))"
)
"""An answer that another one to no question follows: "The answer is (A).", a blank line, "Answer: The answer is (C)."."""
_DECLINES = re.compile(
    r"\b(?:cannot|can['\u2019]t|unable to|not enough information|lacks?\b|incomplete|does(?:n['\u2019]t"
    r"| not) (?:give|contain|provide)"
    r"|answers (?:to|for) the (?:first|previous|other|preceding|last)\b)"
)
_PROSE = 40
"""Shortest line with an answer that is more than "The answer is (A)."."""
_TRIES = 4
_END = 80
"""Characters at the end that may hold such tokens."""
_END_TOKEN = re.compile(
    r"(?:<(?:eos|eos_token|/s|end_of_turn|end_of_text|\|(?:im_end|endoftext|eot_id|end_of_text|end_of_turn_token|end)\|)>\s{0,9}){1,4}\Z",
    re.IGNORECASE,
)


def continuations(low: str) -> Iterator[int]:
    """The places where a new question, or a row of bare answers, may begin in the lower-case text; at most a few."""
    if _NEXT.match("\n" + low.lstrip()) is not None:  # a text that begins with a question holds several, and ours is the last
        return
    repeats = _REPEATS.search(low)
    if repeats is not None and repeats.start() - low.rfind("\n", 0, repeats.start()) > _PROSE:
        yield repeats.start()
    if repeats is not None and _reasons(low[: repeats.start()]):
        yield repeats.end("first")
    second = _SECOND.search(low)
    if second is not None and _reasons(low[: second.start()]):
        yield second.end()
    for number, found in enumerate(_NEXT.finditer(low)):
        if number == _TRIES:
            return
        if found.start() > 0:
            yield found.start()


def _reasons(before: str) -> bool:
    """Whether the text before a first answer is prose that leads to it, and not a refusal or other answers."""
    before = before.strip()
    return len(before) > _PROSE and not before.startswith(("the answer is", "question 1")) and _DECLINES.search(before) is None


def without_end_token(text: str) -> str:
    """`text` without the token of its end, as tokenizers write it: "B.<|endoftext|>" -> "B."."""
    end = text[-_END:]
    return text[:-_END] + _END_TOKEN.sub("", end) if ">" in end else text
