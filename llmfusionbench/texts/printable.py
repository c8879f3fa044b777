"""Texts that are safe to show: without secrets, and without what could move a terminal's cursor."""

from __future__ import annotations

from llmfusionbench.redaction import redacted


def printable(text: str) -> str:
    """`text` without secrets, and without what could move a terminal's cursor or change the order of its characters.

    Line breaks and tabs stay. The rest is what Unicode calls not printable: controls, escape sequences, bidirectional and
    zero-width formatting, halves of a surrogate pair.
    """
    text = redacted(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str) -> str:
    """The same with line breaks and tabs escaped, too: a name in a table, which could otherwise pass for another row."""
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")
