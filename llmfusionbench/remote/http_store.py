"""Ranges of files over HTTP, by the client of huggingface_hub: any server that answers range requests, and the Hub."""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote, urlunsplit

from huggingface_hub import get_session
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # its name for whichever HTTP client it uses

from llmfusionbench.errors import InputError, ReleaseError
from llmfusionbench.redaction import guard_logs, harmless, keep_urls_secret, public_url, url_parts
from llmfusionbench.remote.store import BUSY, TIMEOUT_S, WAITS_S, UnreachableError, origin_of
from llmfusionbench.storage.address import Address

_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")
_MOST_REDIRECTS: Final = 20
_BROKEN: Final = (httpx.RemoteProtocolError, httpx.ReadError, httpx.ReadTimeout, httpx.WriteError)


class Server(Protocol):
    """What differs between servers: addresses, headers and the words of errors. It can be pickled."""

    @property
    def address(self) -> Address:
        """Its address, without secrets."""

    @property
    def origin(self) -> str:
        """As for `Store`."""

    def url(self, name: str) -> str:
        """The URL of a file."""

    def headers(self) -> dict[str, str]:
        """What is sent with every request, such as a token. It may be secret."""

    def explain(self, error: Exception, what: str) -> ReleaseError:
        """Our error for one of the client, which has a `response` if there was an answer."""


class WebServer:
    """A directory at an address that starts with https:// or http://.

    User info in the address is sent as basic authentication, and a query is sent with every file.

    Raises:
        InputError: the address cannot be read.
    """

    def __init__(self, url: str) -> None:
        parts = url_parts(url)
        if parts is None:
            raise InputError(f"{public_url(url)}: not an address of a directory. Remedy: check it")
        self._parts = parts._replace(path=parts.path.rstrip("/"), fragment="")
        self.address = Address(public_url(urlunsplit(self._parts)))
        self.origin = origin_of(urlunsplit(self._parts))
        guard_logs()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        keep_urls_secret([urlunsplit(self._parts)])
        guard_logs()

    def url(self, name: str) -> str:
        host = self._parts.netloc.rpartition("@")[2]
        return urlunsplit(self._parts._replace(netloc=host, path=f"{self._parts.path}/{quote(name)}"))

    def headers(self) -> dict[str, str]:
        info = self._parts.netloc.rpartition("@")[0]
        user, _, password = map(unquote, info.partition(":"))
        both = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {both}"} if info else {}

    def explain(self, error: Exception, what: str) -> ReleaseError:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(error, OfflineModeIsEnabled):
            return UnreachableError(f"{what}: HF_HUB_OFFLINE switches the network off. Remedy: unset it")
        if status in (401, 403):
            return ReleaseError(f"{what}: the server denies access (HTTP status {status}). Remedy: check your rights to it")
        if status in (404, 410):
            return ReleaseError(f"{what}: no such file (HTTP status {status}). Remedy: check the address of the release")
        if status is not None:
            return ReleaseError(f"{what}: the server answered with HTTP status {status}. Remedy: try again later")
        if isinstance(error, _BROKEN):
            return ReleaseError(f"{what}: the transfer broke off ({error}). Remedy: try again")
        if isinstance(error, httpx.TransportError):
            return UnreachableError(f"{what}: no answer ({error}). Remedy: check the address and the network, then try again")
        return ReleaseError(f"{what}: {error}. Remedy: check the address of the release")


class HttpStore:
    """The files below an address, read by range requests. A file whose ETag changes between two of them is refused.

    If the server leads to another one, as the Hub does, later requests for the file go there at once, until one fails.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._etags: dict[str, str] = {}
        self._targets: dict[str, httpx.URL] = {}
        """File -> where the server leads, without credentials. Such an address may be signed, and is secret."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_targets": {}}

    @property
    def address(self) -> Address:
        return self.server.address

    @property
    def origin(self) -> str:
        return self.server.origin

    def read(self, name: str, start: int, end: int) -> bytes:
        wanted = {"Range": f"bytes={start}-{end - 1}"}
        return self._retried(name, wanted, lambda response: self._received(response, name, start, end))

    def read_whole(self, name: str, limit: int) -> bytes:
        return self._retried(name, {}, lambda response: _body(response, limit + 1))

    def forget(self, name: str) -> None:
        self._etags.pop(name, None)

    def _retried(self, name: str, headers: Mapping[str, str], receive: Callable[[Any], bytes]) -> bytes:
        """What `receive` makes of an answer; the request is sent again after errors that may pass."""
        for wait in (*WAITS_S, None):
            try:
                with self._answer(name, headers) as response:
                    return receive(response)
            except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
                self._pause_or_raise(error, name, wait)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def _answer(self, name: str, headers: Mapping[str, str]) -> Iterator[Any]:
        """The answer to a request, if it has a status of success or 416. Raises the errors of the client.

        Redirects are followed here: only the server itself gets its headers, and none may end encryption.
        """
        first = httpx.URL(self.server.url(name))
        url = self._targets.get(name, first)
        for _ in range(_MOST_REDIRECTS + 1):
            own = _same_server(first, url)
            sent = {"Accept-Encoding": "identity", **headers, **(self.server.headers() if own else {})}
            with get_session().stream("GET", url, headers=sent, timeout=TIMEOUT_S, follow_redirects=False) as response:
                if not response.has_redirect_location:
                    if response.status_code != 416:
                        response.raise_for_status()
                    if not own:
                        self._targets[name] = url
                    yield response
                    return
                url = self._led_to(name, url, response.headers["location"])
        raise httpx.TooManyRedirects(f"more than {_MOST_REDIRECTS} redirects", request=response.request)

    def _led_to(self, name: str, url: httpx.URL, location: str) -> httpx.URL:
        """Where a redirect leads, without user info, which would be sent there."""
        target = url.join(location)
        keep_urls_secret([str(target)] if target.userinfo else [])
        if url.scheme == "https" and target.scheme != "https":
            raise ReleaseError(f"{self.address / name}: the server leads to an address without encryption, which is refused")
        self._targets.pop(name, None)
        return target.copy_with(userinfo=b"")

    def _received(self, response: Any, name: str, start: int, end: int) -> bytes:
        """The bytes of an answer to a range request, which must be those asked for."""
        what = f"{self.address / name}"
        if response.status_code == 416:  # the file ends before the range
            return b""
        etag = response.headers.get("etag", "")
        if self._etags.setdefault(name, etag) != etag:
            raise ReleaseError(f"{what}: changed while it was read. Remedy: open the release again")
        if response.status_code != 206:
            length = response.headers.get("content-length", "")
            if start or re.fullmatch("[0-9]{1,19}", length) is None or int(length) > end:
                raise ReleaseError(
                    f"{what}: the server sends the whole file when asked for {end - start:,} bytes of it (HTTP status "
                    f"{response.status_code}, expected 206). Remedy: use a server that answers range requests, or download the "
                    "release and open its directory"
                )
            return _body(response, end)
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if match is None or int(match[1]) != start or int(match[2]) >= end:
            found = response.headers.get("content-range", "no Content-Range")
            raise ReleaseError(
                f"{what}: the server answered with other bytes ({found:.60}) than bytes {start}-{end - 1}. "
                "Remedy: use a server that answers range requests"
            )
        return _body(response, int(match[2]) + 1 - start, exact=True)

    def _pause_or_raise(self, error: Exception, name: str, wait: float | None) -> None:
        if self._targets.pop(name, None) is not None and wait is not None:
            return  # it may be out of date: ask the server again
        status = getattr(getattr(error, "response", None), "status_code", None)
        if wait is None or not (status in BUSY or isinstance(error, _BROKEN)):
            if (request := getattr(error, "_request", None)) is not None:  # the text may have the address of a redirect
                keep_urls_secret([str(request.url)])
            raise self.server.explain(error, unquote(f"{self.address / name}")) from harmless(error)
        time.sleep(wait)


def _same_server(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses have one origin, or the second is the first with encryption."""
    if (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port):
        return True
    plain = (one.scheme, one.port, other.scheme, other.port) == ("http", None, "https", None)
    return plain and one.host == other.host


def _body(response: Any, most: int, *, exact: bool = False) -> bytes:
    """The bytes of an answer, cut after `most`. Raises RemoteProtocolError if there are fewer, and it must be that many."""
    body = io.BytesIO()
    for part in response.iter_raw():
        if body.write(part) and body.tell() > most:
            break
    if exact and body.tell() != most:
        raise httpx.RemoteProtocolError(f"{body.tell():,} bytes arrived, expected {most:,}")
    body.truncate(most)
    return body.getvalue()
