"""Whether the words around a mention of an option rule it out. The text is in lower case, with mentions (`mentions`)."""

from __future__ import annotations

import re
from functools import lru_cache

from llmfusionbench.scoring.answers.choices import dismissal_words, mark_words, mention_places
from llmfusionbench.scoring.answers.choices.mentions import CLEAR, label_of, with_mentions
from llmfusionbench.scoring.answers.choices.options import Options

_CLEAR = re.compile(CLEAR)
REACH = 40
"""Characters before a commitment that may deny it."""


def after_text(marked: str, place: int, mention: str, options: Options) -> int:
    """The place behind the text of the option that is mentioned right before `place`; `place` if its text does not follow."""
    if options.texts:
        text = options.texts[options.labels.index(label_of(mention, options.labels))]
        start = place + len(marked[place : place + 6]) - len(marked[place : place + 6].lstrip(" .):,*-"))
        if len(text) > 2 and marked.startswith(text[0], start):
            for written in (text, _marked(text, options.labels), text.rstrip(".")):
                if marked.startswith(written, start):
                    return start + len(written)
    return place


@lru_cache(maxsize=8192)
def _marked(text: str, labels: tuple[str, ...]) -> str:
    """The text of an option as a marked text has it: "I have a dream" has a mention if I is a label."""
    return with_mentions(text, labels)


def supposed(low: str, place: int) -> bool:
    """Whether the words before an "answer" at `place` say that it is wrong, or suppose one."""
    before = [word for word in low[max(0, place - REACH) : place].split() if word not in ("correct", "right", "best", "final")]
    if not before:
        return False
    return before[-1] in mark_words.DENYING or (
        before[-1] == "the" and before[-2:-1] != [] and before[-2] in mark_words.SUPPOSING
    )


def ruled_out(low: str, place: int) -> bool:
    """Whether the words right before the mention at `place` rule it out."""
    before = low[max(0, place - REACH) : place]
    if before.isascii() and not any(
        word[:3] in dismissal_words.RULING_OUT or word[-3:] in ("n't", "not") for word in before.split()[-5:]
    ):
        return False
    return dismissal_words.RULED_OUT.search(before) is not None


def dismissed(low: str, place: int) -> bool:
    """Whether the words right after the mention that ends at `place` dismiss it."""
    start = place
    while start < len(low) and start < place + 4 and low[start] in ' )*"':
        start += 1
    return dismissal_words.SAID_WRONG.match(low, start) is not None or low[place : place + 2].lstrip(")")[:1] == "?"


def dismissed_later(marked: str, low: str, place: int, options: Options, *, surely: bool = False) -> bool:
    """Whether the mention at `place` is ruled out, or dismissed after its own text and before the next mention."""
    end = place + 1
    if ruled_out(low, place) or dismissed(low, end):
        return True
    end = after_text(marked, end, marked[place], options)
    if (rest := mention_places.LIST.match(low, end)) is not None:
        end = rest.end()
    stop = min(end + 120, len(low))
    if (following := _CLEAR.search(low, end, stop)) is not None:
        stop = following.start()
    if (close := mention_places.SENTENCE_END.search(low, end, stop)) is not None:
        stop = close.start()
    elif following is not None and (other := dismissal_words.RULED_OUT.search(low, end, stop)) is not None:
        stop = other.start()  # said of the next mention: "B (not A)"
    said = low[end:stop]
    if not said or said.isspace():
        return False
    if said.isascii() and not any(sign in said for sign in dismissal_words.NEGATIVE):
        return False
    return (dismissal_words.SURELY_DISMISSED if surely else dismissal_words.DISMISSED).search(said) is not None


def taken_back(marked: str, low: str, place: int, options: Options) -> bool:
    """Whether the sentence goes on to say that the option whose mention ends at `place` is not the answer."""
    if "not" not in low[place : place + 240] and "n't" not in low[place : place + 240]:
        return False
    end = after_text(marked, place, marked[place - 1], options)
    stop = min(end + 120, len(low))
    if (following := _CLEAR.search(low, end, stop)) is not None:
        stop = following.start()
    return dismissal_words.NOT_THE_ANSWER.match(low, end, stop) is not None
