"""The options that `collect` and `judge` share, which say how calls are made."""

from __future__ import annotations

from collections.abc import Sequence


def names_in(texts: Sequence[str]) -> list[str]:
    """The names in lists that commas separate."""
    return list(dict.fromkeys(name for text in texts for part in text.split(",") if (name := part.strip())))
