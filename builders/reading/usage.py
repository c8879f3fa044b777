"""Counts of tokens as the APIs of OpenAI and Anthropic name them, in columns of their own or in an object `usage`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from llmfusionbench.builders.reading.fields import literal

USAGE: Final = "usage"
"""The column with the object."""

_NAMES: Final = {
    "input_tokens": ("input_tokens", "prompt_tokens", "inputTokens", "promptTokens"),
    "output_tokens": ("output_tokens", "completion_tokens", "outputTokens", "completionTokens"),
}
"""Our column -> its names."""
_DETAILS: Final = {
    "reasoning_tokens": ("completion_tokens_details", "output_tokens_details"),
    "cached_tokens": ("prompt_tokens_details", "input_tokens_details"),
}
"""Our column -> the objects in `usage` that hold it under our name."""
_MADE: Final = {ours: f"{USAGE}.{ours}" for ours in (*_NAMES, *_DETAILS)}
"""Our column -> the column that `with_usage` makes of it."""

TOKEN_NAMES: Final = {
    **{ours: (*names[1:], *(f"{USAGE}.{name}" for name in names)) for ours, names in _NAMES.items()},
    **{ours: (_MADE[ours], *(f"{USAGE}.{part}.{ours}" for part in parts)) for ours, parts in _DETAILS.items()},
}
"""Our column -> its other names, also those that `usage` has where its fields are columns."""


def names_with_usage(columns: Sequence[str]) -> list[str]:
    """`columns`, and those that `with_usage` makes where `usage` is one of them."""
    return list(dict.fromkeys([*columns, *(_MADE.values() if USAGE in columns else ())]))


def names_in_file(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns of a file with `columns` that hold the columns `names`."""
    made = {*_MADE.values()} - {*columns}
    return list(dict.fromkeys(USAGE if name in made else name for name in names))


def with_usage(batch: pa.RecordBatch, objects: Mapping[int, Any] | None = None) -> pa.RecordBatch:
    """The batch with a column of text for each count that the object `usage` states; null where it states none.

    `objects` are those of the rows that have one as an object and not only as a text of JSON.
    """
    if USAGE not in batch.schema.names:
        return batch
    inside = objects or {}
    texts = batch.column(USAGE).to_pylist()
    usages = [_object(inside.get(row, text)) for row, text in enumerate(texts)]
    for ours, name in _MADE.items():
        if name not in batch.schema.names:
            batch = batch.append_column(name, pa.array([_count(usage, ours) for usage in usages], pa.string()))
    return batch


def _object(value: Any) -> Mapping[str, Any]:
    found = literal(value) if isinstance(value, str) and value.lstrip().startswith("{") else value
    return found if isinstance(found, Mapping) else {}


def _count(usage: Mapping[str, Any], ours: str) -> str | None:
    for name in _NAMES.get(ours, (ours,)):
        if isinstance(value := usage.get(name), (int, float)) and not isinstance(value, bool):
            return str(value)
    for name in _DETAILS.get(ours, ()):
        part = usage.get(name)
        if isinstance(part, Mapping) and isinstance(value := part.get(ours), (int, float)) and not isinstance(value, bool):
            return str(value)
    return None
