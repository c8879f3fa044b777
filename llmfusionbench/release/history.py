"""The history in a manifest: the changes that each version made, with examples that quote no text of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from llmfusionbench.schema import SIDECARS, TABLES, table_schema

_VALUES: Final = ("before", "after")


def without_texts(example: Mapping[str, Any]) -> dict[str, Any]:
    """An example of a changed row; its values stay only where the column holds numbers, true or false, or one of few words.

    What was replaced in a text, such as an address, must not live on in the manifest.
    """
    quoted = _holds_text(example.get("table"), example.get("column"))
    return {name: value for name, value in example.items() if not (quoted and name in _VALUES)}


def _holds_text(table: object, column: object) -> bool:
    if table not in TABLES + SIDECARS:
        return True
    for known in table_schema(str(table)).columns:
        if known.name == column:
            kind = known.arrow_type
            return not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)) and (
                "enum" not in known.schema
            )
    return True
