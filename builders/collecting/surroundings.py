"""What a run takes from its surroundings unless a caller gives it: where lines for the user go, and the wall clock."""

from __future__ import annotations

import sys
from datetime import UTC, datetime


def to_stderr(line: str) -> None:
    """Print a line for the user."""
    print(line, file=sys.stderr)


def utc_now() -> datetime:
    """The time of labels in the journal."""
    return datetime.now(UTC)
