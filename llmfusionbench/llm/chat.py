"""A client for OpenAI-compatible servers, with many conversations at a time; a failed call is a reply with the reason.

The official client handles connections, time-outs and retries with back-off. This adds the limits that it lacks, and reads
replies that break the protocol. A request has the headers that are set here and no others, and never leaves its server.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any, Final
from urllib.request import getproxies

from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.llm.requests import REDIRECT, headers_of, keep_to_origin
from llmfusionbench.llm.server_url import authorization_of, public_address, query_of, server_parts
from llmfusionbench.redaction import guard_logs, keep_urls_secret, public_url, redacted, redacted_data

Message = Mapping[str, str]

_MAX_REPLY: Final = 4 * 2**20
_RETRIES: Final = "x-stainless-retry-count"
"""Header in which the client notes the number of an attempt."""


@dataclass(frozen=True)
class Reply:
    """The result of a call. A secret that the server repeats is replaced in all texts."""

    text: str | None = None
    """Text of the answer; None without one."""
    model: str | None = None
    """Model that answered, as the server names it."""
    status: int | None = None
    """HTTP status of the last attempt; None if the server did not answer."""
    error: str | None = None
    """Reason for a missing answer."""
    attempts: int = 1
    seconds: float = 0.0
    """Duration of all attempts."""
    input_tokens: int | None = None
    """Tokens, as the server counts them."""
    output_tokens: int | None = None

    @property
    def refused(self) -> bool:
        """Whether the server refuses all such calls: status 401, 403 or 404, or a redirect that is not followed."""
        return self.status in (401, 403, 404) or self.redirected

    @property
    def redirected(self) -> bool:
        """Whether the server sends such calls to another place, where they are not sent."""
        return self.status is not None and 300 <= self.status < 400


class ChatClient:
    """A model behind an OpenAI-compatible endpoint.

    Args:
        url: URL of the server, with or without `/v1` and `/chat/completions`.
        model: Model name sent to the server.
        concurrency: Number of parallel calls.
        retries: Retries after a temporary failure: no connection, a time-out, status 408, 409, 429 or 5xx.
        timeout: Timeout per attempt, seconds.
        key_variable: Environment variable that holds the API key; by default no key is sent.
        max_tokens: Maximum number of tokens per answer.
        temperature: Sampling temperature; None leaves it to the server.
        seed: Sampling seed, if the server accepts one.
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

    def __repr__(self) -> str:
        return f"ChatClient({public_url(self.url)!r}, model={redacted(self.model)!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Without the connections and the key in them: a copy in another process reads the key from its own environment."""
        return {name: value for name, value in vars(self).items() if name != "_create"}

    @property
    def address(self) -> str:
        """The URL up to `/v1`, without user info, query and fragment, which may be secret.

        Raises:
            InputError: The URL is not valid.
        """
        parts = server_parts(self.url)
        path = parts.path.rstrip("/").removesuffix("/chat/completions")
        return public_address(parts, path if path.endswith("/v1") else path + "/v1")

    def check(self) -> None:
        """Refuse invalid settings.

        Raises:
            InputError: The URL is not valid, or a number is out of range.
        """
        _ = self.address
        least = {"concurrency": 1, "retries": 0, "max_tokens": 1}
        for name, value, low in ((name, getattr(self, name), low) for name, low in least.items()):
            if not value >= low:
                raise InputError(f"{name}: {value}, expected {low} or more. Remedy: choose a value in that range")
        if not 0 < self.timeout < math.inf:
            raise InputError(f"timeout: {self.timeout}, expected seconds above 0. Remedy: choose a value in that range")
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise InputError(f"temperature: {self.temperature}, expected 0 or more. Remedy: choose a value in that range")

    def ask(self, messages: Sequence[Message]) -> Reply:
        """Send one conversation.

        Raises:
            InputError: A setting is invalid, the key is not in the environment, or the server refuses such calls (401, 403,
                404).
            MissingExtraError: The client is not installed.
        """
        reply = self.attempt(messages)
        if reply.refused:
            raise self.refusal(reply)
        return reply

    def ask_all(self, conversations: Iterable[Sequence[Message]]) -> Iterator[tuple[int, Reply]]:
        """(position of a conversation, its reply), as replies come.

        Conversations are taken from the iterable when there is room, so it may be endless.

        Raises:
            InputError: As for `ask`, after running calls have ended.
        """
        for place, reply in self.attempt_all(conversations):
            if reply.refused:
                raise self.refusal(reply)
            yield place, reply

    def attempt_all(self, conversations: Iterable[Sequence[Message]]) -> Iterator[tuple[int, Reply]]:
        """As `ask_all`, but a refused call is an ordinary reply.

        After an interrupt, the replies to running calls still come, and no new call starts.
        """
        waiting = enumerate(conversations)
        under_way: dict[Future[Reply], int] = {}
        create = self._create  # a wrong address or key is found before any call starts
        with ThreadPoolExecutor(self.concurrency) as pool:
            while True:
                for place, messages in islice(waiting, self.concurrency - len(under_way)):
                    under_way[pool.submit(self._attempt, create, messages)] = place
                if not under_way:
                    return
                try:
                    done = wait(under_way, return_when=FIRST_COMPLETED).done
                except KeyboardInterrupt:
                    for future, place in under_way.items():  # running calls are paid for
                        yield place, future.result()
                    raise
                for future in done:
                    yield under_way.pop(future), future.result()

    def attempt(self, messages: Sequence[Message]) -> Reply:
        """Send one conversation; every failure is in the reply."""
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
            if (redirect := error.response.extensions.get(REDIRECT)) is not None:
                told["error"] = f"status {error.status_code}, a redirect to another server ({redirect})"
        except openai.APIConnectionError as error:
            cause = "no answer in time" if isinstance(error, openai.APITimeoutError) else error.__cause__ or error
            told = {"error": str(cause), "attempts": self.retries + 1}
        except (OSError, httpx2.HTTPError, openai.OpenAIError) as error:
            told |= {"error": f"the answer broke off ({type(error).__name__})"}
        return Reply(**redacted_data(told), seconds=round(time.monotonic() - started, 3))

    def refusal(self, reply: Reply, calls: str = "") -> InputError:
        """The error for a refused call."""
        if reply.redirected:
            return InputError(
                f"{self.address}: {reply.error}{calls}. Neither prompts nor keys are sent there. "
                "Remedy: give the URL of that server if you trust it"
            )
        key = f"from ${self.key_variable}" if self.key_variable else "none was sent; name its variable"
        return InputError(
            f"{self.address}: status {reply.status}{calls}. "
            f"Remedy: check the URL, the model name {self.model!r} and the API key ({key})"
        )

    @cached_property
    def _create(self) -> Any:
        self.check()
        try:
            import httpx2
            import openai
        except ImportError as error:
            raise MissingExtraError("openai", "collect") from error

        parts = server_parts(self.url)
        authorization, query = authorization_of(parts, self.key_variable), query_of(parts, self.address)
        keep_urls_secret(getproxies().values())
        hooks = {"request": [partial(_set_headers, authorization=authorization)], "response": [keep_to_origin]}
        try:
            client = openai.OpenAI(
                base_url=self.address, api_key="none", max_retries=self.retries, timeout=self.timeout, default_query=query,
                http_client=openai.DefaultHttpxClient(timeout=self.timeout, event_hooks=hooks),
            )  # fmt: skip
        except (ValueError, ImportError, httpx2.InvalidURL) as error:  # an odd host, or a proxy that cannot be used
            reason = redacted(str(error).splitlines()[0])
            raise InputError(f"{self.address}: {reason}. Remedy: check the URL, and the proxies in the environment") from None
        guard_logs()
        return client.chat.completions.with_streaming_response.create


def _set_headers(request: Any, *, authorization: str | None) -> None:
    """Replace all headers of a request: the client adds to its own what it finds in environment variables."""
    count = request.headers.get(_RETRIES, "0")
    headers = headers_of(request.url, len(request.read())) | {_RETRIES: count if count.isdecimal() else "0"}
    headers |= {} if authorization is None else {"Authorization": authorization}
    request.headers = type(request.headers)(headers)


def _bounded(chunks: Iterable[bytes], timeout: float) -> bytes:
    """The body of a reply, limited in size and time."""
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
    """The content of a reply with status 200, whatever its shape."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {"error": "the answer is not JSON"}
    if not isinstance(said, dict):
        return {"error": "the answer is not a JSON object"}
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
    """The number of attempts, which the client notes in the last request."""
    return int(request.headers.get(_RETRIES, 0)) + 1


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
