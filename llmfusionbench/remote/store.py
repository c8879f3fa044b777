"""What is asked of a place that holds files: ranges of bytes, and an account of what went wrong."""

from __future__ import annotations

import hashlib
import warnings
from typing import Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from llmfusionbench.errors import ReleaseError
from llmfusionbench.redaction import is_signature
from llmfusionbench.storage.address import Address

WAITS_S: Final = (1.0, 3.0)
"""Pauses before the second and third attempt if a server is busy or fails, seconds."""

TIMEOUT_S: Final = 30.0
"""Time limit for each step of an answer: to connect, and to receive the next bytes. Seconds."""

BUSY: Final = (429, 500, 502, 503, 504)
"""HTTP statuses after which a request is sent again."""


_SIGNED_WITH: Final = (
    "policy", "expires", "key-pair-id", "awsaccesskeyid", "googleaccessid",
    "se", "st", "sp", "sr", "sv", "ss", "srt", "spr", "sip", "skoid", "sktid", "skt", "ske", "sks", "skv",
)  # fmt: skip
"""Query parameters that stand beside a signature: of CloudFront, S3, Google and Azure."""


class CachedReleaseWarning(UserWarning):
    """The Hub or the store did not answer, so an earlier copy is used."""


class UnreachableError(ReleaseError):
    """No answer at all: no network, the server is down, or HF_HUB_OFFLINE is set."""


class Store(Protocol):
    """A directory elsewhere. It can be pickled."""

    @property
    def address(self) -> Address:
        """Its address, without secrets."""

    @property
    def origin(self) -> str:
        """What tells it from all other stores: its bytes are never taken for those of another."""

    def read(self, name: str, start: int, end: int) -> bytes:
        """The bytes `start` (included) to `end` (excluded) of the file `name`; fewer only where the file ends before.

        Raises:
            UnreachableError: the server does not answer.
            ReleaseError: the file does not exist, access is denied, or the answer is incomplete or not of that range.
        """

    def read_whole(self, name: str, limit: int) -> bytes:
        """All bytes of a small file; `limit` + 1 of them if it is larger than `limit`. Raises as `read`."""

    def forget(self, name: str) -> None:
        """What is read next may be another version of the file."""


def origin_of(url: str, *settings: str) -> str:
    """What tells the place at a URL from all others, as a digest: no secret can be read from it.

    User info and query count. The parameters of a signed query do not, because they change each time that it is signed.

    Args:
        url: The address, with its secrets.
        settings: What else decides which place it is, such as the endpoint of a store.
    """
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    signed = any(is_signature(name) for name, _ in query)
    kept = [(name, value) for name, value in query if not (signed and _of_signature(name))]
    user = parts.netloc.rpartition("@")[0]
    address = (parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"))
    return hashlib.sha256(repr((address, user, kept, settings)).encode()).hexdigest()


def _of_signature(name: str) -> bool:
    return is_signature(name) or name.lower() in _SIGNED_WITH or name.lower().startswith(("x-amz-", "x-goog-"))


def warn_cached(what: str, copy: str, error: Exception) -> None:
    """Warn that a copy is used."""
    warnings.warn(f"{what}: using {copy} fetched earlier, because {error}", CachedReleaseWarning, stacklevel=3)
