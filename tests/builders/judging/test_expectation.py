"""The expectation of a score over the tokens that could have stood in its place."""

from __future__ import annotations

import math
from typing import Any

import pytest

from llmfusionbench.builders.judging.expectation import LEAST_MASS
from llmfusionbench.builders.judging.rubric import Criterion, Rubric
from llmfusionbench.builders.judging.scale import Scale
from llmfusionbench.builders.judging.verdict import Verdict, read_verdict

TEN = Rubric(name="ten", instructions="i", scale=Scale(1, 10, tuple(float(n) for n in range(1, 11))))
UNIT = Rubric(name="unit", instructions="i")
RIGHT = Rubric(name="right", instructions="i", scale=Scale(0, 1, (0.0, 1.0)))


def token(text: str, probability: float = 1.0, **others: float) -> dict[str, Any]:
    """A token as the protocol has it; in the names of others `_` stands for a dot."""
    listed = {text: probability, **{name.strip("n").replace("_", "."): p for name, p in others.items()}}
    top = [{"token": t, "logprob": math.log(p), "bytes": list(t.encode())} for t, p in listed.items()]
    return {**top[0], "top_logprobs": top}


def judged(rubric: Rubric, *tokens: dict[str, Any], **more: Any) -> Verdict:
    return read_verdict("".join(t["token"] for t in tokens), rubric, logprobs=list(tokens), **more)


def test_the_mean_and_not_the_mode() -> None:
    found = judged(RIGHT, token("<score>"), token("1", 0.6, n0=0.4), token("</score>"))
    assert found.score == pytest.approx(0.6)
    assert found.distribution is not None
    assert found.distribution.rows() == [
        {"score": 0.0, "probability": pytest.approx(0.4)},
        {"score": 1.0, "probability": pytest.approx(0.6)},
    ]


def test_only_with_enough_mass() -> None:
    assert LEAST_MASS == 0.9
    some = judged(RIGHT, token("<score>"), token("1", 0.5, n0=0.35), token("</score>"))
    assert some.score == 1
    assert some.distribution is None
    most = judged(RIGHT, token("<score>"), token("1", 0.57, n0=0.38, n7=0.05), token("</score>"))
    assert most.score == pytest.approx(0.6)  # over the valid scores alone


def test_ten_is_one_token_or_two() -> None:
    one = judged(TEN, token("<score>"), token("9", 0.6, n10=0.2, n1=0.2), token("</score>"))
    assert one.score == pytest.approx((0.6 * 9 + 0.2 * 10 + 0.2 * 1 - 1) / 9)
    unclear = judged(TEN, token("<score>"), token("9", 0.6, n1=0.4), token("</score>"))
    assert unclear.score == pytest.approx(8 / 9)  # what begins with 1 may go on to 10
    assert unclear.distribution is None
    two = judged(TEN, token("<score>"), token("1", 0.95), token("0", 1.0), token("</score>"))
    assert two.score == 1


def test_what_was_written_counts_as_far_as_the_next_token_ends_it() -> None:
    one = judged(TEN, token("<score>"), token("1"), token("</score>", 0.75, n0=0.25))
    assert one.score == pytest.approx(0.25 * 1)  # 1 is the low end of the scale
    ten = judged(TEN, token("<score>"), token("1"), token("0", 0.4, **{"</": 0.6}), token("</score>"))
    assert ten.score == pytest.approx(0.4)
    unknown = judged(TEN, token("<score>"), token("1"), token("</score>", 0.5, n7=0.5))
    assert unknown.score == 0
    assert unknown.distribution is None
    point = judged(UNIT, token("<score>"), token("1", 0.5, **{"0.": 0.5}), token("</score>"))
    assert point.score == 1  # 0. may go on to 0.9
    assert point.distribution is None


def test_a_number_alone_that_was_cut_off() -> None:
    alone = Rubric(name="alone", instructions="i", scale=TEN.scale, reply="number")
    assert read_verdict("1", alone).score == 0
    cut = read_verdict("1", alone, cut_off=True)
    assert (cut.score, cut.fault, cut.reason) == (None, "cut off", "1")
    assert judged(alone, token("1"), cut_off=True).fault == "cut off"
    assert judged(alone, token("9"), cut_off=True).score == pytest.approx(8 / 9)
    assert judged(alone, token("1", 0.5, n10=0.5), cut_off=True).score == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("low", "high", "text", "score"),
    [
        (0, 1, "0.7", None),  # the beginning of 0.75
        (0, 1, "0.0", None),  # the beginning of 0.05
        (0, 1, "0.", None),
        (0, 1, "0", None),
        (0, 1, "1", 1.0),
        (0, 1, "1.", 1.0),
        (0, 1, "1.0", 1.0),
        (0, 10, "1", None),
        (0, 10, "10", 1.0),
        (0, 0.5, "0.5", 1.0),
        (-10, -1, "-1", None),  # the beginning of -10
        (-10, -1, "-10", 0.0),
        (-1, 0, "-0", None),  # the beginning of -0.5
        (-1, 0, "0", 1.0),
    ],
)
def test_a_number_of_a_continuous_scale_that_was_cut_off(low: float, high: float, text: str, score: float | None) -> None:
    rubric = Rubric(name="any", instructions="i", scale=Scale(low, high), reply="number")
    assert read_verdict(text, rubric, cut_off=True).score == judged(rubric, token(text), cut_off=True).score == score
    other = (
        judged(rubric, token(text, 0.05, n0_4=0.95), cut_off=True) if high > 0.4 else read_verdict(text, rubric, cut_off=True)
    )
    assert (other.score, other.distribution) == (score, None)  # another token could go on as well
    assert read_verdict(f"<score>{text}</score>", rubric, cut_off=True).score is not None


def test_decimals() -> None:
    found = judged(UNIT, token("<score>"), token("0", 0.9, n1=0.1), token("."), token("8", 0.5, n6=0.5), token("</score>"))
    assert found.score == pytest.approx(0.9 * 0.7 + 0.1)
    whole = judged(UNIT, token("<score>"), token("1", 0.5, n0=0.5), token("</score>"))
    assert whole.score == 1  # a 0 may go on to 0.3
    parts = judged(UNIT, token("<score>"), token("0.8", 0.5, n0_4=0.5), token("</score>"))
    assert parts.score == pytest.approx(0.6)


def test_a_token_with_more_than_the_number() -> None:
    tokens = [token("<score"), token(">1", 0.75), token("</score>")]
    tokens[1]["top_logprobs"].append({"token": ">0", "logprob": math.log(0.25), "bytes": None})
    assert judged(RIGHT, *tokens).score == pytest.approx(0.75)


def test_json() -> None:
    found = judged(RIGHT, token('{"reason": "é", "score": '), token("0", 0.8, n1=0.2), token("}"))
    assert found.score == pytest.approx(0.2)


def test_pairs() -> None:
    found = judged(UNIT, token("<better>"), token("A", 0.5, B=0.3, tie=0.2), token("</better>"), pairwise=True)
    assert found.score == pytest.approx(0.5 + 0.1)
    part = judged(UNIT, token("<better>"), token("t", 0.6, A=0.4), token("ie"), token("</better>"), pairwise=True)
    assert part.score == pytest.approx(0.7)
    other = judged(UNIT, token("<better>"), token("A", 0.5, Answer=0.5), token("</better>"), pairwise=True)
    assert other.score == 1


def test_criteria_have_an_expectation_each() -> None:
    two = Rubric(
        name="t", instructions="i", criteria=(Criterion(name="a", description="d"), Criterion(name="b", description="d"))
    )
    found = judged(
        two, token("<a_score>"), token("1.0", 0.5, n0_5=0.5), token("</a_score><b_score>"), token("0.0"), token("</b_score>")
    )
    assert dict(found.criteria) == {"a": pytest.approx(0.75), "b": 0}
    assert found.distribution is None


@pytest.mark.parametrize(
    "logprobs",
    [None, [], {}, "x", [1], [{"token": "1"}], [{"token": "<score>1</score>", "logprob": "x"}], {"content": [{}]},
     [{"token": "of another text", "logprob": 0.0}], [{"token": "<score>1</score>", "logprob": math.nan}]],
)  # fmt: skip
def test_log_probabilities_that_cannot_be_used(logprobs: Any) -> None:
    found = read_verdict("<score>1</score>", RIGHT, logprobs=logprobs)
    assert found.score == 1
    assert found.distribution is None


def test_the_tokens_of_reasoning_before_the_reply() -> None:
    tokens = [token("<think>1 or 0?</think>"), token("<score>"), token("1", 0.75, n0=0.25), token("</score>")]
    assert judged(RIGHT, *tokens).score == pytest.approx(0.75)


def test_a_verdict_that_is_there_in_the_reasoning_too() -> None:
    verdict = [token("<score>"), token("1", 0.99, n0=0.01), token("</score>")]
    doubt = [
        token("<think>"),
        token("Maybe "),
        token("<score>"),
        token("1", 0.55, n0=0.45),
        token("</score>"),
        token("</think>"),
    ]
    whole = judged(RIGHT, *doubt, token("\n"), *verdict)
    assert whole.score == pytest.approx(0.99)
    for end in ([], [token("<|im_end|>")], [token("\n"), token("</s>")]):
        apart = read_verdict("<score>1</score>", RIGHT, logprobs=[*doubt, *verdict, *end])  # the reasoning came apart
        assert apart.score == pytest.approx(0.99)
