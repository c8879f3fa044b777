"""The folder of real logs, and its gzipped files."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any


def default_logs() -> Path:
    """$LLMFUSIONBENCH_REAL_LOGS, else ../shared/data beside the project."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", beside))


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def records(path: Path) -> list[dict[str, Any]]:
    """The objects of a gzipped file that holds one JSON array."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        listed: list[dict[str, Any]] = json.load(stream)
    return listed
