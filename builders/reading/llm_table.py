"""A file of rows of the table `llms`, with which a build completes or corrects what the log states of its LLMs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.price_units import PRICING, are_written, check_plausible, converted, price_column
from llmfusionbench.builders.reading.tables import column_names
from llmfusionbench.errors import InputError
from llmfusionbench.schema import table_schema
from llmfusionbench.validation import validate
from llmfusionbench.validation.rows import read_rows

_TABLE: Final = "llms"
_SHOWN: Final = 10


def read_llms(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of a Parquet, JSONL or CSV file in the columns of `llms`, and notes on units that were converted.

    Only `llm` is required. Prices per token or per 1K tokens are converted if the names of their columns state the unit. Prices
    may be written as amounts in USD, such as $0.15.

    Raises:
        InputError: the file cannot be read, a row is not as the schema says (every issue is named), or the prices are so low
            that they are in another unit.
    """
    columns = column_names(path, path.name) if path.is_file() else []
    if PRICING in columns or any(price_column(name) for name in columns):
        return converted(path, columns)
    if are_written(path, columns):
        rows, notes = converted(path, columns)
        check_plausible(path, rows)
        return rows, notes
    issues = validate(path, schema=_TABLE, max_errors=_SHOWN)
    if issues:
        raise InputError(f"{path}: not rows of the table {_TABLE}: {'; '.join(map(str, issues))}. Remedy: correct them")
    rows = [row for part in read_rows(path, path.name, table_schema(_TABLE)) for row in part.batch.to_pylist()]
    check_plausible(path, rows)
    return rows, []
