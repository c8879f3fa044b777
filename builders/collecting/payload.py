"""The body of a request: what the query asks, with the settings of its endpoint and mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.tasks.query import Message

MAX_TOKENS: Final = ("max_tokens", "max_completion_tokens")
"""Fields of a body with the most tokens of an answer."""


def payload_of(
    endpoint: Endpoint,
    query_messages: Sequence[Message],
    mode: str,
    *,
    max_tokens: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The request body of a chat completion.

    The fields of the endpoint come first, then its `extra`, the fields of the mode, and those of the query: of two with one
    name the later one counts as a whole. A field that is null is not sent, so that `extra` can also take a field away.

    Args:
        endpoint: Whom to ask.
        query_messages: Messages to send. Their contents are passed on as they are, images too.
        mode: Mode of the query, such as `direct`.
        max_tokens: Most tokens of the answer; it counts more than what the endpoint and its mode state.
        settings: Fields that the query needs, such as `response_format`.
    """
    body: dict[str, Any] = {"model": endpoint.model, "messages": [dict(message) for message in query_messages]}
    body[endpoint.max_tokens_field] = endpoint.max_tokens
    body |= {"temperature": endpoint.temperature, "top_p": endpoint.top_p, "seed": endpoint.seed}
    if endpoint.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    body |= dict(endpoint.extra) | dict(endpoint.modes.get(mode, {})) | dict(settings or {})
    if max_tokens is not None:
        body |= dict.fromkeys(MAX_TOKENS) | {endpoint.max_tokens_field: max_tokens}
    return {name: value for name, value in body.items() if value is not None}
