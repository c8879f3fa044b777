"""What went wrong at a store that fsspec knows, whichever client speaks to it, and whether another attempt may help."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeVar

from llmfusionbench.redaction import harmless, redacted_start
from llmfusionbench.remote.store import BUSY

Result = TypeVar("Result")
Fault = Literal["missing", "denied", "unreachable", "busy", "other"]

WAITS_S: Final = (1.0, 4.0, 15.0)
"""Pauses before the next attempt to write or to fetch a whole file, seconds. The clients have attempts of their own, too."""

_ERRORS: Final = {
    "botocore.exceptions": ("BotoCoreError", "ClientError", "HTTPClientError"),
    "aiohttp": ("ClientError",),
    "ftplib": ("Error",),
    "paramiko.ssh_exception": ("SSHException",),
    "google.api_core.exceptions": ("GoogleAPIError",),
    "gcsfs.retry": ("HttpError",),
    "httpx": ("HTTPError", "InvalidURL"),
    "httpx2": ("HTTPError", "InvalidURL"),
    "azure.core.exceptions": ("AzureError",),
}
"""Errors of clients of stores that are not OSError: module -> names."""

_NO_CONNECTION: Final = (
    "EndpointConnectionError", "ConnectTimeoutError", "ClientConnectorError", "ConnectionError", "ConnectionClosedError",
    "ReadTimeoutError", "HTTPClientError", "ServerDisconnectedError", "ClientOSError", "ClientPayloadError", "IncompleteRead",
    "FSTimeoutError", "ConnectError", "ConnectTimeout", "ReadError", "ReadTimeout", "RemoteProtocolError",
)  # fmt: skip
_PASSING: Final = (errno.EBUSY, errno.EREMOTEIO if hasattr(errno, "EREMOTEIO") else errno.EIO)
"""What s3fs makes of the statuses 409, 500 and 503."""
_OWN: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Errors of a disk of this machine."""
_SHOWN: Final = 200


def store_errors() -> tuple[type[Exception], ...]:
    """What a client can raise: the errors of Python, and those of the clients that are loaded."""
    loaded = [(sys.modules[module], names) for module, names in _ERRORS.items() if module in sys.modules]
    return OSError, EOFError, ValueError, RuntimeError, *(getattr(module, name) for module, names in loaded for name in names)


def fault_of(error: BaseException) -> Fault:
    """What kind of fault an error of a client is."""
    chain = list(_chain(error))
    names = {type(one).__name__ for one in chain}
    statuses = {status for one in chain if (status := _status(one)) is not None}
    if isinstance(error, PermissionError) or names & {"NoCredentialsError", "PartialCredentialsError"}:
        return "denied"
    if isinstance(error, FileNotFoundError) or 404 in statuses:
        return "missing"
    if statuses & {401, 403}:
        return "denied"
    if statuses & set(BUSY) or any(isinstance(one, OSError) and one.errno in _PASSING for one in chain):
        return "busy"
    if isinstance(error, ConnectionError | TimeoutError) or names & set(_NO_CONNECTION):
        return "unreachable"
    return "other"


def said(error: BaseException) -> str:
    """The start of what an error says, in one line. No secret is cut in two there."""
    return redacted_start((str(error).splitlines() or [""])[0], _SHOWN) or type(error).__name__


def attempted(
    call: Callable[[], Result],
    explain: Callable[[Exception, Fault], Exception],
    waits: tuple[float, ...],
    pause: Callable[[float], None],
) -> Result:
    """What `call` returns. It is called again after a pause where the store was busy or the connection was lost.

    Args:
        call: Does the same each time.
        explain: Makes our error from the last one of the client.
        waits: The pauses, seconds.
        pause: Waits.
    """
    for wait in (*waits, None):
        try:
            return call()
        except store_errors() as error:
            if isinstance(error, OSError) and error.errno in _OWN:
                raise
            met = _met(error)
            fault = fault_of(met)
            if wait is None or fault not in ("busy", "unreachable"):
                raise explain(met, fault) from harmless(error)
            pause(wait)
    raise AssertionError("the last attempt returns or raises")


def _met(error: Exception) -> Exception:
    """What a client met. fsspec's client of web servers says that a file is missing, whatever it met."""
    cause = error.__cause__
    return cause if isinstance(error, FileNotFoundError) and isinstance(cause, store_errors()) else error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what has led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error of botocore, aiohttp, gcsfs or an HTTP client has."""
    response = getattr(error, "response", None)
    about = response.get("ResponseMetadata") if isinstance(response, dict) else None
    found = about.get("HTTPStatusCode") if isinstance(about, dict) else getattr(response, "status_code", None)
    if isinstance(found, int):
        return found
    statuses = (getattr(error, name, None) for name in ("status", "code"))  # aiohttp warns where its `code` is looked at
    return next((status for status in statuses if isinstance(status, int)), None)
