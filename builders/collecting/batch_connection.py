"""The official client for the files and batches of an endpoint: its address, its headers, and no redirects to other hosts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any, Final

from llmfusionbench.builders.collecting.connection import making_client
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.place import Place
from llmfusionbench.builders.collecting.rate_headers import retry_after
from llmfusionbench.llm.requests import STREAM, headers_of, keep_to_origin

_OF_BODY: Final = ("Content-Length", "Transfer-Encoding")
"""Headers that depend on how a body is sent: a file is sent from the disk, piece by piece."""
_FORM: Final = "multipart/form-data"


class BatchConnection:
    """Opened with the first request. The key comes from the environment and is in no text.

    Args:
        endpoint: The LLM and its server.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._place = Place(endpoint)

    @cached_property
    def address(self) -> str:
        """The URL that `/files` and `/batches` follow. Azure has them above its deployments.

        Raises:
            InputError: The URL is not valid.
        """
        return self._place.address.partition("/deployments/")[0]

    @cached_property
    def client(self) -> Any:
        """An `openai.AsyncOpenAI` without retries.

        Raises:
            InputError: The URL or the key is not valid.
            MissingExtraError: The client is not installed.
        """
        with making_client(self.address):
            import openai

            set_headers = partial(_set_headers, keys=self._place.key_headers())
            hooks = {"request": [set_headers], "response": [_keep_to_origin]}
            timeout = self.endpoint.timeout
            return openai.AsyncOpenAI(
                base_url=self.address, api_key="none", max_retries=0, timeout=timeout, default_query=self._place.query,
                http_client=openai.DefaultAsyncHttpxClient(timeout=timeout, event_hooks=hooks),
            )  # fmt: skip

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        client = self.__dict__.pop("client", None)
        if client is not None:
            await client.close()


def wait_of(headers: Any) -> float | None:
    """The seconds that the headers of a response ask to wait."""
    return retry_after({name.decode("ascii", "replace").lower(): value.decode("latin-1") for name, value in headers.raw})


async def _set_headers(request: Any, *, keys: Mapping[str, str]) -> None:
    """Replace all headers of a request: the client adds to its own what it finds in environment variables."""
    given = request.headers
    headers = headers_of(request.url)
    if STREAM not in given:
        headers.pop(STREAM, None)
    sent = {name: given[name] for name in _OF_BODY if name in given}
    if sent:
        kind = given.get("Content-Type", "")
        headers |= sent | {"Content-Type": kind if kind.startswith(_FORM) else "application/json"}
    request.headers = type(given)(headers | dict(keys))


async def _keep_to_origin(response: Any) -> None:
    keep_to_origin(response)
