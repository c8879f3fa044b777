"""The contract of a metric, held by every entry of METRICS."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.scoring import METRICS, OFFICIAL, VERSION, score

TRUTHS = ("18", "True", '["a", "b"]', "assert f(1) == 1", "A", "\\frac{1}{2}", "\u00e9\ud800")
ANSWERS = ("", "18", "The answer is (A).", "\\boxed{\\frac12}", "```python\ndef f(x):\n    return x\n```", "\x00\u202e" * 9)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("official", [False, True])
@given(response=st.sampled_from(ANSWERS) | st.text(max_size=60), truth=st.sampled_from(TRUTHS) | st.text(max_size=40))
def test_any_answer_gets_a_value_from_0_to_1_or_none(metric: str, official: bool, response: str, truth: str) -> None:
    scored = score(metric, response, truth, official=official, choices=["bus", "train"], math_deadline_s=1.0)
    assert scored.value is None or 0 <= scored.value <= 1
    assert scored.reason
    assert scored.metric_version == (OFFICIAL if official else VERSION)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("response", [None, "", " \n"])
def test_no_answer_is_missing_and_never_0(metric: str, response: str | None) -> None:
    """Only crux counts an answer without text as wrong, as the published accuracies do."""
    empty_is_wrong = METRICS[metric].empty_is_wrong and response is not None
    assert score(metric, response, "18").value == (0 if empty_is_wrong else None)
    assert metric == "crux" or not METRICS[metric].empty_is_wrong


@pytest.mark.parametrize("metric", [name for name in METRICS if METRICS[name].needs_truth])
def test_no_ground_truth_is_missing(metric: str) -> None:
    assert score(metric, "18", None).value is None


@pytest.mark.parametrize("metric", METRICS)
def test_it_says_what_it_counts(metric: str) -> None:
    assert inspect.getdoc(METRICS[metric].scorer)
    assert inspect.getdoc(inspect.getmodule(METRICS[metric].scorer))
