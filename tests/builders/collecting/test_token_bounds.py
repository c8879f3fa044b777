"""Bounds on the tokens of a request, against real tokenizers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.token_bounds import (
    AROUND,
    IMAGE,
    likely_input_tokens,
    most_input_tokens,
    most_output_tokens,
)
from llmfusionbench.texts.tokens import offline_tokenizers

ENDPOINT = Endpoint(name="one", url="http://127.0.0.1:9", model="m")
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 300_000}}


def payload(content: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content}], **fields}


@given(st.text(max_size=300) | st.text(st.sampled_from("\ufdfa\u00e9\u0307\U0001d160 \n\t\u4e2d\U0001f9d1\u200d"), max_size=60))
def test_no_text_has_more_tokens_than_the_bound(text: str) -> None:
    most = most_input_tokens(payload(text)) - AROUND
    for count in offline_tokenizers().values():
        assert count(text) <= most


def test_a_tokenizer_may_normalise_first() -> None:
    """One character, which is 18 in the form NFKD: 33 bytes."""
    assert most_input_tokens(payload("\ufdfa")) - most_input_tokens(payload("")) == 33
    assert most_input_tokens(payload("\ud800")) > 0


def test_all_that_a_server_may_read_counts() -> None:
    plain = most_input_tokens(payload("Why?"))
    schema = {"type": "object", "properties": {"answer": {"type": "string", "description": "x" * 500}}}
    for fields in (
        {"tools": [{"type": "function", "function": {"name": "look", "parameters": schema}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}},
        {"stop": ["y" * 500]},
    ):
        assert plain + 500 <= most_input_tokens(payload("Why?", **fields)) < plain + 1_500
    parts = [{"type": "text", "text": "z" * 400}, {"type": "text", "text": "Why?"}]
    assert plain + 400 <= most_input_tokens(payload(parts)) < plain + 600


def test_images_count_by_number_and_other_attachments_by_bytes_too() -> None:
    plain = most_input_tokens(payload([]))
    assert plain + IMAGE <= most_input_tokens(payload([PICTURE])) < plain + IMAGE + 100
    named = {"type": "image", "source": {"type": "base64", "data": "A" * 300_000}, "title": "t" * 900}
    assert plain + IMAGE + 900 <= most_input_tokens(payload([named])) < plain + IMAGE + 1_100
    sound = {"type": "input_audio", "input_audio": {"data": "B" * 90_000, "format": "wav"}}
    assert most_input_tokens(payload([sound])) > plain + IMAGE + 90_000
    assert likely_input_tokens(payload([PICTURE, PICTURE])) == pytest.approx(3_000, abs=50)


def test_likely_tokens_of_a_text() -> None:
    text = "The quick brown fox jumps over the lazy dog near the river bank. " * 20
    assert likely_input_tokens(payload(text)) == pytest.approx(len(text) / 4, abs=20)
    assert likely_input_tokens(payload(text), lambda text: 7) == 19
    for count in offline_tokenizers().values():
        assert likely_input_tokens(payload(text)) == pytest.approx(count(text), rel=0.25)


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({"max_tokens": 50}, 50),
        ({"max_completion_tokens": 60}, 60),
        ({"max_tokens": 50, "max_completion_tokens": 60}, 60),
        ({"max_tokens": 50, "n": 3}, 150),
        ({"max_tokens": 50, "n": 1, "best_of": 4}, 200),
        ({"max_tokens": 50, "thinking_budget": 1000}, 1050),
        ({"max_tokens": 50, "thinking": {"type": "enabled", "budget_tokens": 1000}}, 1050),
        ({"max_tokens": 50, "reasoning": {"max_tokens": 1000}}, 1050),
        ({"max_tokens": 50, "reasoning": {"effort": "high"}}, 50),
        ({"max_tokens": 50, "chat_template_kwargs": {"thinking_budget": 8}}, 58),
        ({"max_tokens": True}, None),
        ({"max_tokens": None}, None),
        ({}, None),
    ],
)
def test_the_longest_answer(fields: dict[str, Any], most: int | None) -> None:
    assert most_output_tokens(payload("x", **fields), ENDPOINT) == most


def test_an_endpoint_names_its_own_field() -> None:
    own = Endpoint(name="one", url="http://127.0.0.1:9", model="m", max_tokens_field="max_new_tokens")
    assert most_output_tokens(payload("x", max_new_tokens=9), own) == 9


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens", "best_of"])
@pytest.mark.parametrize("value", ["50000", -1, 0.5, True, [1]])
def test_a_maximum_that_is_no_number_has_no_bound(field: str, value: Any) -> None:
    """A server may read a text as a number, so that the other maximum would be no bound."""
    fields = {"max_tokens": 10, "max_completion_tokens": 10, field: value}
    assert most_output_tokens(payload("", **fields), ENDPOINT) is None


def test_a_whole_number_with_a_point_is_a_number() -> None:
    assert most_output_tokens(payload("", max_tokens=1000.0), ENDPOINT) == 1000
