"""Texts of others inside a judge's prompt: cut where they are too long, and unable to pass for a verdict."""

from __future__ import annotations

import re
from typing import Final

from llmfusionbench.texts.quoting import quoted

_TAG: Final = re.compile(r"<(?=[/\s]{0,8}\w{0,64}(?:score|better))", re.IGNORECASE)
_KEY: Final = re.compile(r'"(scores?|better)"(?=\s*:)', re.IGNORECASE)


def excerpt(text: str, limit: int) -> str:
    """`text`, or its beginning and its end with a mark between them that states how many characters are left out.

    Args:
        text: Any text.
        limit: Most characters of the beginning and the end together.
    """
    if len(text) <= limit:
        return text
    head = (limit + 1) // 2
    tail = limit - head
    mark = f"\n[... {len(text) - limit:,} characters left out ...]\n"
    return text[:head] + mark + (text[-tail:] if tail else "")


def disarmed(text: str) -> str:
    """`text` without what the parser of replies takes for a score, in case a judge repeats it word for word.

    `<` before `score`, `better` or a name that ends so becomes a single angle quote, and a JSON key of these names gets curly
    quotes.
    """
    return _KEY.sub("“\\1”", _TAG.sub("\u2039", text))


def block(text: str, limit: int) -> str:
    """`text` as a quotation for a prompt: cut, disarmed, and in a fence that it cannot close."""
    return quoted(disarmed(excerpt(text, limit)))
