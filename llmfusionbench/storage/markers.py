"""A marker in a directory, by which workers on other machines see that the directory is the same for them."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex
from typing import Final

NAME: Final = "marker"


def marker(directory: Path) -> Path:
    """Write a file that no other directory has; its path."""
    path = directory.absolute() / NAME
    path.write_text(token_hex(), encoding="ascii")
    return path
