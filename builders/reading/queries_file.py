"""The file `queries.jsonl` of a run as it is read: every line is a query, and none that `run.json` counts is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.limits import record_bytes
from llmfusionbench.builders.reading.run_files import QUERIES, RUN
from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import limited_lines, reading

REMEDY: Final = "Remedy: restore the file from a copy"
Line = dict[str, Any]


def read_queries(folder: Path, run: Mapping[str, Any] | None = None) -> Iterator[Line]:
    """The lines of a run's queries.

    Args:
        folder: The run.
        run: What its `run.json` has; None to leave the number of queries unchecked.

    Raises:
        InputError: the file is missing or damaged, or, at its end, has fewer queries than the run.
    """
    path = folder / QUERIES
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected the queries of the run. {REMEDY}")
    number = 0
    with reading(path), open(path, "rb") as file:
        for number, line in enumerate(limited_lines(file, record_bytes()), start=1):
            yield _checked(line, f"{path} line {number}")
    expected = sum(about["queries"] for about in run["tasks"].values()) if run is not None else 0
    if number < expected:
        raise InputError(f"{path}: {number:,} queries, expected {expected:,} as {RUN} states. {REMEDY}")


def _checked(line: bytes | int, place: str) -> Line:
    try:
        found = json.loads(line) if isinstance(line, bytes) else None
    except (ValueError, RecursionError):
        found = None
    prompts = found.get("prompts") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("query_id"), str) or not isinstance(prompts, dict):
        raise InputError(f"{place}: not a query. {REMEDY}")
    return found
