"""The directory of what this package keeps between runs."""

from __future__ import annotations

import os
from pathlib import Path

from llmfusionbench.errors import InputError


def cache_directory() -> Path:
    """The directory of built releases: the environment variable LLMFUSIONBENCH_CACHE, or ~/.cache/llmfusionbench.

    Raises:
        InputError: the home directory in it is not known.
    """
    place = os.environ.get("LLMFUSIONBENCH_CACHE")
    try:
        return Path(place).expanduser() if place else Path.home() / ".cache" / "llmfusionbench"
    except RuntimeError as error:
        found = "is not set" if not place else f'is "{place}"'
        raise InputError(f"LLMFUSIONBENCH_CACHE {found}: {error} Remedy: set it to a directory that can be written") from error
