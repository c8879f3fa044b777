"""The HTTP client below the official one: exact headers, a short way to the server, and no redirect to another one.

All requests go to one URL with the same headers, so they are made once. The connections are those of aiohttp, which need about
half of the time; where the environment has a proxy for the server, those of httpx2 are used, which know all kinds of proxies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpx2

from llmfusionbench.builders.collecting.connection import PROGRESS, StatusFaultError, plain_headers
from llmfusionbench.llm.requests import REDIRECT, headers_of, keep_to_origin

_MAX_FAULT: Final = 2**16
"""Bytes of a reply with an error that are read."""
_REDIRECTS: Final = 5


class HttpClient(httpx2.AsyncClient):
    """A client whose requests all go to one URL.

    Args:
        url: URL with the query.
        keys: Headers with the key.
        concurrency: Connections that are kept open.
        transport: How to reach the server; None for the standard way, through the proxies of the environment.
    """

    def __init__(
        self, url: httpx2.URL, keys: Mapping[str, str], concurrency: int, transport: httpx2.AsyncBaseTransport | None
    ) -> None:
        super().__init__(
            transport=transport,
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=concurrency),
            event_hooks={"response": [_checked]},
            follow_redirects=True,
            max_redirects=_REDIRECTS,
        )
        self.call_url = url
        self._fixed = [(name.encode(), value.encode()) for name, value in (headers_of(url, 0) | dict(keys)).items()]
        self._fixed.append((b"Content-Type", b"application/json"))
        self._noted = transport is None

    def build_request(self, method: str, url: Any, **given: Any) -> httpx2.Request:  # type: ignore[override]  # keywords alone
        """The request for a body; of all that the client above gives, only the body is used."""
        body: bytes = given.get("content") or b""
        headers = [*self._fixed, (b"Content-Length", str(len(body)).encode())]
        request = httpx2.Request(method, self.call_url, headers=headers, content=body)
        if self._noted:
            request.stream = _NotedBody(body)
        return request


class _NotedBody(httpx2.ByteStream):
    """A body that notes when it is sent: there is a connection then."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        PROGRESS.get().sent = True
        async for chunk in super().__aiter__():
            yield chunk


def http_client(address: str, query: Mapping[str, str], keys: Mapping[str, str], concurrency: int) -> HttpClient:
    """A client for the calls to one address.

    Raises:
        ValueError: The address or a proxy cannot be used.
        ImportError: A proxy needs a package that is not installed.
    """
    url = httpx2.URL(address, params=dict(query)) if query else httpx2.URL(address)
    return HttpClient(url, keys, concurrency, None if _has_proxy(url) else _short_way(url))


def _has_proxy(url: httpx2.URL) -> bool:
    proxies = getproxies()
    return (url.scheme in proxies or "all" in proxies) and not proxy_bypass(url.host)


def _short_way(url: httpx2.URL) -> httpx2.AsyncBaseTransport | None:
    """The transport of aiohttp; None if it is not installed."""
    try:
        from llmfusionbench.builders.collecting.transport import ShortTransport
    except ImportError:
        return None
    return ShortTransport(url)


async def _checked(response: httpx2.Response) -> None:
    """Refuse a redirect to another server, and raise what is no answer, with the beginning of its body."""
    PROGRESS.get().status = response.status_code
    keep_to_origin(response)
    if response.status_code < 300 or response.has_redirect_location:
        return
    data = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > _MAX_FAULT:
                break
    except httpx2.HTTPError:
        data.clear()  # the status counts
    redirect = response.extensions.get(REDIRECT)
    raise StatusFaultError(response.status_code, plain_headers(response.headers), bytes(data[:_MAX_FAULT]), redirect)
