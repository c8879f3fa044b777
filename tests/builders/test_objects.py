"""Turns, settings, reasoning and distributions of a log, in the shapes in which logs have them."""

from __future__ import annotations

from typing import Any

import pytest

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.objects import distribution, reasoning_text, sampling, turns

TURNS = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TURNS, TURNS),
        ('[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]', TURNS),
        ({"messages": TURNS, "model": "m"}, TURNS),
        ([{"from": "system", "value": "Be brief."}, {"from": "human", "value": "Hi"}], TURNS),
        ([{"role": "User", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
         [{"role": "user", "content": "a\nb"}]),
        ([{"role": "assistant", "content": None}], [{"role": "assistant", "content": ""}]),
        (None, None), ("", None), ("[]", None), ([], None),
    ],
)  # fmt: skip
def test_turns(value: Any, expected: Any) -> None:
    assert turns(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "Hi", 7, [7], [{"content": "no role"}], [{"role": "user", "content": 7}], [None],
        [{"role": "user", "content": [{"type": "image_url"}]}], [{"role": "u", "content": "\ud83d"}],
    ],
)  # fmt: skip
def test_what_are_no_turns(value: Any) -> None:
    with pytest.raises(BadRecordError, match="messages"):
        turns(value)


def settings(**given: Any) -> dict[str, Any]:
    return {"temperature": None, "top_p": None, "max_tokens": None, "seed": None, "effort": None} | given


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"temperature": 0, "top_p": 0.9, "n": 3}, settings(temperature=0.0, top_p=0.9)),
        ('{"max_completion_tokens": 10, "reasoning_effort": "low"}', settings(max_tokens=10, effort="low")),
        ("{'temperature': 0.5, 'seed': 7}", settings(temperature=0.5, seed=7)),
        ({"stop": ["x"]}, None), ({}, None), (None, None), ("", None),
    ],
)  # fmt: skip
def test_settings(value: Any, expected: Any) -> None:
    assert sampling(value) == expected


@pytest.mark.parametrize("value", [7, [1], {"temperature": "hot"}, {"seed": 1.5}, {"effort": 3}])
def test_what_are_no_settings(value: Any) -> None:
    with pytest.raises(BadRecordError):
        sampling(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a text", "a text"),
        ([{"type": "reasoning.text", "text": "one"}, {"type": "reasoning.summary", "summary": "two"}], "one\n\ntwo"),
        ([{"type": "reasoning.encrypted", "data": "x"}], None), ('[{"type": "reasoning.encrypted", "data": "x"}]', None),
        ('[{"type": "reasoning.text", "text": "one"}]', "one"), ("[]", None),
        ("[1, 2] is sorted", "[1, 2] is sorted"), ("[1, 2]", "[1, 2]"), ('{"steps": 3}', '{"steps": 3}'), ("{", "{"),
        ("", None), (None, None),
    ],
)  # fmt: skip
def test_reasoning(value: Any, expected: str | None) -> None:
    assert reasoning_text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"1": 0.25, "0": 0.75}, [{"score": 0.0, "probability": 0.75}, {"score": 1.0, "probability": 0.25}]),
        ([{"score": 0.5, "probability": 1}], [{"score": 0.5, "probability": 1.0}]),
        (None, None), ("{}", None),
    ],
)  # fmt: skip
def test_distributions(value: Any, expected: Any) -> None:
    assert distribution(value) == expected


@pytest.mark.parametrize("value", [7, "high", [1, 2], {"a": 0.5}, [{"score": 1}]])
def test_what_are_no_distributions(value: Any) -> None:
    with pytest.raises(BadRecordError):
        distribution(value)
