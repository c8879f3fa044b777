"""CSV for people: a cell that a spreadsheet would run as a formula is made a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_text(frame: pd.DataFrame) -> str:
    """A frame as CSV. A text that begins like a formula gets an apostrophe before it, unless it is a number."""
    safe = frame.map(_harmless)
    safe.columns = [_harmless(name) for name in frame.columns]
    return str(safe.to_csv(index=False, lineterminator="\n"))


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
