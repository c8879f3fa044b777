"""The short way to a server: connections of aiohttp, without cookies, proxies, or headers of its own."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import aiohttp
import httpx2
from multidict import CIMultiDict
from yarl import URL

from llmfusionbench.builders.collecting.progress import PROGRESS, REPLY

_IDLE: Final = 15.0
"""Seconds after which a connection that is not used is closed."""
_LONG: Final = 2**19
"""Bytes of a body."""


class ShortTransport(httpx2.AsyncBaseTransport):
    """Requests to one URL, and to what it redirects to on the same server.

    Args:
        url: The URL.
        headers: Headers of a request to it.
    """

    def __init__(self, url: httpx2.URL, headers: Mapping[str, str]) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._headers = CIMultiDict(headers)
        self._call_url = url
        self._url = URL(str(url), encoded=True)
        self._ssl = httpx2.create_ssl_context() if url.scheme == "https" else True

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and return the reply once its head is there; or the reply that `HttpClient.send` has already.

        Raises:
            httpx2.ConnectError: There is no connection.
            httpx2.RemoteProtocolError: The reply is not HTTP, or breaks off.
        """
        ready: httpx2.Response | None = request.extensions.pop(REPLY, None)
        if ready is not None:
            return ready
        usual = request.url is self._call_url  # else a redirect on the same server
        url = self._url if usual else URL(str(request.url), encoded=True)
        headers = self._headers if usual else CIMultiDict(request.headers)
        try:
            response = await self._opened().request(
                request.method, url, headers=headers, data=_in_parts(await request.aread()), allow_redirects=False
            )
        except aiohttp.ClientConnectorError as error:
            raise httpx2.ConnectError(str(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise httpx2.RemoteProtocolError(str(error) or type(error).__name__) from error
        return httpx2.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=0, keepalive_timeout=_IDLE, ssl=self._ssl),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                auto_decompress=False,
            )
        return self._session


def _in_parts(body: bytes) -> bytes | io.BytesIO | None:
    """A body as aiohttp wants it: a long one is sent in parts, between which others get their turn."""
    return io.BytesIO(body) if len(body) > _LONG else body or None


class _Connector(aiohttp.TCPConnector):
    async def connect(self, *args: Any, **options: Any) -> Any:
        """A connection, after which the attempt may have reached the server."""
        connection = await super().connect(*args, **options)
        PROGRESS.get().sent = True
        return connection


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise httpx2.RemoteProtocolError(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        """Give the connection back if the reply was read to its end, else close it."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()
