"""The HTTP client below the official one: exact headers, a short way to the server, and no redirect to another one.

All requests go to one URL with the same headers, so they are made once. The connections are those of aiohttp, which need about
half of the time; where the environment has a proxy for the server, those of httpx2 are used, which know all kinds of proxies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from copy import copy
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpx2
import openai
from openai._models import FinalRequestOptions

from llmfusionbench.builders.collecting.progress import PROGRESS, REPLY, StatusFaultError, plain_headers
from llmfusionbench.llm.requests import REDIRECT, STREAM, headers_of, keep_to_origin

_MAX_FAULT: Final = 2**16
"""Bytes of a reply with an error that are read."""
_REDIRECTS: Final = 5


class HttpClient(httpx2.AsyncClient):
    """A client whose requests all go to one URL.

    Args:
        url: URL with the query.
        headers: All headers of a request but the length.
        concurrency: Connections that are kept open.
        transport: How to reach the server; None for the standard way, through the proxies of the environment.
    """

    def __init__(
        self, url: httpx2.URL, headers: Mapping[str, str], concurrency: int, transport: httpx2.AsyncBaseTransport | None
    ) -> None:
        super().__init__(
            transport=transport,
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=concurrency),
            event_hooks={"response": [_checked]},
            follow_redirects=True,
            max_redirects=_REDIRECTS,
        )
        self._url = url
        self._sent_headers = tuple(httpx2.Headers(headers).raw)
        self._short = transport

    def build_request(self, method: str, url: Any, **given: Any) -> httpx2.Request:
        """The request for a body; of all that the client above gives, only the body is used."""
        body: bytes = given.get("content") or b""
        headers = [*self._sent_headers, (b"Content-Length", b"%d" % len(body))]
        stream = _NotedBody(body) if self._short is None else httpx2.ByteStream(body)
        request = httpx2.Request(method, self._url, headers=headers, stream=stream)
        request.url = self._url  # the same object, by which the transport knows it
        return request

    async def send(self, request: httpx2.Request, *, stream: bool = False, **given: Any) -> httpx2.Response:
        """Send a request, as the class above does, but at once where the reply is neither a redirect nor a failure."""
        if self._short is not None and stream:
            response = await self._short.handle_async_request(request)
            if response.status_code < 300:
                PROGRESS.get().status = response.status_code
                response.request = request
                return response
            request.extensions[REPLY] = response
        return await super().send(request, stream=stream, **given)


class OfficialClient(openai.AsyncOpenAI):  # type: ignore[misc]  # has no types here
    """The official client, for calls by a `HttpClient`."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        # A key for repeated requests is made for each one otherwise; it is not sent.
        self._options = FinalRequestOptions.construct(
            method="post", url=str(self.base_url), headers={STREAM: "stream"}, idempotency_key="none"
        )

    async def ask(self, body: bytes) -> httpx2.Response:
        """Send a body; the reply is not read yet. Its options are made once, because that takes longer than all else here."""
        options = copy(self._options)
        options.content = body
        response: httpx2.Response = await self.request(httpx2.Response, options)
        return response

    def _build_request(self, options: Any, *, retries_taken: int = 0) -> httpx2.Request:
        """The request of `HttpClient`: the client would make a URL and headers first, which are not used."""
        http: HttpClient = self._client
        return http.build_request(options.method, options.url, content=options.content)


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
    headers = headers_of(url) | {"Content-Type": "application/json"} | dict(keys)
    return HttpClient(url, headers, concurrency, None if _has_proxy(url) else _short_way(url, headers))


def _has_proxy(url: httpx2.URL) -> bool:
    proxies = getproxies()
    return (url.scheme in proxies or "all" in proxies) and not proxy_bypass(url.host)


def _short_way(url: httpx2.URL, headers: Mapping[str, str]) -> httpx2.AsyncBaseTransport | None:
    """The transport of aiohttp; None if it is not installed."""
    try:
        from llmfusionbench.builders.collecting.transport import ShortTransport
    except ImportError:
        return None
    return ShortTransport(url, headers)


async def _checked(response: httpx2.Response) -> None:
    """Refuse a redirect to another server, and raise a status of 300 or more, with the beginning of its body."""
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
