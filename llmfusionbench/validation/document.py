"""Checks a JSON document that this package writes, such as a report, against its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmfusionbench.errors import InputError


def check_document(name: str, data: Any, schema: Mapping[str, Any]) -> None:
    """Raise InputError that names every violation, up to 20; `name` is what to call the document."""
    import jsonschema

    found = sorted(jsonschema.Draft202012Validator(schema).iter_errors(data), key=lambda e: e.json_path)
    if found:
        raise InputError(f"{name}: " + "; ".join(f"{e.json_path}: {e.message[:120]}" for e in found[:20]))
