"""The URL of a server that is called: its public part, and what in it is sent apart, such as user info and query."""

from __future__ import annotations

import base64
from urllib.parse import SplitResult, parse_qsl, unquote, urlunsplit

from llmfusionbench.errors import InputError
from llmfusionbench.llm.keys import read_key
from llmfusionbench.redaction import public_url, url_parts
from llmfusionbench.storage.repeats import repeated


def server_parts(url: str) -> SplitResult:
    """The parts of an `http` or `https` URL, whose secrets are kept from now on.

    Raises:
        InputError: The URL is not valid.
    """
    parts = url_parts(url)
    if parts is None or parts.scheme not in ("http", "https"):
        raise InputError(
            f"{public_url(url)}: not a server URL. Remedy: write http://host:port or https://host, and @ after the host as %40"
        )
    return parts


def public_address(parts: SplitResult, path: str) -> str:
    """The URL with another path, without user info, query and fragment, which may be secret."""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))


def query_of(parts: SplitResult, address: str) -> dict[str, str]:
    """The query of a URL. Raises InputError, which names the public address, if it has a name twice."""
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if twice := repeated(name for name, _ in pairs):
        raise InputError(f"{address}: the query of the URL gives {twice[0]!r} twice. Remedy: give it once")
    return dict(pairs)


def authorization_of(parts: SplitResult, key_variable: str | None) -> str | None:
    """The header `Authorization`: with the key of that variable, or else with the user info of the URL; None without both.

    Raises:
        InputError: See `read_key`.
    """
    if key_variable:
        return f"Bearer {read_key(key_variable)}"
    info, at, _ = parts.netloc.rpartition("@")
    return f"Basic {base64.b64encode(unquote(info).encode()).decode()}" if at else None
