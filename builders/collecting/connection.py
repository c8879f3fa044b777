"""The official client of an endpoint."""

from __future__ import annotations

from typing import Any
from urllib.request import getproxies

from llmfusionbench.builders.collecting.place import Place
from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.redaction import guard_logs, keep_urls_secret, redacted


def connected(place: Place) -> Any:
    """An `openai.AsyncOpenAI` for the calls of an endpoint; it makes one attempt, without a limit of time.

    Raises:
        InputError: The URL cannot be used, or the key is not in the environment.
        MissingExtraError: The client is not installed.
    """
    try:
        import httpx2

        from llmfusionbench.builders.collecting.http_client import OfficialClient, http_client
    except ImportError as error:
        raise MissingExtraError("openai", "collect") from error

    query, keys = place.query, place.key_headers()
    keep_urls_secret(getproxies().values())
    try:
        http = http_client(f"{place.address}/chat/completions", query, keys, place.endpoint.concurrency)
        client = OfficialClient(base_url=place.address, api_key="none", max_retries=0, timeout=None, http_client=http)
    except (ValueError, ImportError, httpx2.InvalidURL) as error:  # an odd host, or a proxy that cannot be used
        reason = redacted(str(error).splitlines()[0])
        raise InputError(f"{place.address}: {reason}. Remedy: check the URL, and the proxies in the environment") from None
    guard_logs()
    return client
