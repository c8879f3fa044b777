"""The official client of an endpoint, and what goes with making one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import getproxies

from llmfusionbench.builders.collecting.place import Place
from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.redaction import guard_logs, keep_urls_secret, redacted


@contextmanager
def making_client(address: str) -> Iterator[None]:
    """A block that makes a client: secrets in the addresses of proxies are kept, and logs are guarded.

    Args:
        address: The URL, for messages.

    Raises:
        InputError: The block finds that the URL cannot be used, or the key is not in the environment.
        MissingExtraError: The client is not installed.
    """
    try:
        import httpx2
        import openai  # noqa: F401 (whether it is there)
    except ImportError as error:
        raise MissingExtraError("openai", "collect") from error

    keep_urls_secret(getproxies().values())
    try:
        yield
    except (ValueError, ImportError, httpx2.InvalidURL) as error:  # an odd host, or a proxy that cannot be used
        reason = redacted(str(error).splitlines()[0])
        raise InputError(f"{address}: {reason}. Remedy: check the URL, and the proxies in the environment") from None
    guard_logs()


def connected(place: Place) -> Any:
    """An `openai.AsyncOpenAI` for the calls of an endpoint; it makes one attempt, without a limit of time.

    Raises:
        InputError: The URL cannot be used, or the key is not in the environment.
        MissingExtraError: The client is not installed.
    """
    with making_client(place.address):
        from llmfusionbench.builders.collecting.http_client import OfficialClient, http_client

        http = http_client(f"{place.address}/chat/completions", place.query, place.key_headers(), place.endpoint.concurrency)
        return OfficialClient(base_url=place.address, api_key="none", max_retries=0, timeout=None, http_client=http)
