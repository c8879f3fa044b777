"""API keys: read from the environment, checked, and kept secret from then on."""

from __future__ import annotations

import os
import re
from typing import Final

from llmfusionbench.errors import InputError
from llmfusionbench.redaction import keep_secret

_USUAL: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_SENDABLE: Final = re.compile(r"[!-~]+")
"""What a header can carry: printable ASCII without spaces."""


def read_key(variable: str) -> str:
    """The API key in an environment variable, without white space at its ends.

    Raises:
        InputError: The variable is not set, is empty, or its value cannot be sent in a header. The value is never shown.
    """
    value = None if "\0" in variable else os.environ.get(variable)
    if value is None and not _USUAL.fullmatch(variable):
        keep_secret(variable)
        raise InputError(
            "key variable: not the name of an environment variable that is set; it is not shown, for it may be a key. "
            "Remedy: put the key into a variable, and give the variable's name"
        )
    key = checked_key(value or "", f"${variable}")
    if not key:
        raise InputError(f"${variable}: holds no API key. Remedy: set it, or name no variable")
    return key


def checked_key(value: str, source: str) -> str:
    """A key without white space at its ends. Raises InputError, which names only the source, if a header cannot carry it."""
    key = value.strip()
    keep_secret(key, *key.split())
    if key and not _SENDABLE.fullmatch(key):
        bad = next(c for c in key if not _SENDABLE.fullmatch(c))
        what = "white space" if bad.isspace() else "a character that is not ASCII" if ord(bad) > 126 else "a control character"
        raise InputError(
            f"{source}: holds {what} within the key, which a header cannot carry; the value is not shown. "
            "Remedy: set it to the key alone"
        )
    return key
