"""Long and malicious responses take time in proportion to their length."""

from __future__ import annotations

import time

import pytest

from llmfusionbench.scoring import accepted_answers, code_program, score

LENGTH = 1_000_000
SECONDS = 8.0
"""Far above what a linear scan of 1 MB takes (0.2 s), far below what a quadratic one would (hours)."""

UNITS = [
    "a", " ", "(", "*", "1", "1,", ",22", "\\boxed{", "{", "[", "answer ", '"answer"', '"answer": ', "answer is ", "#",
    "B is ", "B" + " " * 50, "the ", "\n", ".", "-", "$", '"\\', "```python\n", "\\frac{1}{2}", "<answer>", "</think>", "1 1/",
    "1/", "A) ", "**A", "I cannot ", "'", "\x00\x01", "\ud800", "choose ", "\\", "[BEGIN]", "def f(\n", "\u00e9 ", "not ",
    "\\text{", "\u0130",
]  # fmt: skip
TRUTHS = {"em": "x y", "cem": "x y", "f1_score": "x y", "em_mc": "A", "gsm8k": "7", "math": "\\boxed{7}"}


@pytest.mark.parametrize("unit", UNITS)
def test_a_long_response(unit: str) -> None:
    text = unit * (LENGTH // len(unit))
    for metric, truth in TRUTHS.items():
        for official in (False, True):
            start = time.perf_counter()
            scored = score(metric, text, truth, official=official, choices=["bus", "train"], math_deadline_s=1.0)
            assert time.perf_counter() - start < SECONDS, metric
            assert scored.value in (None, 0.0, 1.0) or metric == "f1_score"
            assert scored.extracted is None or len(scored.extracted) <= 1000
    start = time.perf_counter()
    code_program(text, '["assert f(1) == 2"]', {})
    accepted_answers(f'["{text}"]')
    accepted_answers(f"['{text}']")
    score("gsm8k", "7", text)
    score("em_mc", "A", "B", choices=f"['{text}")
    assert time.perf_counter() - start < SECONDS


def test_ten_megabytes() -> None:
    text = "word " * 2_000_000 + "The answer is 18"
    for metric, truth in {**TRUTHS, "gsm8k": "18", "cem": "18", "math": "18"}.items():
        start = time.perf_counter()
        scored = score(metric, text, truth)
        assert time.perf_counter() - start < 30, metric
        assert scored.value == (1.0 if truth == "18" else 0.0)


def test_numbers_are_never_expanded() -> None:
    for response in ("1e999999999", "-1e-999999999", "1e" + "9" * 1000, "10^{999999999}", "1/" + "3" * 100_000, "9" * 100_000):
        start = time.perf_counter()
        assert score("gsm8k", response, "7").value == 0.0
        assert score("gsm8k", response, response).value in (1.0, None)  # None: no power of a thousand digits is read
        assert time.perf_counter() - start < 2
    assert score("gsm8k", "1000e999999999", "1e1000000002").value == 1.0


def test_deep_nesting() -> None:
    for text in ("[" * 200_000, '["a",' * 200_000, "{'a':" * 200_000, "\\frac{" * 100_000, "(" * 200_000):
        assert accepted_answers(text) == (text,)
        assert accepted_answers(text + "]")
        assert score("em", text, "x").value == 0.0
