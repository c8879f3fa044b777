"""One thing wrong with an input: its place, its value and what was expected."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

_SHOWN = 60


@dataclass(frozen=True)
class Issue:
    """One thing wrong: `file row R: column is VALUE, expected E`."""

    file: str
    """The file, relative to what was validated."""
    row: int | None
    """The row, counted from 0; None for an issue of the whole file."""
    column: str | None
    """The column, with the path inside it (`candidates[3].cost_usd`); None for an issue of the row or the file."""
    value: str | None
    """The value, shortened; None if it is missing."""
    expected: str
    line: int | None = None
    """The line of a text file, counted from 1."""

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f" line {self.line}"
        elif self.row is not None:
            place += f" row {self.row}"
        if self.column is not None:
            found = "is missing" if self.value is None else f"is {self.value}"
            return f"{place}: {self.column} {found}, expected {self.expected}"
        found = "" if self.value is None else f"{self.value}, "
        return f"{place}: {found}expected {self.expected}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def shorten(value: object) -> str:
    """`value` as text of at most about 60 characters, without characters that could move a terminal's cursor."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        shown = value if len(value) <= _SHOWN else value[: _SHOWN - 20]
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
        return f'"{text}"' if shown is value else f'"{text}"... ({len(value):,} characters)'
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
