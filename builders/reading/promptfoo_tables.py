"""The table of promptfoo's older summaries, whose cells are results: one row per test, one column per prompt and provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmfusionbench.builders.reading.json import Item


def table_results(table: Any) -> Iterator[Item]:
    """The cells of a table as results, with their numbers from 0; what is not laid out as a table gives none."""
    head, body = (table.get("head"), table.get("body")) if isinstance(table, dict) else (None, None)
    prompts = head.get("prompts") if isinstance(head, dict) else None
    columns = prompts if isinstance(prompts, list) else []
    names = head.get("vars") if isinstance(head, dict) else None
    number = 0
    for test, row in enumerate(body if isinstance(body, list) else ()):
        outputs = row.get("outputs") if isinstance(row, dict) else None
        for place, cell in enumerate(outputs if isinstance(outputs, list) else ()):
            column = columns[place] if place < len(columns) else None
            yield number, _result(row, cell, column, names, (test, place)) if isinstance(cell, dict) else cell
            number += 1


def _result(row: dict[str, Any], cell: dict[str, Any], column: Any, names: Any, at: tuple[int, int]) -> dict[str, Any]:
    column = column if isinstance(column, dict) else {}
    values = row.get("vars")
    named = zip(names, values, strict=False) if isinstance(names, list) and isinstance(values, list) else ()
    response = cell.get("response")
    said = {"output": cell.get("text"), "tokenUsage": cell.get("tokenUsage")}
    return {
        "provider": cell.get("provider") or column.get("provider"),
        "prompt": {"raw": cell.get("prompt") or column.get("raw")},
        "vars": {name: value for name, value in named if isinstance(name, str)},
        "response": {**said, **response} if isinstance(response, dict) else said,
        "testCase": cell.get("testCase") or row.get("test"),
        "testIdx": row.get("testIdx", at[0]),
        **{name: cell.get(name) for name in ("score", "latencyMs", "cost", "gradingResult", "failureReason", "error")},
        "success": cell.get("pass"),
    }
