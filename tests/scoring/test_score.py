"""The one door: what is missing, versions, unknown names, and rules that hold for every metric."""

from __future__ import annotations

import math
import pickle

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.scoring import METRICS, OFFICIAL, VERSION, score, score_column
from llmfusionbench.scoring.score import CONTEXT

TRUTHS = {
    "em": "Paris",
    "cem": "Paris",
    "f1_score": "Paris",
    "em_mc": "B",
    "gsm8k": "#### 18",
    "math": "\\boxed{18}",
    "crux": "[4, 5]",
    "code_eval": '["assert f(1) == 2"]',
    "judge": "",
}
TEXT_METRICS = ["em", "cem", "f1_score", "em_mc", "gsm8k", "math", "crux"]

hostile_text = st.one_of(
    st.text(max_size=200),
    st.text(alphabet=st.characters(), max_size=50),  # lone surrogates and control characters included
    st.text(alphabet=st.sampled_from("(){}[]\\$*`\"'.,:-/%#0123456789aAIeE \n<>\ud800\x00\u0130\u0660"), max_size=120),
    st.lists(
        st.sampled_from(
            ["\\boxed{", "}", '{"answer": ', "####", "the answer is ", "(A)", "\\frac{1}{0}", "1e999999999", "not ",
             "B is correct", "```python\n", "[BEGIN]", "</think>", "I'm sorry", "1/0", "7" * 5000, "\u017f", "\u00b2", "\u0661"]
        ),
        max_size=12,
    ).map("".join),
)  # fmt: skip


def test_the_registry_is_complete() -> None:
    assert set(METRICS) == set(TRUTHS)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("official", [False, True])
@pytest.mark.parametrize("response", [None, "", "  \n\t", float("nan"), "Error code: 429 - too many requests", "[API_ERROR]"])
def test_no_response_is_missing(metric: str, official: bool, response: str | None) -> None:
    scored = score(metric, response, TRUTHS[metric] or "x", official=official)
    said_nothing = isinstance(response, str) and not response.strip()
    assert scored.value == (0 if METRICS[metric].empty_is_wrong and said_nothing else None)
    assert scored.reason in ("no response", "empty response", "the request failed")


def test_crux_counts_an_empty_answer_as_wrong() -> None:
    """As the published accuracies do."""
    assert [name for name, metric in METRICS.items() if metric.empty_is_wrong] == ["crux"]
    assert score("crux", "", "''").value == 0
    assert score("crux", "", "").value is None, "there is no ground truth"
    assert score("crux", None, "''").value is None


@pytest.mark.parametrize("status", ["empty", "error", "missing"])
def test_the_status_of_a_log_counts(status: str) -> None:
    assert score("em", "Paris", "Paris", status=status).value is None
    assert score("em", "Paris", "Paris", status="ok").value == 1.0


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "judge"])
@pytest.mark.parametrize("truth", [None, "", " \n", "[]"])
def test_no_ground_truth_is_missing(metric: str, truth: str | None) -> None:
    # What a program of CRUX returns may be an empty list.
    assert score(metric, "18", truth).value == (0.0 if (metric, truth) == ("crux", "[]") else None)


@pytest.mark.parametrize("metric", TEXT_METRICS)
def test_a_wrong_answer_is_zero_and_the_version_travels(metric: str) -> None:
    scored = score(metric, "Rome, 19, (C), \\boxed{19}", TRUTHS[metric])
    assert (scored.value, scored.metric_version) == (0.0, VERSION)
    official = score(metric, "Rome, 19, (C), \\boxed{19}", TRUTHS[metric], official=True)
    assert (official.value, official.metric_version) == (0.0, OFFICIAL)
    assert pickle.loads(pickle.dumps(scored)) == scored


def test_unknown_metrics_and_values_that_are_no_text() -> None:
    with pytest.raises(UnknownNameError, match=r'No metric "gsm8"\. Did you mean "gsm8k"'):
        score("gsm8", "1", "1")
    with pytest.raises(InputError, match="response is 7, expected a string"):
        score("em", 7, "1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("choice", " Did you mean choices?"),
        ("truth", " Did you mean ground_truth?"),
        ("options", ""),
        ("judgescore", " Did you"),
    ],
)
def test_arguments_that_do_not_exist(name: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        score("em_mc", "C", "C", **{name: ["red", "green"]})  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"score has no argument {name}.{hint}")
    assert str(caught.value).endswith(f"Known: {', '.join(CONTEXT)}.")
    with pytest.raises(InputError, match=f"score_column has no argument {name}"):
        score_column("em_mc", pa.array(["C"]), pa.array(["C"]), **{name: pa.array(["x"])})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=name):
        score_column("em_mc", pa.array([], pa.string()), pa.array([], pa.string()), **{name: 1})  # type: ignore[arg-type]


def test_the_nearest_argument_may_be_no_context() -> None:
    with pytest.raises(InputError, match=r"score_column has no argument worker\. Did you mean workers\?"):
        score_column("em", pa.array(["a"]), pa.array(["a"]), worker=2)  # type: ignore[arg-type]


def test_every_name_of_the_context_is_taken() -> None:
    assert score("em", "Rome", "Rome", **dict.fromkeys(CONTEXT)).value == 1.0  # type: ignore[arg-type]


def test_judge_waits_for_a_judge() -> None:
    waiting = score("judge", "an essay", None)
    assert (waiting.value, waiting.reason) == (None, "waits for a judge")
    assert score("judge", "an essay", None, judge_score=math.nan).value is None
    assert score("judge", "an essay", None, judge_score=0.7).value == 0.7
    with pytest.raises(InputError, match="judge_score is 7"):
        score("judge", "an essay", None, judge_score=7)


@pytest.mark.parametrize("official", [False, True])
@pytest.mark.parametrize("metric", METRICS)
@given(response=hostile_text)
def test_no_response_raises(metric: str, official: bool, response: str) -> None:
    scored = score(metric, response, TRUTHS[metric], official=official, choices=["bus", "train"], math_deadline_s=1.0)
    assert scored.value is None or 0.0 <= scored.value <= 1.0
    assert scored == score(metric, response, TRUTHS[metric], official=official, choices=["bus", "train"], math_deadline_s=1.0)


@pytest.mark.parametrize("metric", TEXT_METRICS)
@given(truth=hostile_text)
def test_no_ground_truth_raises(metric: str, truth: str) -> None:
    scored = score(metric, "The answer is (B) 18", truth, choices=truth, math_deadline_s=1.0)
    assert scored.value is None or 0.0 <= scored.value <= 1.0


@pytest.mark.parametrize("metric", TEXT_METRICS)
@given(truth=st.text(min_size=1, max_size=80).filter(lambda text: not text.strip().startswith("[")))
def test_the_ground_truth_itself_scores_one(metric: str, truth: str) -> None:
    scored = score(metric, truth, truth)
    assert scored.value == 1.0 or (scored.value is None and ("ground truth" in scored.reason or not truth.strip()))
