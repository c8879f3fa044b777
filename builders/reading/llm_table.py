"""A file of rows of the table `llms`, with which a build completes or corrects what the log states of its LLMs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from llmfusionbench.errors import InputError
from llmfusionbench.schema import table_schema
from llmfusionbench.validation import validate
from llmfusionbench.validation.rows import read_rows

_TABLE: Final = "llms"
_SHOWN: Final = 10


def read_llms(path: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet, JSONL or CSV file in the columns of `llms`; only `llm` is required.

    Raises:
        InputError: the file cannot be read, or a row is not as the schema says; every issue is named.
    """
    issues = validate(path, schema=_TABLE, max_errors=_SHOWN)
    if issues:
        raise InputError(f"{path}: not rows of the table {_TABLE}: {'; '.join(map(str, issues))}. Remedy: correct them")
    return [row for part in read_rows(path, path.name, table_schema(_TABLE)) for row in part.batch.to_pylist()]
