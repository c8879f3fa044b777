"""Names that are given more than once where each may stand once: keys of an object, columns of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def repeated(names: Iterable[str]) -> list[str]:
    """The names that occur more than once, each once, in order."""
    return [name for name, count in Counter(names).items() if count > 1]
