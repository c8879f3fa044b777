"""An environment in which a process can import the tests, whatever an earlier test has set."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def importable() -> dict[str, str]:
    """The environment of this process with the project on the path: the command line forbids imports from the current one."""
    return {**os.environ, "PYTHONPATH": str(PROJECT)}
