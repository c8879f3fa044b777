"""Ranges of files over HTTP, by the client of huggingface_hub: any server that answers range requests, and the Hub."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from huggingface_hub import get_session
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # its name for whichever HTTP client it uses

from llmfusionbench.errors import InputError, ReleaseError
from llmfusionbench.redaction import guard_logs, harmless, public_url, url_parts
from llmfusionbench.remote.store import BUSY, TIMEOUT_S, WAITS_S, UnreachableError
from llmfusionbench.storage.address import Address

_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")
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
        self.origin = str(self.address)
        guard_logs()

    def url(self, name: str) -> str:
        return urlunsplit(self._parts._replace(path=f"{self._parts.path}/{quote(name)}"))

    def headers(self) -> dict[str, str]:
        return {}

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

    If the server leads elsewhere, as the Hub does, later requests for the file go there at once, until one fails.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._etags: dict[str, str] = {}
        self._targets: dict[str, str] = {}
        """File -> where the server leads. Such an address may be signed, and is secret."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_targets": {}}

    @property
    def address(self) -> Address:
        return self.server.address

    @property
    def origin(self) -> str:
        return self.server.origin

    def read(self, name: str, start: int, end: int) -> bytes:
        what = f"{self.address / name}"
        for wait in (*WAITS_S, None):
            try:
                with self._answer(name, {"Range": f"bytes={start}-{end - 1}"}) as response:
                    return self._received(response, name, start, end)
            except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
                self._pause_or_raise(error, name, what, wait)
        raise AssertionError("the last attempt returns or raises")

    def read_whole(self, name: str, limit: int) -> bytes:
        what = f"{self.address / name}"
        for wait in (*WAITS_S, None):
            try:
                with self._answer(name, {}) as response:
                    return _body(response, limit + 1)
            except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
                self._pause_or_raise(error, name, what, wait)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def _answer(self, name: str, headers: dict[str, str]) -> Iterator[Any]:
        """The answer to a request, if it has a status of success or 416. Raises the errors of the client."""
        url, target = self.server.url(name), self._targets.get(name)
        sent = {"Accept-Encoding": "identity", **headers, **(self.server.headers() if target is None else {})}
        with get_session().stream("GET", target or url, headers=sent, timeout=TIMEOUT_S) as response:
            if urlsplit(url).scheme == "https" and response.url.scheme != "https":
                raise ReleaseError(
                    f"{self.address / name}: the server leads to an address without encryption, which is refused"
                )
            if response.status_code != 416:
                response.raise_for_status()
            if response.history:
                self._targets[name] = str(response.url)
            yield response

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

    def _pause_or_raise(self, error: Exception, name: str, what: str, wait: float | None) -> None:
        if self._targets.pop(name, None) is not None and wait is not None:
            return  # it may be out of date: ask the server again
        status = getattr(getattr(error, "response", None), "status_code", None)
        if wait is None or not (status in BUSY or isinstance(error, _BROKEN)):
            raise self.server.explain(error, unquote(what)) from harmless(error)
        time.sleep(wait)


def _body(response: Any, most: int, *, exact: bool = False) -> bytes:
    """The bytes of an answer, cut after `most`. Raises RemoteProtocolError if there are fewer, and it must be that many."""
    parts, length = [], 0
    for part in response.iter_raw():
        parts.append(part)
        length += len(part)
        if length > most:
            break
    if exact and length != most:
        raise httpx.RemoteProtocolError(f"{length:,} bytes arrived, expected {most:,}")
    return b"".join(parts)[:most]
