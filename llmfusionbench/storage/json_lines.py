"""Files of JSON lines, written atomically."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from llmfusionbench.redaction import redacted_data
from llmfusionbench.storage.files import whole_file


def write_lines(records: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write records as JSON lines to `path`, without secrets; the number of lines."""
    count = 0
    # A lone surrogate, which UTF-8 cannot encode, becomes an escape that JSON can read.
    with whole_file(path) as place, open(place, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        for record in records:
            file.write(json.dumps(redacted_data(record), ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count
