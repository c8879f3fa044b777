"""Answers in JSON that cannot be read, or that hold two answers."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.signs.json_objects import json_faults


@pytest.mark.parametrize(
    ("text", "opens", "broken", "several"),
    [
        ('{"reasoning": "Twice 21.", "answer": "42"}', True, False, False),
        ('```json\n{"answer": "42"}\n```', True, False, False),
        ('{"reasoning": "a raw\nline break", "answer": "42"}', True, False, False),
        ('{"answer": "42"}\nThe answer is 42, or {so}.', True, False, False),
        ('{"answer": "42"}\nThe same again: {"answer": "42"}', True, False, False),
        ('{"reasoning": "a missing comma" "answer": "42"}', True, True, False),
        ('{"reasoning": "it stops', True, True, False),
        ('```json\n{"reasoning": "x", "answer": "42"\n```', True, True, False),
        ('{"answer": "42"}\nNo: {"answer": "43"}', True, False, True),
        ('{"answer": 42, "unit": "m"}\n{"answer": 43, "unit": "m"}', True, False, False),  # their last key agrees
        ('The answer is {"answer": "42', False, False, False),
        ("{x | x > 2}", False, False, False),
        ("", False, False, False),
    ],
)
def test_faults(text: str, opens: bool, broken: bool, several: bool) -> None:
    assert [bool(found[0]) for found in json_faults(pa.array([text]))] == [opens, broken, several]


def test_a_missing_text_has_no_fault() -> None:
    assert not any(found.any() for found in json_faults(pa.array([None], pa.string())))


@given(
    st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=20), min_size=1), st.sampled_from(["", "\n\nDone."])
)
def test_what_json_writes_can_be_read(value: dict[str, Any], after: str) -> None:
    opens, broken, several = json_faults(pa.array([json.dumps(value) + after]))
    assert (opens[0], broken[0], several[0]) == (True, False, False)


def test_deep_nesting_is_broken_and_no_error() -> None:
    opens, broken, _ = json_faults(pa.array(['{"a": ' + "[" * 100_000]))
    assert opens[0]
    assert broken[0]
