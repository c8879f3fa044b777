"""What logs state in words of their own: reasons, times and reasoning."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.making.stated import SPLIT_OFF, finish_reason, split_reasoning, utc_text


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"), ("STOP", "stop"), ("end_turn", "stop"), ("eos", "stop"), ("length", "length"),
        ("MAX_TOKENS", "length"), ("max_tokens", "length"), ("content_filter", "content_filter"),
        ("SAFETY", "content_filter"), ("tool_use", "tool_calls"), ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"), ("other", "other"), ("whatever", "other"),
    ],
)  # fmt: skip
def test_reasons(word: str, reason: str) -> None:
    assert finish_reason(word) == reason


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-01-31T23:59:59.000Z", "2026-01-31T23:59:59.000Z"),
        ("2026-01-31 23:59:59", "2026-01-31T23:59:59.000Z"),
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("2026-02-01T01:59:59.123456+02:00", "2026-01-31T23:59:59.123Z"),
        ("1769903999", "2026-01-31T23:59:59.000Z"),
        ("1769903999.25", "2026-01-31T23:59:59.250Z"),
        ("1769903999250", "2026-01-31T23:59:59.250Z"),
        ("1769903999250000", "2026-01-31T23:59:59.250Z"),
        ("yesterday", "yesterday"),
        ("99999999999999999", "99999999999999999"),
        ("0001-01-01T00:00:00+23:00", "0001-01-01T00:00:00+23:00"),
    ],
)
def test_times(moment: str, text: str) -> None:
    assert utc_text(moment) == text


@given(st.datetimes(min_value=datetime(1900, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_times_keep_their_moment_and_sort_as_texts(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    if not datetime(1, 1, 3, tzinfo=UTC) < aware < datetime(9999, 12, 29, tzinfo=UTC):
        return
    found = utc_text(aware.isoformat())
    assert len(found) == 24
    assert abs(datetime.fromisoformat(found) - aware) < timedelta(milliseconds=1)
    later = utc_text((aware + timedelta(seconds=1)).isoformat())
    assert found < later


@pytest.mark.parametrize(
    ("response", "parts"),
    [
        ("<think>\nhm\n</think>\n\n42", ("hm", "42")),
        (" \n<THINK>hm</Think>42", ("hm", "42")),
        ("<think>\n\n</think>\n\n42", (None, "42")),
        ("<think>all</think>", ("all", "")),
        ("<think>one</think>two<think>three</think>", ("one", "two<think>three</think>")),
        ("<think>never closed", None),
        ("42 <think>later</think>", None),
        ("hm</think>42", None),
        ("", None),
    ],
)
def test_reasoning_in_front(response: str, parts: tuple[str | None, str] | None) -> None:
    assert pc.match_substring_regex(pa.array([response]), SPLIT_OFF)[0].as_py() is (parts is not None)
    if parts is not None:
        assert split_reasoning(response) == parts


pieces = st.lists(st.sampled_from(["<think>", "</think>", "</THINK>", " ", "\n", "x", "thin\u212a", "<", "/"]), max_size=8)


@given(pieces.map("".join))
def test_both_patterns_agree(response: str) -> None:
    """Arrow's and Python's find the same responses, and the two parts are all that stands outside the tags."""
    if pc.match_substring_regex(pa.array([response]), SPLIT_OFF)[0].as_py():
        reasoning, answer = split_reasoning(response)
        block = re.match(r"\s*<think>(.*?)</(?:think|THINK)>\s*", response, re.DOTALL)
        assert block is not None
        assert (reasoning or "", answer) == (block[1].strip(), response[block.end() :])
    else:
        with pytest.raises(ValueError, match="does not begin with a block"):
            split_reasoning(response)
