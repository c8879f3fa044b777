"""Quotes untrusted texts inside a prompt as data, in a fence that they cannot close."""

from __future__ import annotations

import re
from typing import Final

NOW: Final = "Now answer this question:"
"""The line after which the question of a prompt stands that begins with quotations."""
_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_INVISIBLE: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_RUN: Final = re.compile("`{3,}")


def quoted(text: str) -> str:
    """`text` between two lines of backticks, longer than any run of backticks in it.

    Every kind of line end becomes `\\n`, and characters that act rather than show (control characters, direction
    overrides, lone surrogates) become U+FFFD, so that only the last line can end the quotation.
    """
    clean = _INVISIBLE.sub("\ufffd", _LINE_ENDS.sub("\n", text)).strip("\n")
    longest = max((len(run) for run in _RUN.findall(clean)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{clean}\n{fence}"


def own_question(prompt: str) -> str:
    """What a prompt asks, without the quotations before it and the line `NOW` that ends them."""
    return prompt.rpartition(f"\n\n{NOW}\n\n")[2]


def sendable(text: str) -> str:
    """`text` with U+FFFD for lone surrogates, which no file and no request can hold; nothing else is changed."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
