"""The text of a card: values of data written so that Markdown shows them as they are, and parts between marks.

A part stands between `<!-- generated: NAME: begin -->` and `<!-- generated: NAME: end -->`, so that it can be made again
without the prose around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from llmfusionbench.errors import InputError

LONGEST: Final = 200
"""Characters of a value that a card shows."""
ROWS: Final = 40
"""Rows of a table of counts."""

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.+/@ -]{0,98}[A-Za-z0-9])?", re.ASCII)
_SPECIAL: Final = re.compile(
    r"([\\`*{}\[\]<>#|!~$&@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.)", re.IGNORECASE
)
"""What Markdown would read as markup, or as a link."""
_LIST: Final = re.compile(r"^(\d{0,9})([-+=]|(?<=\d)[.)](?!\S))")
"""What Markdown would read as a list or a ruler at the start of a line."""
_MARK: Final = re.compile(r"<!-- generated: ([a-z][a-z0-9_]{0,40}): (begin|end) -->")


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it."""

    heading: str
    body: str
    name: str | None = None
    """Name of the generated part; None for prose, which has no marks."""

    def __str__(self) -> str:
        return f"## {self.heading}\n\n{self.body if self.name is None else marked(self.name, self.body)}\n"


def plain(value: object, longest: int = LONGEST) -> str:
    """Text that Markdown shows as it is, on one line: no markup, link or HTML in it takes effect."""
    words = str(value)
    words = words if len(words) <= longest else f"{words[:longest]}…"
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return _LIST.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", line))


def named(value: object) -> str:
    """A name as code if it is an ordinary one, else as `plain` text."""
    return f"`{value}`" if _PLAIN_NAME.fullmatch(str(value)) else plain(value) or "(empty)"


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """A number with its noun: `1 query`, `1,200 queries`."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A Markdown table of cells that are Markdown; the last `numbers` columns are set to the right."""
    ruler = "|---" * (len(head) - numbers) + "|---:" * numbers + "|"
    return "\n".join(["| " + " | ".join(head) + " |", ruler, *("| " + " | ".join(row) + " |" for row in rows)])


def counts_table(noun: str, what: str, counts: Mapping[str, int]) -> str:
    """A table of names with their counts, the most frequent first."""
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [(named(name), f"{count:,}") for name, count in most[:ROWS]]
    if len(most) > ROWS:
        rows.append((f"{len(most) - ROWS:,} more", f"{sum(count for _, count in most[ROWS:]):,}"))
    return table([noun, what], rows, numbers=1)


def marked(name: str, body: str) -> str:
    """A generated part between its marks."""
    return f"<!-- generated: {name}: begin -->\n\n{body.strip()}\n\n<!-- generated: {name}: end -->"


def with_parts(card: str, parts: Mapping[str, str], place: str = "the card") -> str:
    """A card with these parts made again. Text outside of marks, and parts of other names, stay as they are.

    Raises:
        InputError: a mark has no counterpart, or stands within another part.
    """
    pieces: list[str] = []
    end, name = 0, None
    for found in _MARK.finditer(card):
        line = f"{place} line {card.count(chr(10), 0, found.start()) + 1}: {found[0]}"
        if (found[2] == "begin") != (name is None) or name not in (None, found[1]):
            raise InputError(f"{line} has no counterpart. Remedy: write a begin and an end around each generated part")
        if found[2] == "begin":
            pieces.append(card[end : found.start()])
            end, name = found.start(), found[1]
        else:
            before = card[end : found.end()]
            pieces.append(marked(found[1], parts[found[1]]) if found[1] in parts else before)
            end, name = found.end(), None
    if name is not None:
        raise InputError(f"{place}: the part {name} has no end. Remedy: add <!-- generated: {name}: end --> after it")
    return "".join(pieces) + card[end:]


def part_names(card: str) -> set[str]:
    """The names of the parts that a card has marks for."""
    return {found[1] for found in _MARK.finditer(card)}
