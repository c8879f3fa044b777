"""Texts of the logs made safe to show: shortened, with invisible characters spelled out, and escaped.

Prompts come from anyone. They must not close a script, reverse the reading direction or hide text.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

NAME_LIMIT = 60
"""Maximum length of the name of a router, candidate or task."""

PROMPT_LIMIT = 4_000
"""Maximum length of a prompt."""

LINE_LIMIT = 600
"""Maximum length of a warning or of a fact about the release."""

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters; line feed and tab stay
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidirectional and invisible
    "\ud800-\udfff"  # halves of a surrogate pair, which UTF-8 cannot hold
    "\U000e0000-\U000e0fff"  # tags: a second, invisible alphabet
    "]"
)
_OF_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def shorten(text: str, limit: int) -> str:
    """The text; one of more than `limit` characters without its middle, with a note of how much is missing."""
    if len(text) <= limit:
        return text
    tail = limit // 4
    omitted = len(text) - limit
    if limit < 200:
        return f"{text[: limit - tail]}…{text[-tail:]}"
    return f"{text[: limit - tail]}\n[… {omitted:,} of {len(text):,} characters omitted …]\n{text[-tail:]}"


def visible(text: object, limit: int) -> str:
    """The text, shortened, with control, bidirectional and invisible characters written as `[U+202E]`."""
    short = shorten(str(text), limit).replace("\r\n", "\n")
    return _UNSEEN.sub(lambda m: f"[U+{ord(m.group()):04X}]", short)


def name(text: object) -> str:
    """A name on one line."""
    return " ".join(visible(text, NAME_LIMIT).split()) or "(no name)"


def named(text: object) -> Html:
    """A name from the report as markup, isolated in its reading direction; lines may break after `_`, `/` and `-`."""
    parts = re.split(r"(?<=[_/-])(?=.)", name(text))
    return element("bdi", *[piece for part in parts for piece in (part, Html("<wbr>"))][:-1])


class Html(str):
    """Markup from `element`, which is not escaped again."""

    __slots__ = ()


def escape(part: object) -> Html:
    """Markup unchanged; anything else escaped for elements and attributes."""
    return part if isinstance(part, Html) else Html(html.escape(str(part), quote=True))


def join(*parts: object) -> Html:
    """The parts in a row, each escaped unless it is markup; None is skipped."""
    return Html("".join(escape(p) for p in parts if p is not None))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """One element. `class_` and `data_v` become `class` and `data-v`; an attribute of None or False is skipped."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{written}>{join(*children)}</{tag}>")


def embedded_json(value: Any) -> Html:
    """JSON that is safe inside HTML. Raises ValueError for NaN."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Html("".join(_OF_SCRIPT.get(c, c) for c in text) if any(c in text for c in _OF_SCRIPT) else text)
