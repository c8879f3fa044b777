"""Prompts that hold their own ground truth: after words such as "Answer:", or as a long text anywhere."""

from __future__ import annotations

import re
from typing import Final, Literal

from llmfusionbench.scoring.answers.truths import accepted_answers

Leak = Literal["stated", "contained"]

LONG: Final = 12
"""Shortest truth that counts after any cue, in characters; it must also have two words with letters."""
ANYWHERE: Final = 40
"""Shortest truth that counts anywhere, in characters. Shorter ones are often named by a fair question ("is it A or B")."""
_WHOLE: Final = 0.5
"""Share of the prompt above which a truth is the input of the task, such as words to be used, and does not count."""
_WORDS: Final = re.compile(r"[^\W\d_]{2,}")
_SPACE: Final = re.compile(r"\s+")
_CUE: Final = re.compile(
    r"(?:\b(?:answer|solution|ground truth|gold|label|target|output)\b['\"*]{0,3} ?(?:is|:|=)|####|\\boxed\{) ?['\"*$({\[]{0,3}"
)
_LITERAL: Final = re.compile(r"(['\"]).*\1", re.DOTALL)
"""A string of a program. Where that is the truth, the prompt is about a program that may return its input."""
_MOST: Final = 50
"""Cues that are looked at in one prompt, from its end."""
_MORE: Final = 12
"""Characters after a short truth with which the prompt may go on: "Answer: 42." is one, "Answer: 42 + x = ..." is not."""


def leak(prompt: str, ground_truth: str) -> Leak | None:
    """How a prompt holds one of the accepted answers.

    `stated`: after a cue such as "Answer:". A truth shorter than `LONG` counts only after the last cue, and only if the prompt
    ends soon after it: the answers of worked examples are equal by chance. `contained`: a truth of `ANYWHERE` characters
    elsewhere.
    """
    text = _plain(prompt)
    truths = [_plain(truth) for truth in accepted_answers(ground_truth)]
    cues = [found.end() for found in _CUE.finditer(text)][-_MOST:]
    for truth in truths:
        if not truth or len(truth) > _WHOLE * len(text):
            continue
        long = len(truth) >= LONG and len(_WORDS.findall(truth)) > 1
        for end in cues if long else cues[-1:]:
            if (
                text.startswith(truth, end)
                and (long or len(text) - end - len(truth) <= _MORE)
                and _ends(text, end + len(truth))
            ):
                return "stated"
        if long and len(truth) >= ANYWHERE and not _LITERAL.fullmatch(truth) and _holds(text, truth):
            return "contained"
    return None


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()


def _ends(text: str, place: int) -> bool:
    """Whether a word ends before `place`."""
    return not text[place : place + 1].isalnum() and not re.match(r"[.,]\d", text[place : place + 2])


def _holds(text: str, truth: str) -> bool:
    """Whether a text contains a truth as whole words."""
    place = text.find(truth)
    while place >= 0:
        if not text[max(place - 1, 0) : place].isalnum() and _ends(text, place + len(truth)):
            return True
        place = text.find(truth, place + 1)
    return False
