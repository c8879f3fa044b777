"""Asking an OpenAI-compatible server, many conversations at a time; a call that fails is an answer too, and says why.

The official client does the talking: connections, time-outs, further attempts with a growing wait (or the one a server asks
for). Here are the bounds it lacks, and what to make of a reply that is not what the protocol promises.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from llmfusionbench.errors import InputError, MissingExtraError

Message = Mapping[str, str]

_MAX_REPLY: Final = 4 * 2**20


@dataclass(frozen=True)
class Reply:
    """What came of a call."""

    text: str | None = None
    """Of the answer; None where none came."""
    model: str | None = None
    """Who answered, in the server's words."""
    status: int | None = None
    """HTTP status of the last attempt; None where there was no answer at all."""
    error: str | None = None
    """Why there is no answer."""
    attempts: int = 1
    seconds: float = 0.0
    """All attempts together."""
    input_tokens: int | None = None
    """As the server counts."""
    output_tokens: int | None = None

    @property
    def refused(self) -> bool:
        """Whether the server takes no such calls at all: status 401, 403 or 404."""
        return self.status in (401, 403, 404)


class ChatClient:
    """A model behind an OpenAI-compatible endpoint.

    Args:
        url: Of the server; `/v1` and `/chat/completions` may be left out.
        model: What to ask for.
        concurrency: Calls under way at a time.
        retries: Retries after a temporary failure: no connection, a time-out, status 408, 409, 429 or 5xx.
        timeout: Seconds an attempt may take.
        key_variable: Environment variable with the API key; by default none is sent, whatever the environment holds.
        max_tokens: Of an answer.
        temperature: Of the sampling; left to the server where None.
        seed: Of the sampling, where the server takes one.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        concurrency: int = 8,
        retries: int = 3,
        timeout: float = 60.0,
        key_variable: str | None = None,
        max_tokens: int = 512,
        temperature: float | None = 0.0,
        seed: int | None = None,
    ) -> None:
        self.url = url
        self.model = model
        self.concurrency = concurrency
        self.retries = retries
        self.timeout = timeout
        self.key_variable = key_variable
        self.max_tokens = max_tokens
        self.temperature = temperature
        self.seed = seed

    @property
    def base_url(self) -> str:
        """The address that `/chat/completions` is added to.

        Raises:
            InputError: the URL is none.
        """
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"{self.url}: no address of a server, expected http://host:port or https://host")
        base = self.url.rstrip("/").removesuffix("/chat/completions")
        return base if base.endswith("/v1") else base + "/v1"

    @property
    def address(self) -> str:
        """`base_url` as files and messages may tell it: without a user's name, a password or a query, which may be secret."""
        parts = urlsplit(self.base_url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def check(self) -> None:
        """Refuse settings that no call could be made with.

        Raises:
            InputError: the URL is none, or a number is out of range.
        """
        _ = self.base_url
        least = {"concurrency": 1, "retries": 0, "max_tokens": 1}
        for name, value, low in ((name, getattr(self, name), low) for name, low in least.items()):
            if not value >= low:
                raise InputError(f"{name}: {value}, expected {low} or more. Remedy: choose a value in that range")
        if not 0 < self.timeout < math.inf:
            raise InputError(f"timeout: {self.timeout}, expected seconds above 0. Remedy: choose a value in that range")
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise InputError(f"temperature: {self.temperature}, expected 0 or more. Remedy: choose a value in that range")

    def ask(self, messages: Sequence[Message]) -> Reply:
        """One conversation.

        Raises:
            InputError: the URL is none, a number is out of range, the key is not in the environment, or the server refuses such
                calls (401, 403, 404).
            MissingExtraError: the client is not installed.
        """
        reply = self.attempt(messages)
        if reply.refused:
            raise self.refusal(reply)
        return reply

    def ask_all(self, conversations: Iterable[Sequence[Message]]) -> Iterator[tuple[int, Reply]]:
        """Many, each reply as it comes, with the place of its conversation.

        Conversations are taken from the iterable as there is room, so that it may be endless, and stop when the caller does.

        Raises:
            InputError: as for `ask`; what is under way is waited for first.
        """
        for place, reply in self.attempt_all(conversations):
            if reply.refused:
                raise self.refusal(reply)
            yield place, reply

    def attempt_all(self, conversations: Iterable[Sequence[Message]]) -> Iterator[tuple[int, Reply]]:
        """As `ask_all`, but a refused call is a reply like others.

        When the user interrupts, the replies to what is under way still come, and nothing more is asked.
        """
        waiting = enumerate(conversations)
        under_way: dict[Future[Reply], int] = {}
        create = self._create  # what is wrong with the address or the key shows before anything is under way
        with ThreadPoolExecutor(self.concurrency) as pool:
            while True:
                for place, messages in islice(waiting, self.concurrency - len(under_way)):
                    under_way[pool.submit(self._attempt, create, messages)] = place
                if not under_way:
                    return
                try:
                    done = wait(under_way, return_when=FIRST_COMPLETED).done
                except KeyboardInterrupt:
                    for future, place in under_way.items():  # what is under way will be paid for
                        yield place, future.result()
                    raise
                for future in done:
                    yield under_way.pop(future), future.result()

    def attempt(self, messages: Sequence[Message]) -> Reply:
        """One conversation; whatever the server does is in the reply."""
        return self._attempt(self._create, messages)

    def _attempt(self, create: Any, messages: Sequence[Message]) -> Reply:
        import httpx2  # what the client talks through
        import openai

        settings: dict[str, Any] = {"temperature": self.temperature, "seed": self.seed}
        request = {"model": self.model, "messages": list(messages), "max_tokens": self.max_tokens}
        request |= {name: value for name, value in settings.items() if value is not None}
        started = time.monotonic()
        told: dict[str, Any] = {}
        try:
            with create(**request) as response:
                told |= {"status": response.status_code, "attempts": _attempts(response.http_request)}
                told |= _read(_bounded(response.iter_bytes(), self.timeout))
        except openai.APIStatusError as error:
            told = {"status": error.status_code, "error": f"status {error.status_code}", "attempts": _attempts(error.request)}
        except openai.APIConnectionError as error:
            cause = "no answer in time" if isinstance(error, openai.APITimeoutError) else error.__cause__ or error
            told = {"error": str(cause), "attempts": self.retries + 1}
        except (OSError, httpx2.HTTPError, openai.OpenAIError) as error:
            told |= {"error": f"the answer broke off ({type(error).__name__})"}
        return Reply(**told, seconds=round(time.monotonic() - started, 3))

    def refusal(self, reply: Reply, calls: str = "") -> InputError:
        """The error that a refused call is."""
        key = f"from ${self.key_variable}" if self.key_variable else "none was sent; name its variable"
        return InputError(
            f"{self.address}: status {reply.status}{calls}. "
            f"Remedy: check the URL, the model name {self.model!r} and the API key ({key})"
        )

    @cached_property
    def _create(self) -> Any:
        self.check()
        try:
            import openai
        except ImportError as error:
            raise MissingExtraError("openai", "collect") from error

        key = os.environ.get(self.key_variable or "")
        if self.key_variable and not key:
            raise InputError(f"${self.key_variable}: no API key there. Remedy: set it, or name none where none is needed")
        client = openai.OpenAI(base_url=self.base_url, api_key=key or "none", max_retries=self.retries, timeout=self.timeout)
        # The client would also send what the environment holds of a key, an organisation and a project; that was not asked for.
        unasked = ["OpenAI-Organization", "OpenAI-Project", *([] if key else ["Authorization"])]
        return partial(
            client.chat.completions.with_streaming_response.create, extra_headers={n: openai.Omit() for n in unasked}
        )


def _bounded(chunks: Iterable[bytes], timeout: float) -> bytes:
    """The body of a reply, which may be neither endless nor endlessly slow."""
    body = bytearray()
    until = time.monotonic() + timeout
    for chunk in chunks:
        body += chunk
        if len(body) > _MAX_REPLY:
            raise OSError("too long")
        if time.monotonic() > until:
            raise TimeoutError("too slow")
    return bytes(body)


def _read(body: bytes) -> dict[str, Any]:
    """What a reply of status 200 says, whatever its shape."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {"error": "the answer is not JSON"}
    if not isinstance(said, dict):
        return {"error": "the answer is no JSON object"}
    choices, usage, model = said.get("choices"), said.get("usage"), said.get("model")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    text = message.get("content") if isinstance(message, dict) else None
    counts = usage if isinstance(usage, dict) else {}
    return {
        "text": text if isinstance(text, str) else None,
        "model": model if isinstance(model, str) else None,
        "error": None if isinstance(text, str) else "an error in the answer" if said.get("error") else "no text in the answer",
        "input_tokens": _count(counts.get("prompt_tokens")),
        "output_tokens": _count(counts.get("completion_tokens")),
    }


def _attempts(request: Any) -> int:
    """How many there were, which the client notes in the last one."""
    return int(request.headers.get("x-stainless-retry-count", 0)) + 1


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
