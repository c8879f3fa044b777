"""JSON lines, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def write_lines(records: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write records as JSON lines, beside the file's place and then renamed to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    count = 0
    try:
        # What UTF-8 cannot hold is written as the escape that JSON knows.
        with open(beside, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            for record in records:
                file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
                count += 1
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return count
