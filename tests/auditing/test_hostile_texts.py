"""Detectors under texts that were made to trouble them: they end, and show excerpts only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.counting import LONGEST
from llmfusionbench.auditing.detectors import DETECTORS
from tests.helpers.audit_rows import batch_of, clean_rows, findings_of

NAMES = [name for name in DETECTORS if "response" in DETECTORS[name]().columns or "prompt" in DETECTORS[name]().columns]
SIZE = 200_000
"""Characters of a long text. What grows with the square of it would take hours."""
LONG = {
    "one line": "x" * SIZE,
    "open brackets": "{" * SIZE,
    "open objects": '{"a":' * (SIZE // 5),
    "quotation marks": '"' * SIZE,
    "back quotes": "`" * SIZE,
    "fences": "```\n" * (SIZE // 4),
    "at signs": "a@" * (SIZE // 2),
    "addresses": "a.b@c.d." * (SIZE // 8),
    "digits": "4929" * (SIZE // 4),
    "spaced digits": "4929 4212 " * (SIZE // 10),
    "keys": "sk-" * (SIZE // 3),
    "web tokens": "eyJ" * (SIZE // 3),
    "cues": "answer: " * (SIZE // 8),
    "stop tokens": "</s>" * (SIZE // 4),
    "angles": "<" * SIZE,
    "line breaks": "\n" * SIZE,
    "control characters": "\x00\x1b[31m\x07\r" * (SIZE // 8),
    "directions": "\u202e\u2066\u200b\ufeff" * (SIZE // 4),
    "combining marks": "a" + "\u0301" * SIZE,
    "wide characters": "\U0001f600\U000e0041\u9fff" * (SIZE // 3),
    "brackets in brackets": "(" * (SIZE // 2) + ")" * (SIZE // 2),
    "near repeats": "".join(f"We add the boats of day {i} again. " for i in range(SIZE // 40)),
}


def rows_of(text: str) -> list[dict[str, Any]]:
    rows = clean_rows(1, 2)
    rows[0] |= {"prompt": text, "response": text, "reasoning": text, "ground_truth": text, "finish_reason": None}
    rows[1] |= {"response": text[::-1], "finish_reason": None}
    return rows


@pytest.mark.parametrize("kind", LONG)
@pytest.mark.parametrize("name", NAMES)
def test_long_texts_are_shown_in_excerpts(name: str, kind: str) -> None:
    found = findings_of(DETECTORS[name](), rows_of(LONG[kind]))
    assert len(found) <= 2
    for finding in found:
        for example in finding.examples:
            assert all(len(text) <= LONGEST + 60 for text in example.texts.values())
        assert len(finding.what) < 2_000


@given(st.lists(st.text(max_size=120), min_size=2, max_size=8))
def test_any_text_can_be_looked_at(texts: list[str]) -> None:
    clean = [text.encode("utf-8", "replace").decode() for text in texts]
    rows = [{**row, "response": text, "prompt": text[::-1]} for row, text in zip(clean_rows(2), clean, strict=False)]
    batch = batch_of(rows)
    for name in NAMES:
        detector = DETECTORS[name]()
        detector.look(batch)
        for finding in detector.findings():
            assert 0 < finding.count <= finding.total
