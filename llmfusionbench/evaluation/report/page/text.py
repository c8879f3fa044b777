"""Text of the logs made safe to show: shortened, what cannot be seen spelt out, and escaped unless it is markup of ours.

Prompts are written by anyone. Here they lose the power to close a script, to turn the reading direction around or to hide.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

NAME_LIMIT = 60
"""Characters of the name of a router, candidate or task that are shown."""

PROMPT_LIMIT = 4_000
"""Characters of a prompt that are shown."""

LINE_LIMIT = 600
"""Characters of a warning or of a fact about the release that are shown."""

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters; line feed and tab stay
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidirectional and invisible ones
    "\ud800-\udfff"  # halves of a surrogate pair, which UTF-8 cannot hold
    "\U000e0000-\U000e0fff"  # tags: a second, invisible alphabet
    "]"
)
_OF_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def shorten(text: str, limit: int) -> str:
    """The text with its middle left out, and how much of it, where it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    tail = limit // 4
    left_out = len(text) - limit
    if limit < 200:
        return f"{text[: limit - tail]}…{text[-tail:]}"
    return f"{text[: limit - tail]}\n[… {left_out:,} of {len(text):,} characters left out …]\n{text[-tail:]}"


def visible(text: object, limit: int) -> str:
    """The text, shortened, with control, bidirectional and invisible characters written as `[U+202E]`."""
    short = shorten(str(text), limit).replace("\r\n", "\n")
    return _UNSEEN.sub(lambda m: f"[U+{ord(m.group()):04X}]", short)


def name(text: object) -> str:
    """A name on one line."""
    return " ".join(visible(text, NAME_LIMIT).split()) or "(no name)"


def named(text: object) -> Html:
    """A name from the report as markup: its reading direction is its own, and it may break after a mark."""
    parts = re.split(r"(?<=[_/-])(?=.)", name(text))
    return element("bdi", *[piece for part in parts for piece in (part, Html("<wbr>"))][:-1])


class Html(str):
    """Markup made by `element`, which is not escaped again."""

    __slots__ = ()


def escape(part: object) -> Html:
    """Markup as it is; anything else as text that an HTML parser reads as that text, in elements and in attributes."""
    return part if isinstance(part, Html) else Html(html.escape(str(part), quote=True))


def join(*parts: object) -> Html:
    """Parts one after the other, each escaped unless it is markup; None is left out."""
    return Html("".join(escape(p) for p in parts if p is not None))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """One element. `class_` and `data_v` become `class` and `data-v`; an attribute of None or False is left out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{written}>{join(*children)}</{tag}>")


def embedded_json(value: Any) -> Html:
    """JSON that no HTML parser can take for markup, whatever its texts hold. NaN is refused (ValueError)."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Html("".join(_OF_SCRIPT.get(c, c) for c in text) if any(c in text for c in _OF_SCRIPT) else text)
