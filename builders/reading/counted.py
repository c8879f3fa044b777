"""Numbers with their nouns, for notes."""

from __future__ import annotations


def counted(count: int, one: str, many: str) -> str:
    """A number and what it counts: `1 record is`, `1,200 records are`."""
    return f"{count:,} {one if count == 1 else many}"
