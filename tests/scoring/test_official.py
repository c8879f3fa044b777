"""The reference pipeline's numbers, defects included: each case is one where it and our own metric part."""

from __future__ import annotations

import pytest

from llmfusionbench.scoring import score


@pytest.mark.parametrize(
    ("metric", "response", "truth", "official", "ours"),
    [
        ("gsm8k", "3.5", "#### 35", 1, 0),
        ("gsm8k", "18.00", "#### 18", 0, 1),
        ("gsm8k", "The answer is 18. She had 16", "#### 18", 0, 1),
        ("gsm8k", "1,234", "#### 1,234", 1, 1),
        ("gsm8k", "18 .", "#### 18", 1, 1),
        ("gsm8k", "none", "#### 18", 0, 0),
        ("cem", "a party", "art", 1, 0),
        ("cem", "anything", "the", 1, 0),
        ("cem", "usa", "['USA', 'United States']", 0, 1),
        ("cem", "No, that is not true", "True", 1, 0),
        ("em", "usa", "['USA', 'United States']", 0, 1),
        ("em_mc", "A", "A", 0, 1),
        ("em_mc", "The answer is A", "A", 0, 1),
        ("em_mc", "( A )", "A", 1, 1),
        ("em_mc", "(A) and (x)", "A", 0, 1),
        ("math", "0.5", "\\boxed{\\frac12}", 0, 1),
        ("math", "\\boxed{0.5}", "\\boxed{\\frac12}", 1, 1),
        ("math", "\\boxed{2+x}", "\\boxed{x+2}", 0, 1),
        ("math", "\\boxed{x = 5}", "\\boxed{5}", 1, 1),
        ("math", "\\boxed{\\sqrt3}", "\\boxed{\\sqrt{3}}", 1, 1),
        ("math", "\\boxed{7/8}", "\\boxed{\\dfrac{7}{8}}", 1, 1),
        ("math", "\\boxed{5\\text{ cm}}", "\\boxed{5}", 1, 1),
        ("math", "\\boxed{90^\\circ}", "\\boxed{90}", 1, 1),
        ("math", "\\boxed 5$ is it", "\\boxed{5}", 1, 1),
        ("math", "\\boxed{5", "\\boxed{5}", 0, 1),
    ],
)
def test_both_ways(metric: str, response: str, truth: str, official: float, ours: float) -> None:
    reference = score(metric, response, truth, official=True)
    assert (reference.value, reference.metric_version) == (official, "official")
    assert score(metric, response, truth).value == ours


def test_tasks_that_are_scored_by_cem_whatever_their_metric() -> None:
    for metric in ("em", "f1_score"):
        assert score(metric, "It was Paris", "Paris", official=True).value != 1.0
        assert score(metric, "It was Paris", "Paris", official=True, task="squad").value == 1.0
