"""One attempt at one call: what is sent, what comes back, and what went wrong, without retries.

The official client builds and sends the request. The reply is read here, byte by byte, because servers break the protocol:
JSON where a stream was asked for, streams that end early, pages of gateways, and answers without a text.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Final

from llmfusionbench.builders.collecting.answer import MOST_COST, Fields, answer_fields, one_line
from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.connection import connected
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.failure import NO_KEY, body_failure, status_failure
from llmfusionbench.builders.collecting.halves import has_halves, joined_halves
from llmfusionbench.builders.collecting.place import Place
from llmfusionbench.builders.collecting.progress import PROGRESS, Progress, StatusFaultError, plain_headers
from llmfusionbench.builders.collecting.rate_headers import limits_of, retry_after
from llmfusionbench.builders.collecting.stream import BrokenStreamError, Stream
from llmfusionbench.builders.reading.run_files import REPLY_BYTES
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import public_url, redacted

MAX_REPLY: Final = REPLY_BYTES
"""Bytes of a reply."""
_DRAIN: Final = 0.5
"""Seconds to wait for the end of a reply after the end of its stream."""
_IDS: Final = ("x-request-id", "request-id", "apim-request-id", "x-generation-id")
"""Headers with the id of a request."""


class Caller:
    """An LLM behind an OpenAI-compatible endpoint, asked by one event loop.

    Args:
        endpoint: The LLM and its server.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def __repr__(self) -> str:
        return f"Caller({redacted(self.endpoint.name)!r}, {public_url(self.endpoint.url)!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Without the connections and the key in them: a copy reads the key from its own environment."""
        return {"endpoint": self.endpoint}

    @property
    def address(self) -> str:
        """The URL up to `/v1`, or up to the deployment for Azure, without user info, query and fragment.

        Raises:
            InputError: The URL is not valid.
        """
        return self._place.address

    def check(self) -> None:
        """Refuse invalid settings, before any call.

        Raises:
            InputError: The URL is not valid, the key is not in the environment, or a number is out of range.
            MissingExtraError: The client is not installed.
        """
        least = {"concurrency": 1, "retries": 0, "max_tokens": 1}
        for name, low in least.items():
            if not (value := getattr(self.endpoint, name)) >= low:
                raise InputError(f"{name}: {value}, expected {low} or more. Remedy: choose a value in that range")
        if not 0 < self.endpoint.timeout < math.inf:
            raise InputError(
                f"timeout: {self.endpoint.timeout}, expected seconds above 0. Remedy: choose a value in that range"
            )
        _ = self._client

    async def attempt(self, payload: Mapping[str, Any]) -> Attempt:
        """Send one request, once. Every failure is in the attempt.

        Args:
            payload: The request body.

        Raises:
            InputError: See `check`.
            MissingExtraError: See `check`.
        """
        import httpx2
        import openai

        client, progress = self._client, Progress()
        PROGRESS.set(progress)
        fields: Fields
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.endpoint.timeout) as limit:
                response = await client.ask(_encoded(payload))
                try:
                    headers = plain_headers(response.headers)
                    fields = await self._read(response, headers, progress)
                finally:
                    await response.aclose()
            fields = {"charged": True} | fields | {"http_status": response.status_code} | _of_headers(headers, fields)
        except StatusFaultError as fault:
            fields = status_failure(fault.status, fault.body, fault.redirect) | {"http_status": fault.status}
            fields |= _of_headers(fault.headers, fields) | {"retry_after_s": retry_after(fault.headers)}
        except TimeoutError:
            if not limit.expired():  # the system's time-out of a connection, which is another one
                fields = _broken("the answer broke off (TimeoutError)", progress)
            elif progress.stream is not None and progress.stream.finished:  # the server only does not end the stream
                fields = {"charged": True} | _checked(progress.stream.body) | {"http_status": progress.status}
            else:
                fields = _broken(f"no answer within {self.endpoint.timeout:g} seconds", progress)
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            if isinstance(cause, httpx2.TooManyRedirects):
                fields = {"status": "error", "error": "too many redirects", "http_status": progress.status, "refused": True}
            else:
                fields = _broken(one_line(str(cause)) or type(cause).__name__, progress)
        except (OSError, httpx2.HTTPError, httpx2.InvalidURL, openai.OpenAIError) as error:
            fields = _broken(f"the answer broke off ({type(error).__name__})", progress)
        first = progress.first
        return Attempt(
            **self._named_key(fields),
            latency_s=round(time.monotonic() - started, 6),
            first_token_s=None if first is None else round(first - started, 6),
        )

    async def close(self) -> None:
        """Close the connections; a later attempt opens new ones."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            await client.close()

    def _named_key(self, fields: Fields) -> Fields:
        """The fields of an attempt; a key that is refused is named by its variable."""
        if not str(fields.get("error", "")).endswith(NO_KEY):
            return fields
        name = self.endpoint.key_variable
        about = f" in ${name}" if name else "; none was sent, name its variable with key_variable"
        return fields | {"error": fields["error"] + about}

    async def _read(self, response: Any, headers: Mapping[str, str], progress: Progress) -> Fields:
        """The fields that the body of a reply with status 200 gives."""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            return await self._read_stream(response, headers, progress)
        data = bytearray()
        async for chunk in _chunks(response, headers):
            data += chunk
            if len(data) > MAX_REPLY:
                return _too_long()
        if data[:6].lstrip().startswith(b"data:"):  # a stream by another name
            stream = Stream(on_first=lambda: None)
            try:
                stream.feed(bytes(data))
                return _of_stream(stream)
            except BrokenStreamError as error:
                return _unreadable(str(error))
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            return _unreadable("the answer is not JSON" + (f" but {one_line(kind)}" if kind != "application/json" else ""))
        return _checked(joined_halves(body) if has_halves(data) else body)

    async def _read_stream(self, response: Any, headers: Mapping[str, str], progress: Progress) -> Fields:
        """The fields of a streamed reply, which is taken as whole when its reason to end came."""
        import httpx2

        progress.stream = stream = Stream(on_first=progress.note_first)
        size = 0
        try:
            chunks = aiter(_chunks(response, headers))
            async for chunk in chunks:
                size += len(chunk)
                if size > MAX_REPLY:
                    return _too_long()
                stream.feed(chunk)
                if stream.ended:
                    await _drained(chunks)
                    break
        except BrokenStreamError as error:
            return _unreadable(str(error))
        except (OSError, httpx2.HTTPError) as error:
            if stream.finished:
                return _checked(stream.body)
            return _unreadable(f"the stream broke off ({type(error).__name__})")
        try:
            return _of_stream(stream)
        except BrokenStreamError as error:
            return _unreadable(str(error))

    @cached_property
    def _place(self) -> Place:
        return Place(self.endpoint)

    @cached_property
    def _client(self) -> Any:
        return connected(self._place)


def _of_stream(stream: Stream) -> Fields:
    """The fields of a stream whose bytes have all come."""
    body = stream.close()
    if not stream.finished and not body.get("error"):
        return _unreadable("the stream ended before the answer did")
    return _checked(body)


def _checked(body: Any) -> Fields:
    fields = answer_fields(body)
    return body_failure(fields, body) if fields["status"] == "error" else fields


def _of_headers(headers: Mapping[str, str], fields: Fields) -> Fields:
    """What the headers of a reply add to its fields."""
    found: Fields = {"limits": limits_of(headers)}
    stated = next((headers[name] for name in _IDS if headers.get(name)), None)
    if stated is not None:
        found["request_id"] = one_line(stated)
    if fields.get("stated_cost") is None and "x-litellm-response-cost" in headers:
        found["stated_cost"] = _cost(headers["x-litellm-response-cost"])
    return found


def _cost(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= MOST_COST else None


def _chunks(response: Any, headers: Mapping[str, str]) -> AsyncIterable[bytes]:
    """The bytes of a reply: as they come where they are not packed, which is faster."""
    chunks: AsyncIterable[bytes] = response.aiter_bytes() if "content-encoding" in headers else response.stream
    return chunks


async def _drained(chunks: AsyncIterator[bytes]) -> None:
    """Read the little that follows the end of a stream, after which its connection can be used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN):
            async for _ in chunks:
                pass


def _encoded(payload: Mapping[str, Any]) -> bytes:
    """The body in UTF-8; a lone surrogate, which UTF-8 cannot hold, is escaped."""
    try:
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        return json.dumps(payload, separators=(",", ":"), allow_nan=False).encode()


def _broken(reason: str, progress: Progress) -> Fields:
    """A failure without a whole reply: charged if the request may have reached the server."""
    fields: Fields = {"status": "error", "error": reason, "passing": True, "charged": progress.sent}
    return fields | {"http_status": progress.status}


def _unreadable(reason: str) -> Fields:
    return {"status": "error", "error": reason, "passing": True}


def _too_long() -> Fields:
    return {"status": "error", "error": f"the answer is longer than {MAX_REPLY // 2**20} MiB"}
