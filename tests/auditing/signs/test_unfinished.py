"""Texts that stop before their end, and complete texts that end without a full stop."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.signs.unfinished import endings

PROSE = "The train leaves the valley at noon. It climbs slowly, and its passengers look out of the windows. "
LONG = PROSE * 4

OPEN = [
    LONG + "After the second tunnel it reaches the",
    LONG + "It stops at three stations,",
    LONG + "The way is 12 km long, so that its speed is 12 /",
    LONG + "The number of stations is therefore computed as follows:",
    LONG + "The next stop is Arosa (",
    '{"reasoning": "' + PROSE + "It takes 4",
    '```json\n{"reasoning": "' + PROSE + "The sum is $12,00",
    "Here is the program:\n```python\ndef area(width, height):\n    return compute(width,\n        height",
    PROSE + "And then... (truncated)",
    PROSE + "And then [truncated]",
]
SENTENCES = [
    LONG + "After the second tunnel it reaches a station that lies high above the",
    LONG + "After the second tunnel it reaches a station that lies high above every village",
    "1. The first stop is in the valley.\n2. The second stop is in the wood.\n3. The third stop lies high above every village",
]
COMPLETE = [
    LONG,
    "42",
    "Answer: B",
    "#### 42",
    LONG + "\n\nBest regards,\nMara Stein",
    LONG + "\n\n- apples\n- pears\n- plums from the garden behind the old mill",
    LONG + "The result is **42**",
    '{"reasoning": "Twice 21.", "answer": "42"}',
    '```json\n{"reasoning": "Twice {21}.", "answer": "42"}\n```',
    '```json\n{"reasoning": "An object that is never closed.", "answer": "42"\n```\n\nThe answer is 42.',
    "```python\nprint(area(2, 3))\n```",
    "```python\nprint(area(2, 3))",  # only the closing mark was forgotten
    "def area(width, height):\n    return width * height",
    LONG + "Read more: https://example.org/the/train/and/the",
    "Roses are red\nViolets are blue\nThe sky is so high\nAnd I think of you",
    LONG + "Enjoy your journey on #railways #mountains",
    "It was Plan A",
]


@pytest.mark.parametrize("text", OPEN)
def test_texts_that_stop_where_none_can_end(text: str) -> None:
    assert endings(pa.array([text, text + "  \n"])).open.tolist() == [True, True]


@pytest.mark.parametrize("text", SENTENCES)
def test_texts_that_stop_in_a_sentence(text: str) -> None:
    found = endings(pa.array([text]))
    assert found.open[0] or found.in_sentence[0]


@pytest.mark.parametrize("text", COMPLETE)
def test_complete_texts(text: str) -> None:
    found = endings(pa.array([text]))
    assert not found.open[0]
    assert not found.in_sentence[0]


def test_missing_and_blank_texts_have_no_end() -> None:
    found = endings(pa.array([None, "", " \n\t"], pa.string()))
    assert not found.open.any()
    assert not found.in_sentence.any()


@given(st.lists(st.text(max_size=400), max_size=6))
def test_each_text_is_judged_by_itself(texts: list[str]) -> None:
    clean = [text.encode("utf-8", "replace").decode() for text in texts]
    together = endings(pa.array(clean, pa.string()))
    apart = [endings(pa.array([text], pa.string())) for text in clean]
    assert together.open.tolist() == [bool(found.open[0]) for found in apart]
    assert together.in_sentence.tolist() == [bool(found.in_sentence[0]) for found in apart]
    assert not (together.open & together.in_sentence).any()
