"""API keys that stand in a file where only names of variables belong: found by their forms, and kept secret from then on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from llmfusionbench.redaction import is_url, keep_secret, keep_urls_secret

_NAMES: Final = frozenset(
    (
        "key", "apikey", "token", "accesstoken", "authtoken", "secret", "clientsecret", "password", "authorization", "bearer",
        "xapikey", "keyvalue", "credentials",
    )
)  # fmt: skip
"""Names of fields that hold keys, in small letters without marks."""
_FORM: Final = re.compile(
    r"(?:sk|pk|gsk|hf|nvapi|xai|tgp|csk|pplx)[-_][A-Za-z0-9_.-]{12,400}|AIza[A-Za-z0-9_-]{20,80}"
    r"|(?i:bearer|basic) [A-Za-z0-9_.=+/-]{8,800}|eyJ[A-Za-z0-9_-]{10,800}\.[A-Za-z0-9_.-]{10,1600}|[0-9a-f]{32,128}"
)
"""Forms of the keys of providers, and of tokens."""
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


def written_keys(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """(place, text) of each text that seems to be a key: by the name of its field, or by its form."""
    if isinstance(value, dict):
        for name, inner in value.items():
            where = f"{place}.{name}" if place else str(name)
            if is_key_name(str(name)) and isinstance(inner, str | int | float) and not isinstance(inner, bool):
                yield where, str(inner)
            elif name == "key_variable" and isinstance(inner, str):
                if not _VARIABLE.fullmatch(inner):
                    yield where, inner
            else:
                yield from written_keys(inner, where)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from written_keys(inner, f"{place}[{number}]")
    elif isinstance(value, str) and _FORM.fullmatch(value.strip()):
        yield place, value


def keep_written_keys(value: Any) -> None:
    """Keep all keys in a value secret, also those in URLs."""
    keep_secret(*(text.strip() for _, text in written_keys(value)))
    keep_urls_secret(_urls(value))


def is_key_name(name: str) -> bool:
    """Whether a field of this name holds a key."""
    return re.sub("[^a-z0-9]", "", name.lower()) in _NAMES


def _urls(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _urls(inner)
    elif isinstance(value, str) and is_url(value):
        yield value
