"""A call that is to be made, its key, and what came of one attempt at it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Slot = tuple[str, ...]
"""What an answer is for. Of a collection: (query_id, llm, mode, replicate as text)."""


@dataclass(frozen=True)
class Call:
    """One request. Two calls with one key are the same request, which is paid for once."""

    slot: Slot
    llm: str
    """Name of its endpoint."""
    key: str
    """See `call_key`."""
    payload: Mapping[str, Any]
    """The request body."""
    replicate: int = 0


@dataclass(frozen=True)
class Limits:
    """What the headers of a reply state about rate limits; None where they do not."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    requests_left: int | None = None
    tokens_left: int | None = None
    requests_reset_s: float | None = None
    """Seconds until `requests_left` is full."""
    tokens_reset_s: float | None = None


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt. Secrets that the server repeats are replaced in all texts."""

    status: Literal["ok", "empty", "error"]
    """As in the table `responses`: an answer, one without text, or none."""
    response: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    """As the server states it, such as `stop`, `length` or `content_filter`; `refusal` if the message is one."""
    served_model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    """With those of the reasoning."""
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    stated_cost: float | None = None
    """USD, if the server states it."""
    latency_s: float | None = None
    first_token_s: float | None = None
    """Seconds to the first token of a stream."""
    logprobs: Any = None
    """As the server gives them: a list of tokens with the log-probabilities of the likeliest ones."""
    error: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    charged: bool = False
    """Whether the provider may charge for it: an answer came, whole or in part, or it is not known whether one was made."""
    passing: bool = False
    """Whether the failure may pass, so that a further attempt is worth it."""
    refused: bool = False
    """Whether the server refuses all calls to this LLM, as for a wrong key: no further one is made."""
    retry_after_s: float | None = None
    """The seconds that the server asks to wait."""
    limits: Limits | None = None


def canonical(payload: Mapping[str, Any]) -> str:
    """A request body as text: keys in order, no white space, so that equal bodies are equal texts."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def call_key(address: str, payload: Mapping[str, Any], replicate: int = 0) -> str:
    """The key of a request: 32 hexadecimal digits (128 bits) of the SHA-256 of its body, endpoint and replicate.

    Args:
        address: URL of the endpoint up to `/v1`, without user info and query.
        payload: The request body.
        replicate: The number of the answer to the same request, from 0.
    """
    whole = json.dumps([address, canonical(payload), replicate], separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]
