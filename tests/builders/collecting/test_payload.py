"""The body of a request: which of the fields of endpoint, mode and query counts."""

from __future__ import annotations

from typing import Any

import pytest

from llmfusionbench.builders.collecting.calls import canonical
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.payload import payload_of

ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "one"}]


def body(mode: str = "direct", *, max_tokens: int | None = None, settings: Any = None, **endpoint: Any) -> dict[str, Any]:
    made = Endpoint(name="a", url="http://localhost:1", model="m", **endpoint)
    return payload_of(made, ASK, mode, max_tokens=max_tokens, settings=settings)


def test_only_what_is_set_is_sent() -> None:
    assert body() == {"model": "m", "messages": ASK, "max_tokens": 1024}
    assert body(temperature=0.0, top_p=1.0, seed=0) == body() | {"temperature": 0.0, "top_p": 1.0, "seed": 0}


def test_streams_ask_for_their_counts() -> None:
    assert body(stream=True) == body() | {"stream": True, "stream_options": {"include_usage": True}}
    assert body(stream=True, extra={"stream_options": None}) == body() | {"stream": True}


def test_the_mode_counts_more_than_the_endpoint_and_the_query_more_than_both() -> None:
    endpoint = {
        "extra": {"a": 1, "b": 1, "response_format": {"type": "text"}},
        "modes": {"think": {"b": 2, "reasoning_effort": "high", "model": "m-think"}},
    }
    settings = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}}
    assert body(**endpoint) == body() | endpoint["extra"]
    assert body("think", **endpoint, settings=settings) == body() | settings | {
        "model": "m-think", "a": 1, "b": 2, "reasoning_effort": "high",
    }  # fmt: skip


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_limit_of_tokens_that_is_given_counts_alone(field: str) -> None:
    found = body("think", max_tokens=9, max_tokens_field=field, modes={"think": {"max_tokens": 5, "max_completion_tokens": 6}})
    assert found == {"model": "m", "messages": ASK, field: 9}
    assert body(max_tokens_field=field)[field] == 1024


def test_images_pass_through_and_nothing_is_changed_in_place() -> None:
    parts = [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
    ]
    messages = [{"role": "user", "content": parts}]
    made = payload_of(Endpoint(name="a", url="http://localhost:1", model="m"), messages, "direct")
    assert made["messages"] == messages
    made["messages"][0]["role"] = "system"
    assert messages[0]["role"] == "user"
    assert canonical(made).startswith('{"max_tokens":1024,"messages":[{"content":')
