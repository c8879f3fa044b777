"""The strict parser of judges' replies: what is a score, and all that is none."""

from __future__ import annotations

import json
import re
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.judging.excerpt import disarmed
from llmfusionbench.builders.judging.rubric import Criterion, Rubric
from llmfusionbench.builders.judging.rubric_file import read_rubric
from llmfusionbench.builders.judging.scale import Scale, plain_number
from llmfusionbench.builders.judging.verdict import LONGEST_REASON, read_verdict

PAPER, CORRECTNESS = read_rubric("paper"), read_rubric("correctness")
FIVE = Rubric(name="five", instructions="Score it.", scale=Scale(1, 5, (1.0, 2.0, 3.0, 4.0, 5.0)))
TWO = replace(PAPER, criteria=(Criterion(name="facts", description="f", weight=3), Criterion(name="style", description="s")))


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("<score>0.8</score>", 0.8),
        ("The steps hold.\n<score>1</score>", 1),
        ("<SCORE> .25 </Score> for the effort", 0.25),
        ("**<score>0.5</score>**", 0.5),
        ('{"reason": "fine", "score": 0.3}', 0.3),
        ('{"score": "0.3"}', 0.3),
        ('Here it is:\n```json\n{"score": 1, "reason": "yes"}\n```', 1),
        ('{"score": 0.6, "reason": "it claims <score>1</score>"}', 0.6),
        ('{"score": 0.6} <score>0.60</score>', 0.6),
        ("<score>NUMBER</score>\n<score>0.1</score>", 0.1),
        ("<think>first <score>1</score>, no</think>\n<score>0</score>", 0),
        ("no opening, <score>1</score></think><score>0.2</score>", 0.2),
        ("<think>a</think> b <score>1</score></think> <score>0.2</score>", 0.2),
        ("Sure. <Thinking><score>1</score></Thinking> <score>0.2</score>", 0.2),
        ("[THINK]a <think> b <score>1</score>[/THINK]<score>0.2</score>", 0.2),
        ("<score>0.2</score>\n<reasoning>It is thin, and no <score>1</score></reasoning>", 0.2),
        ('{"reason": "it leaves <think> open", "score": 0.2}', 0.2),
        ("I think <score>0.2</score>", 0.2),
        ('{"note": {"score": 1}} <score>0.4</score>', 0.4),
        ("\ufeff<score>0.9</score>", 0.9),
    ],
)
def test_a_score(reply: str, score: float) -> None:
    found = read_verdict(reply, PAPER)
    assert found.score == pytest.approx(score)
    assert found.fault is None


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("The score is 0.8 of 1.", "no score"),
        ("0.8", "no score"),
        ("Score: 1", "no score"),
        ("<score>0.8", "no score"),
        ("<score>0.8</scores>", "no score"),
        ('{"score": 0.8', "no score"),
        ('{"result": {"score": 0.8}}', "no score"),
        ('{"\\u0073core": 0.8}', "no score"),
        ("[0.8]", "no score"),
        ("<score>NUMBER</score>", "no score"),
        ("<score>1.2</score>", "not a score of the scale"),
        ("<score>-0.1</score>", "not a score of the scale"),
        ("<score>8/10</score>", "not a score of the scale"),
        ("<score>80%</score>", "not a score of the scale"),
        ("<score>1e-1</score>", "not a score of the scale"),
        ("<score>0,5</score>", "not a score of the scale"),
        ("<score>\u0661</score>", "not a score of the scale"),
        ("<score>high</score>", "not a score of the scale"),
        ('{"score": null}', "not a score of the scale"),
        ('{"score": true}', "not a score of the scale"),
        ('{"score": NaN}', "not a score of the scale"),
        ('{"score": 1e999}', "not a score of the scale"),
        ('{"score": [0.5]}', "not a score of the scale"),
        ("<score>0</score> or <score>1</score>", "several scores"),
        ('{"score": 0} <score>1</score>', "several scores"),
        ('{"score": 0, "score": 1}', "several scores"),
        ("<think>so <score>1</score>", "reasoning without an end"),
        ("Sure.\n<think>maybe <score>0</score>", "reasoning without an end"),
        ("<score>1</score> <think>or", "reasoning without an end"),
        ('<think>maybe {"score": 0}', "reasoning without an end"),
        ("<THINK>so <score>1</score>", "reasoning without an end"),
        ("<thinking>so <score>1</score>", "reasoning without an end"),
        ("So: <thought><score>1</score>", "reasoning without an end"),
        ("<reasoning>so <score>1</score>", "reasoning without an end"),
        ("[THINK]so <score>1</score>", "reasoning without an end"),
        ("<think>no </reasoning> <score>1</score>", "reasoning without an end"),
        ("<think>a</think> so <thinking>b <score>1</score>", "reasoning without an end"),
    ],
)
def test_no_score_is_null_with_its_text(reply: str, fault: str) -> None:
    found = read_verdict(reply, PAPER)
    assert found.score is None
    assert found.fault == fault
    assert found.reason == (reply.strip() or None)


def test_only_numbers_of_the_scale() -> None:
    assert read_verdict("<score>0.5</score>", CORRECTNESS).fault == "not a score of the scale"
    assert read_verdict("<score>1.0</score>", CORRECTNESS).score == 1
    assert read_verdict("<score>3</score>", FIVE).score == 0.5
    assert read_verdict("<score>3.5</score>", FIVE).score is None
    assert read_verdict("<score>0</score>", FIVE).score is None


def test_a_number_alone_counts_only_where_it_was_asked_for() -> None:
    alone = replace(FIVE, reply="number")
    assert read_verdict(" 5\n", alone).score == 1
    assert read_verdict("5 of 5", alone).score is None
    assert read_verdict("5", FIVE).score is None


def test_the_reason_is_what_stands_beside_the_score() -> None:
    assert read_verdict("It adds up.\n<score>1</score>", PAPER).reason == "It adds up."
    assert read_verdict('{"reason": "It adds up.", "score": 1}', PAPER).reason == "It adds up."
    assert read_verdict("<score>1</score>", PAPER).reason is None


def test_criteria() -> None:
    found = read_verdict("Good.\n<facts_score>1</facts_score>\n<style_score>0.2</style_score>", TWO)
    assert found.score == pytest.approx((3 * 1 + 0.2) / 4)
    assert dict(found.criteria) == {"facts": 1, "style": 0.2}
    assert found.reason == "facts 1; style 0.2\nGood."
    assert read_verdict('{"reason": "r", "scores": {"facts": 0, "style": 1}}', TWO).score == 0.25
    assert read_verdict("<facts_score>1</facts_score>", TWO).score is None
    assert read_verdict('{"facts": 1, "style": 1}', TWO).score is None
    assert read_verdict('{"scores": {"facts": 1, "style": 2}}', TWO).fault == "not a score of the scale"


@pytest.mark.parametrize(
    ("reply", "share"),
    [
        ("<better>A</better>", 1),
        ("A is thin. <better> b </better>", 0),
        ('{"reason": "r", "better": "tie"}', 0.5),
        ("<better>first</better>", None),
        ("<better>A</better> <better>B</better>", None),
        ("A", None),
        ("<score>1</score>", None),
        ('{"better": 1}', None),
    ],
)
def test_pairs(reply: str, share: float | None) -> None:
    assert read_verdict(reply, PAPER, pairwise=True).score == share


TAG = re.compile(r"[<\[]/?(think|thinking|thought|reasoning)[>\]]", re.IGNORECASE)
NUMBERS = st.floats(0, 1).map(lambda x: f"{x:.4f}")
PROSE = st.text(st.characters(exclude_characters="<{[", exclude_categories=["Cs"]), max_size=80)
"""Without what begins a tag or an object: hypothesis tries words of the tested code, such as tags of reasoning."""


@given(NUMBERS, PROSE, PROSE)
def test_a_tag_in_any_prose(number: str, before: str, after: str) -> None:
    found = read_verdict(f"{before}<score>{number}</score>{after}", PAPER)
    assert found.score == pytest.approx(float(number))


@given(NUMBERS, st.text(max_size=80).filter(lambda text: not TAG.search(text)), st.booleans())
def test_a_json_object_with_any_reason(number: str, reason: str, ascii_only: bool) -> None:
    reply = json.dumps({"reason": reason, "score": float(number)}, ensure_ascii=ascii_only)
    found = read_verdict(reply, PAPER)
    assert found.score == pytest.approx(float(number))


@given(st.text(max_size=300))
def test_any_text_gives_a_score_of_the_scale_or_none(reply: str) -> None:
    found = read_verdict(reply, PAPER)
    assert (found.score is None) == (found.fault is not None)
    assert found.score is None or 0 <= found.score <= 1


@given(st.text(string.digits + " .,%/-:=()\nabcscoreSCORE", max_size=200))
def test_numbers_in_prose_are_not_guessed(reply: str) -> None:
    assert read_verdict(reply, PAPER).score is None


PIECES = (
    "<score>", "</score>", "<SCORE >", "< score>", "</ score >", '{"score":', '"score"', '"score"  :', ": 1", "1", "0.8", "}",
    "{", '"better": "A"', "<better>A</better>", "<facts_score>1</facts_score>", '{"scores": {"facts": 1}}', "\n", "```",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from([PAPER, CORRECTNESS, TWO]), st.booleans())
def test_an_answer_that_a_judge_repeats_word_for_word_is_no_verdict(answer: str, rubric: Rubric, pairwise: bool) -> None:
    assert read_verdict(f"The answer says: {disarmed(answer)}", rubric, pairwise=pairwise).score is None


HOSTILE = [
    '{"' * 200_000, '{"a":' * 100_000, "<score>" * 50_000, "<score>1" * 50_000, "<" * 500_000, "{" + " " * 500_000,
    '{"score":1}' * 20_000, '"score"' + " " * 500_000, "<score>" + "1" * 500_000 + "</score>", "\\" * 500_000,
]  # fmt: skip


@pytest.mark.parametrize("reply", HOSTILE, ids=[repr(text[:12]) for text in HOSTILE])
def test_hostile_replies_end(reply: str) -> None:
    found = read_verdict(reply, PAPER)
    assert found.score in (None, 1.0)
    assert len(found.reason or "") <= LONGEST_REASON + 100


def test_a_long_reply_is_kept_up_to_a_mark() -> None:
    found = read_verdict("x" * 50_000, PAPER)
    assert found.reason is not None
    assert "[... 30,000 characters left out ...]" in found.reason


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_plain_numbers(number: float) -> None:
    text = repr(number)
    assert plain_number(text) == (None if "e" in text or abs(number) >= 1e9 else number)


@pytest.mark.parametrize(
    "reply", ["", " ", None, "The answer is good, since it", '{"reason": "good", "score": 0.5', "<score>0.5"]
)
def test_a_reply_that_was_cut_off_before_its_score(reply: str | None) -> None:
    found = read_verdict(reply, PAPER, cut_off=True)
    assert (found.score, found.fault) == (None, "cut off")
    assert found.reason == ((reply or "").strip() or None)
    assert read_verdict("<score>0.5</score> This is", PAPER, cut_off=True).score == 0.5


@pytest.mark.parametrize("reply", ["", None, "I cannot", "<think>I cannot", '{"score"'])
def test_a_reply_that_a_filter_ended(reply: str | None) -> None:
    found = read_verdict(reply, PAPER, refused=True)
    assert (found.score, found.fault, found.reason) == (None, "refused", reply or None)
    assert read_verdict("<score>0.5</score> This", PAPER, refused=True).score == 0.5
    ten = replace(PAPER, scale=Scale(0, 10), reply="number")
    assert [read_verdict("1", ten, refused=ended).fault for ended in (True, False)] == ["refused", None]


def test_reasoning_leaves_one_space_in_the_reason() -> None:
    found = read_verdict("First, <think>so <score>1</score></think>then <score>0.5</score>.", PAPER)
    assert (found.score, found.reason) == (0.5, "First, then .")


def test_the_reasoning_that_has_no_end_is_the_last() -> None:
    assert read_verdict("<think>a</think> <think>b <score>1</score>", PAPER).fault == "reasoning without an end"
    assert read_verdict("<think>a</think> <think>b</think> <score>1</score>", PAPER).score == 1
