"""Bodies of requests and responses: any JSON in any of their fields ends in texts or in one clear error."""

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.making.stated import utc_text
from llmfusionbench.builders.reading.batch_lines import kind_of, other_kind, request_of, result_of
from llmfusionbench.builders.reading.chat_answers import answers_of
from llmfusionbench.builders.reading.chat_requests import asked, query_of
from llmfusionbench.builders.reading.chat_usage import tokens_by_kind, tokens_of
from llmfusionbench.builders.reading.failures import failure_text
from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.loose import call_times, loose_count, loose_moment, loose_number
from llmfusionbench.builders.records import LOG

NAMES = (
    "role", "content", "type", "text", "message", "choices", "output", "input", "prompt", "messages", "system", "error",
    "response", "body", "result", "custom_id", "usage", "model", "finish_reason", "index", "tool_calls", "reasoning",
    "reasoning_details", "summary", "kwargs", "status", "refusal", "prompt_tokens", "temperature", "created", "thinking",
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
LEAVES |= st.sampled_from(
    ("user", "assistant", "message", "reasoning", "tool_use", "function_call", "[1, 2]", '{"role": "user", "content": "x"}')
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)
OBJECT = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6)


def holds(rows: list[dict[str, Any]]) -> bool:
    """Whether rows fit the columns of a log record."""
    table = pa.Table.from_pylist(rows, schema=LOG)
    return not rows or (set().union(*rows) <= set(LOG.names) and table.num_rows == len(rows))


def read_by(reader: Callable[[Any], Any], body: Any) -> list[dict[str, Any]] | str:
    """What a reader makes of a body, or its message."""
    try:
        found = reader(body)
    except BadRecordError as error:
        return str(error)
    return found if isinstance(found, list) else [found]


def is_fine(found: list[dict[str, Any]] | str) -> bool:
    return holds(found) if isinstance(found, list) else 0 < len(found) < 1000


@given(JSON)
def test_any_response(body: Any) -> None:
    assert is_fine(read_by(answers_of, body))


@given(OBJECT)
def test_any_request(body: dict[str, Any]) -> None:
    assert is_fine(read_by(asked, body))


@given(OBJECT)
def test_any_line_of_a_batch(line: dict[str, Any]) -> None:
    assert kind_of(line) in (None, "request", "result")
    assert other_kind(line) is None or isinstance(other_kind(line), str)
    for reader in (request_of, result_of):
        assert is_fine(read_by(reader, line))


@given(JSON)
def test_any_usage_error_and_time(value: Any) -> None:
    for tokens in (tokens_of(value), tokens_by_kind(value)):
        assert all(n is None or (type(n) is int and n >= 0) for n in tokens.values())
    assert failure_text(value) is None or isinstance(failure_text(value), str)
    assert call_times(value, value) == (loose_moment(value), None)


@pytest.mark.parametrize(
    ("value", "number", "count"),
    [
        (5, 5.0, 5), ("5", 5.0, 5), ("5.5", 5.5, None), (-1, -1.0, None), (True, None, None), ("inf", None, None),
        ("1_0", None, None), (None, None, None), ([], None, None), (10**400, None, None), ("", None, None), (2.0, 2.0, 2),
        (float("nan"), None, None),
    ],
)  # fmt: skip
def test_loose_numbers(value: Any, number: float | None, count: int | None) -> None:
    assert loose_number(value) == number
    assert loose_count(value) == count


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1711652795, "1711652795"), ("1711652795.5", "1711652795.5"), (1711652795123, "1711652795123"),
        ("2025-01-02 03:04:05 UTC", "2025-01-02 03:04:05"), ("2025-01-02T03:04:05.1Z", "2025-01-02T03:04:05.1Z"),
        (datetime(2025, 1, 2), "2025-01-02T00:00:00"), (date(2025, 1, 2), "2025-01-02"),
        *((value, None) for value in (0, 1, -5, True, None, "", "soon", "2025-13-40", 10**18, 1e300, [], {"a": 1})),
    ],
)  # fmt: skip
def test_times(value: Any, text: str | None) -> None:
    assert loose_moment(value) == text
    assert text is None or utc_text(text).endswith("Z")


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [("2026-01-01T00:00:00Z", "2026-01-01T00:00:01.5+00:00", 1.5), ("2026-01-01 00:00:00", "2026-01-01 00:00:02 UTC", 2.0),
     (1_767_225_600, 1_767_225_601.5, 1.5), (1_767_225_600_000, "1767225601000", 1.0), ("x", "y", None),
     ("2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z", None), (None, 1, None)],
)  # fmt: skip
def test_latencies(start: Any, end: Any, seconds: float | None) -> None:
    assert call_times(start, end) == (loose_moment(end or start), seconds)


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ({"choices": [{"text": "A", "finish_reason": "length"}]}, {"response": "A", "finish_reason": "length"}),
        ({"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}, {"response": ""}),
        ({"choices": [{"message": {"content": [{"type": "text", "text": "A"}, {"text": "B"}]}}]}, {"response": "AB"}),
        ({"role": "assistant", "content": "A", "reasoning_details": [{"type": "t", "text": "R"}]}, {"reasoning": "R"}),
        ({"role": "assistant", "content": "A", "reasoning_details": [{"type": "t", "data": "x"}]}, {"reasoning": None}),
        ({"choices": [{"message": {}, "error": {"code": 502, "message": "Down."}}]}, {"status": "error", "error": "Down."}),
        ({"error": {"message": "No.", "code": 1}}, {"status": "error", "error": "No."}),
        ({"object": "response", "status": "failed", "error": {"code": "x", "message": "No."}, "output": []}, {"error": "No."}),
        ({"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": {"a": 1}}], "stop_reason": "tool_use"},
         {"response": '{"name": "f", "input": {"a": 1}}', "finish_reason": "tool_use"}),
        (json.dumps({"choices": [{"message": {"content": "A"}}]}), {"response": "A"}),
        ({"choices": [{"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}]},
         {"response": "No.", "finish_reason": "refusal"}),
        ({"choices": [{"message": {"content": "{", "refusal": "No."}, "finish_reason": "stop"}]},
         {"response": "{", "finish_reason": "refusal"}),
        ({"choices": [{"message": {"content": "A", "refusal": None}, "finish_reason": "stop"}]},
         {"response": "A", "finish_reason": "stop"}),
        ({"choices": [{"message": {"content": "", "refusal": " "}, "finish_reason": "length"}]}, {"finish_reason": "length"}),
        ({"choices": [{"message": {"content": [{"type": "refusal", "refusal": "No."}]}, "finish_reason": "stop"}]},
         {"response": "No.", "finish_reason": "refusal"}),
        ({"object": "response", "status": "completed",
          "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]},
         {"response": "No.", "finish_reason": "refusal"}),
        ({"role": "assistant", "content": [{"type": "text", "text": "No."}], "stop_reason": "refusal"},
         {"response": "No.", "finish_reason": "refusal"}),
        ({"role": "assistant", "content": None, "refusal": "No.", "stop_reason": "end_turn"}, {"finish_reason": "refusal"}),
    ],
)  # fmt: skip
def test_shapes_of_responses(body: Any, columns: dict[str, Any]) -> None:
    [answer] = answers_of(body)
    assert {name: answer.get(name) for name in columns} == columns


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"prompt": "P"}, {"prompt": "P"}),
        ({"prompt": ["P"]}, {"prompt": "P"}),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "P"}]}]}, {"prompt": "P"}),
        ({"messages": [{"role": "USER", "content": "P"}]}, {"prompt": "P"}),
        ({"messages": []}, {}),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"text": "T"}]}]}]}, {"prompt": "T"}),
    ],
)  # fmt: skip
def test_shapes_of_requests(body: Any, query: dict[str, Any]) -> None:
    found = asked(body)
    assert {name: found[name] for name in ("prompt", "messages") if name in found} == query


def test_calls_and_results_of_tools_are_turns() -> None:
    items = [
        {"role": "user", "content": "Q"},
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "output": "R"},
    ]
    turns = query_of(items, "input")["messages"]
    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("user", "Q"),
        ("assistant", '{"name": "f", "arguments": "{}"}'),
        ("tool", "R"),
    ]


def test_several_prompts_in_one_request_are_refused() -> None:
    with pytest.raises(BadRecordError, match="prompt is a list of 2, expected one text"):
        asked({"prompt": ["P", "Q"]})
