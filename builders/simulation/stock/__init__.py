"""The stock of sentences and facts that the simulator draws from, in TOML files that hold nothing else: all our own."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


def stock(name: str) -> dict[str, Any]:
    """The tables of the file NAME.toml."""
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text("utf-8"))
