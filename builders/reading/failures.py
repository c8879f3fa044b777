"""Why a call failed, as API clients log it: the message alone, without keys, hashes of keys and e-mail addresses."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from llmfusionbench.auditing.signs.personal import masked
from llmfusionbench.builders.reading.fields import writable
from llmfusionbench.builders.reading.loose import unpacked
from llmfusionbench.redaction import MARK

_LONGEST: Final = 2000
"""Length of a message in characters; a traceback that follows it is cut."""
_DEPTH: Final = 4
_MESSAGES: Final = ("message", "error_message", "detail", "msg", "code", "error_class", "type")
"""Fields of an error that say what went wrong, the most telling first."""
_HASH: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-fA-F]{64}(?![0-9A-Za-z])|(?<![\w-])(?:sk|pk|rk)-(?!\.)[\w.*-]{4,200}", re.ASCII
)
"""A SHA-256, as LiteLLM writes one of a key, and a key or what is left of one between stars."""


def failure_text(value: Any) -> str | None:
    """The message of an error; None for a blank and for false. Errors within errors are followed to the message."""
    found = None if value is None else _message(unpacked(value), _DEPTH)
    if found is None:
        return None
    return writable(_HASH.sub(MARK, masked(found[:_LONGEST])), "error")


def _message(value: Any, depth: int) -> str | None:
    if not value or value is True or depth == 0:
        return "the call failed" if value is True else None
    if isinstance(value, dict):
        inner = value.get("error")
        found = _message(inner, depth - 1) if isinstance(inner, (dict, str)) else None
        told = next((str(value[name]) for name in _MESSAGES if isinstance(value.get(name), (str, int)) and value[name]), None)
        return found or told or json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, list):
        return _message(value[0], depth - 1)
    return str(value).strip() or None
