"""The time that the name of a run's file ends in, as harnesses write it: `samples_sums_2026-01-21T03-44-18.458309.jsonl`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from llmfusionbench.builders.reading.file_names import stem

_TIME: Final = r"\d{4}-\d{2}-\d{2}T\d{2}[-:_]\d{2}[-:_]\d{2}(?:[.:]\d{1,9})?"
_NAMED: Final = re.compile(rf"(?:(?P<name>.{{1,400}})_)?(?P<time>{_TIME})")
_ISO: Final = re.compile(_TIME)


def time_of(path: Path) -> tuple[str, str]:
    """(what stands before the time in a file's name, the time as text); the whole stem and nothing if it has no time."""
    match = _NAMED.fullmatch(stem(path))
    return (match["name"] or "", match["time"]) if match else (stem(path), "")


def is_time(name: str) -> bool:
    """Whether the name of a folder is the time of a run."""
    return _ISO.fullmatch(name) is not None
