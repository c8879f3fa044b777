"""A router that runs somewhere: each prompt goes to an OpenAI-compatible endpoint, and the reply's `model` is its choice."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ..errors import InputError

_RETRIED: Final = (408, 409, 425, 429, 500, 502, 503, 504)
_MAX_REPLY: Final = 4 * 2**20


class LiveRouter:
    """RouteLLM, LiteLLM, vLLM's semantic router and others answer this way.

    Args:
        url: Of the server; `/v1/chat/completions` is added where it is not there.
        model: What to ask for, such as `auto` or `router-mf-0.11593`.
        aliases: Name in a reply -> candidate of the release, where they differ.
        concurrency: Requests under way at a time.
        retries: Further attempts after a failure that may pass: no connection, a time-out, status 408, 409, 425, 429 or 5xx.
        timeout: Seconds an attempt may take.
        backoff: Seconds before the first further attempt; doubled before every next one.
        record: JSONL file to which every call is added: prompt's place, attempts, status, model, seconds, error.
        key_variable: Environment variable with the API key to send; by default none is sent, whatever the environment holds.
        max_tokens: Of the answer, which is not used: the choice is what counts.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str = "auto",
        aliases: Mapping[str, str] | None = None,
        concurrency: int = 8,
        retries: int = 3,
        timeout: float = 60.0,
        backoff: float = 0.5,
        record: str | Path | None = None,
        key_variable: str | None = None,
        max_tokens: int = 1,
    ) -> None:
        self.url = url
        self.model = model
        self.aliases = aliases
        self.concurrency = concurrency
        self.retries = retries
        self.timeout = timeout
        self.backoff = backoff
        self.record = record
        self.key_variable = key_variable
        self.max_tokens = max_tokens

    def route(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> list[str | None]:
        """The candidate that each reply names; None where no reply came after all attempts.

        Raises:
            InputError: the URL is none, or the server refuses the requests as such (status 401, 403, 404).
        """
        endpoint = self._endpoint()
        with ThreadPoolExecutor(max(1, self.concurrency)) as pool:
            calls = list(pool.map(lambda item: self._call(endpoint, *item), enumerate(prompts)))
        self.calls_ = calls
        if self.record is not None:
            path = Path(self.record)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(call, ensure_ascii=False, sort_keys=True) + "\n" for call in calls)
        refused = [call for call in calls if call["status"] in (401, 403, 404)]
        if refused:
            raise InputError(
                f"{endpoint}: status {refused[0]['status']} for {len(refused)} of {len(calls)} prompts. "
                f"Remedy: check the URL, the model name {self.model!r} and the API key "
                f"({f'from ${self.key_variable}' if self.key_variable else 'none was sent; name its variable'})"
            )
        aliases = self.aliases or {}
        return [None if call["model"] is None else aliases.get(call["model"], call["model"]) for call in calls]

    def _endpoint(self) -> str:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InputError(f"{self.url}: no address of a router, expected http://host:port or https://host")
        base = self.url.rstrip("/")
        if base.endswith("/chat/completions"):
            return base
        return base + ("/chat/completions" if base.endswith("/v1") else "/v1/chat/completions")

    def _call(self, endpoint: str, place: int, prompt: str | None) -> dict[str, Any]:
        """One prompt, with its further attempts."""
        call: dict[str, Any] = {"prompt": place, "attempts": 0, "status": None, "model": None, "error": None, "seconds": 0.0}
        if prompt is None:
            return {**call, "error": "the log does not hold the prompt"}
        started = time.monotonic()
        for attempt in range(self.retries + 1):
            if attempt:
                time.sleep(self.backoff * 2 ** (attempt - 1))
            call |= {"attempts": attempt + 1, **self._attempt(endpoint, prompt)}
            if call["model"] is not None or (call["status"] is not None and call["status"] not in (200, *_RETRIED)):
                break
        call["seconds"] = round(time.monotonic() - started, 3)
        return call

    def _attempt(self, endpoint: str, prompt: str) -> dict[str, Any]:
        message = {"model": self.model, "messages": [{"role": "user", "content": prompt}], "max_tokens": self.max_tokens}
        headers = {"Content-Type": "application/json"}
        if self.key_variable and (key := os.environ.get(self.key_variable)):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(endpoint, json.dumps(message).encode(), headers)  # noqa: S310 (scheme is checked)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as reply:  # noqa: S310
                status, body = reply.status, reply.read(_MAX_REPLY)
            model = json.loads(body)["model"]
        except urllib.error.HTTPError as error:
            with error:
                return {"status": error.code, "error": f"status {error.code}", "model": None}
        except (OSError, TimeoutError) as error:
            return {"status": None, "error": str(getattr(error, "reason", error)), "model": None}
        except (ValueError, KeyError, TypeError) as error:
            return {"status": status, "error": f"no model in the reply ({type(error).__name__})", "model": None}
        if not isinstance(model, str):
            return {"status": status, "error": f"model in the reply is {model!r}", "model": None}
        return {"status": status, "error": None, "model": model}
