"""Reasoning that stands in a judge's reply between tags: what it states is no verdict."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = "think|thinking|thought|reasoning"
_TAG: Final = re.compile(rf"<(/?)({_NAMES})>|\[(/?)(THINK)\]", re.IGNORECASE)
"""The tags that the scoring of answers knows: DeepSeek, Qwen, Claude, Magistral."""

_PLACE: Final = re.compile(" {15,}")
"""The shortest pair of tags has 15 characters."""


def without_thoughts(text: str) -> str:
    """The text with spaces in place of every character of its reasoning, so that all places in it stay.

    Reasoning ends at a tag of the name that opened it. Without an opening, as with templates that open it, all before the tag
    is reasoning. What has no end stays.
    """
    thoughts: list[tuple[int, int]] = []
    opened: re.Match[str] | None = None
    for tag in _TAG.finditer(text):
        if not (tag[1] or tag[3]):
            opened = opened or tag
        elif opened is None:
            thoughts = [(0, tag.end())]
        elif _name(opened) == _name(tag):
            thoughts.append((opened.start(), tag.end()))
            opened = None
    parts, done = [], 0
    for start, end in thoughts:
        parts += [text[done:start], " " * (end - start)]
        done = end
    return "".join([*parts, text[done:]])


def closed_up(text: str) -> str:
    """What `without_thoughts` has made, or a part of it, with one space for each place of reasoning."""
    return _PLACE.sub(" ", text)


def is_thinking(text: str) -> bool:
    """Whether reasoning begins in a text without an end. The text is one of `without_thoughts`."""
    return any(not (tag[1] or tag[3]) for tag in _TAG.finditer(text))


def _name(tag: re.Match[str]) -> str:
    return (tag[2] or tag[4]).lower()
