"""Requests to a server that is not trusted: the headers that they have, and the redirects that they do not follow."""

from __future__ import annotations

from typing import Any, Final

from llmfusionbench._version import __version__
from llmfusionbench.redaction import redacted

STREAM: Final = "x-stainless-raw-response"
"""Header by which the client knows that a response is read as a stream."""
REDIRECT: Final = "refused_redirect"
"""Name in the extensions of a response: the place of a redirect that is not followed."""


def headers_of(url: Any, size: int) -> dict[str, str]:
    """All headers of a request to a URL, except those with keys.

    Args:
        url: The `httpx2.URL`.
        size: Length of the body, bytes; 0 without one.
    """
    headers = {"Host": url.netloc.decode("ascii"), "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
    headers |= {"Connection": "keep-alive", "User-Agent": f"llmfusionbench/{__version__}"}
    headers |= {"Content-Type": "application/json", "Content-Length": str(size)} if size else {}
    return headers | {STREAM: "stream"}


def keep_to_origin(response: Any) -> None:
    """Take the redirect out of a response if it leads to another scheme, host or port, and note that place."""
    import httpx2

    if not response.has_redirect_location:
        return
    location = response.headers["location"]
    try:
        target = response.url.join(location)
    except (ValueError, httpx2.InvalidURL):
        target = None
    if target is None or target.origin != response.url.origin:
        del response.headers["location"]
        shown = "its URL is not shown"
        if target is not None and redacted(location) == location:  # a part of a secret is not recognised
            shown = f"{target.scheme}://{target.netloc.decode('ascii')}"
        response.extensions[REDIRECT] = shown
