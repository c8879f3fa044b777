"""Long and malicious responses are scored like any other.

A scan whose time grows with the square of the length would take hours on these, so the suite would not end;
benchmarks/hostile_texts.py measures the growth.
"""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import accepted_answers, code_program, score

LENGTH = 1_000_000

UNITS = [
    "a", " ", "(", "*", "1", "1,", ",22", "\\boxed{", "{", "[", "answer ", '"answer"', '"answer": ', "answer is ", "#",
    "B is ", "B" + " " * 50, "the ", "\n", ".", "-", "$", '"\\', "```python\n", "\\frac{1}{2}", "<answer>", "</think>", "1 1/",
    "1/", "A) ", "**A", "I cannot ", "'", "\x00\x01", "\ud800", "choose ", "\\", "[BEGIN]", "def f(\n", "\u00e9 ", "not ",
    "\\text{", "\u0130",
]  # fmt: skip
TRUTHS = {"em": "x y", "cem": "x y", "f1_score": "x y", "em_mc": "A", "gsm8k": "7", "math": "\\boxed{7}", "crux": "[7]"}


@pytest.mark.parametrize("unit", UNITS)
def test_a_long_response(unit: str) -> None:
    text = unit * (LENGTH // len(unit))
    for metric, truth in TRUTHS.items():
        for official in (False, True):
            scored = score(metric, text, truth, official=official, choices=["bus", "train"], math_deadline_s=1.0)
            assert scored.value in (None, 0.0, 1.0) or metric == "f1_score"
            assert scored.extracted is None or len(scored.extracted) <= 1000
    assert code_program(text, '["assert f(1) == 2"]', {})
    assert bool(accepted_answers(f'["{text}"]')) == bool(text.strip())
    assert bool(accepted_answers(f"['{text}']")) == bool(text.strip())
    assert score("gsm8k", "7", text).value in (None, 0.0, 1.0)
    assert score("em_mc", "A", "B", choices=f"['{text}").value in (None, 0.0)


def test_ten_megabytes() -> None:
    text = "word " * 2_000_000 + "The answer is 18"
    for metric, truth in {**TRUTHS, "gsm8k": "18", "cem": "18", "math": "18"}.items():
        scored = score(metric, text, truth)
        assert scored.value == (1.0 if truth == "18" else 0.0)


def test_numbers_are_never_expanded() -> None:
    for response in ("1e999999999", "-1e-999999999", "1e" + "9" * 1000, "10^{999999999}", "1/" + "3" * 100_000, "9" * 100_000):
        assert score("gsm8k", response, "7").value == 0.0
        assert score("gsm8k", response, response).value in (1.0, None)  # None: no power of a thousand digits is read
    assert score("gsm8k", "1000e999999999", "1e1000000002").value == 1.0


def test_deep_nesting() -> None:
    for text in ("[" * 200_000, '["a",' * 200_000, "{'a':" * 200_000, "\\frac{" * 100_000, "(" * 200_000):
        assert accepted_answers(text) == (text,)
        assert accepted_answers(text + "]")
        assert score("em", text, "x").value == 0.0
