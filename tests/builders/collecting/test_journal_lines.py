"""Lines of a journal: the quick reading of their heads agrees with JSON, whatever the texts and whatever was damaged."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.collecting.answer import answer_fields
from llmfusionbench.builders.collecting.calls import Attempt, Call, call_key
from llmfusionbench.builders.collecting.halves import joined_halves
from llmfusionbench.builders.collecting.lines import Done, Sent, head_of, line_of, quick_head, record_of, slot_text
from llmfusionbench.builders.collecting.records import Record, attempt_record, sent_record, use_record
from llmfusionbench.builders.reading.run_files import ATTEMPT, BATCH, LINE_BYTES, REPLY_BYTES, SENT
from llmfusionbench.redaction import keep_secret
from tests.helpers.run_calls import AT, answer, call, done, failure, sent

TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from(
    ['","crc":"00000000"}', "\ud83d", "a\nb\r\x00\x85\u2028", '\\"', "]"]
)
USD = st.none() | st.floats(0, 1e6) | st.sampled_from([1e-7, 5e-324, 1e300])


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Records of attempts, with any texts."""
    slot = tuple(draw(st.lists(TEXTS, max_size=4)))
    payload = {"model": draw(TEXTS), "messages": [], "extra": draw(st.dictionaries(TEXTS, TEXTS, max_size=2))}
    asked = Call(slot, draw(TEXTS), call_key("u", payload), payload)
    number, cost = draw(st.integers(1, 10**10)), draw(USD)
    if draw(st.booleans()):
        return sent_record(asked, number=number, worst_usd=cost, batch=draw(st.none() | TEXTS))
    came = answer(
        draw(TEXTS), reasoning=draw(st.none() | TEXTS), finish_reason=draw(st.none() | TEXTS), logprobs=draw(st.none() | TEXTS)
    )
    came = draw(st.sampled_from([came, failure(error=draw(TEXTS))]))
    return attempt_record(asked, came, number=number, final=draw(st.booleans()), cost_usd=cost, at=AT)


def as_json(line: bytes) -> Any:
    """The head of a line as JSON gives it; None if it is damaged or has none."""
    try:
        return head_of(record_of(line))
    except ValueError:
        return None


@given(records())
def test_the_quick_reading_agrees_with_json(record: Record) -> None:
    line = line_of(record)
    quick = quick_head(line)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert quick is None or quick == as_json(line)
    assert as_json(line) is not None
    assert head_of(json.loads(line)) == as_json(line)


@given(records(), st.data())
def test_they_agree_on_damaged_lines(record: Record, data: st.DataObject) -> None:
    line = line_of(record)
    first, last = sorted((data.draw(st.integers(0, len(line))), data.draw(st.integers(0, len(line)))))
    damaged = line[:first] + data.draw(st.binary(max_size=6) | st.sampled_from([line, line[:40], b"\n", b"}"])) + line[last:]
    quick = quick_head(damaged)
    assert quick is None or quick == as_json(damaged)


@given(TEXTS, TEXTS)
def test_texts_come_back(response: str, reasoning: str) -> None:
    # Two halves of a surrogate pair that follow each other are one character in JSON.
    response, reasoning = (
        text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") for text in (response, reasoning)
    )
    record = record_of(line_of(done(call(1), answer(response, reasoning=reasoning))))
    assert (record["response"], record["reasoning"]) == (response, reasoning)


@pytest.mark.parametrize(
    "record", [done(call(1)), done(call(1), failure(), final=False), sent(call(1)), done(call(1), cost=None)]
)
def test_usual_lines_are_read_quickly(record: Record) -> None:
    quick = quick_head(line_of(record))
    assert quick is not None
    assert quick == head_of(record)


def test_the_head_has_what_a_resume_needs() -> None:
    asked = call(7)
    assert quick_head(line_of(sent(asked, 2, 0.5))) == Sent(asked.key, "m", 2, 0.5, None)
    slot = b'["q7","m","direct","0"]'
    assert quick_head(line_of(done(asked, number=2))) == Done(asked.key, "m", 2, True, "ok", "stop", 0.25, slot)
    assert slot == slot_text(asked.slot)


def test_short_fields_come_first_and_long_texts_last() -> None:
    names = list(done(call(1)))
    assert names[:9] == ["kind", "key", "llm", "attempt", "final", "status", "finish_reason", "cost_usd", "at"]
    assert names[-4:] == ["error", "logprobs", "reasoning", "response"]
    assert list(sent(call(1))) == ["kind", "key", "llm", "attempt", "worst_usd"]


def test_settings_are_all_but_the_model_and_the_messages() -> None:
    record = done(call(1, temperature=0.5, response_format={"type": "json_object"}))
    assert record["settings"] == {"max_tokens": 10, "temperature": 0.5, "response_format": {"type": "json_object"}}
    assert record["requested_model"] == "m"


def test_numbers_that_json_cannot_hold_become_null() -> None:
    line = line_of(done(call(1), answer(logprobs=[{"logprob": -math.inf, "token": "a", "top": (math.nan, 1.5)}])))
    assert json.loads(line)["logprobs"] == [{"logprob": None, "token": "a", "top": [None, 1.5]}]


def test_a_hostile_depth_is_cut() -> None:
    deep: Any = "end"
    for _ in range(3000):
        deep = [deep]
    record = record_of(line_of(done(call(1), answer(logprobs=deep))))
    assert record["response"] == "an answer"
    assert "end" not in json.dumps(record["logprobs"])


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"[]\n", b"null\n", b'{"kind":5}\n', b'{"kind":"sent"}\n', b"[" * 100_000 + b"\n", b"\xff\xfe\n",
        b"\x00" * 40, b'{"kind":"use","key":"k","slot":"q"}\n', b'{"kind":"batch"}\n',
        b'{"kind":"attempt","key":"k","llm":"m","attempt":0}\n',
        b'{"kind":"sent","key":"k","llm":"m","attempt":1,"worst_usd":NaN}\n',
        b'{"kind":"sent","key":"k","llm":"m","attempt":true,"worst_usd":1}\n',
        line_of(done(call(1))).replace(b"an answer", b"an enswer"),
    ],
)  # fmt: skip
def test_damaged_lines(line: bytes) -> None:
    assert quick_head(line) is None
    with pytest.raises(ValueError):
        head_of(record_of(line))


def test_a_line_without_a_crc_is_taken() -> None:
    record = done(call(1))
    assert record_of(json.dumps(record).encode()) == record
    assert head_of(record_of(json.dumps(use_record("k", ("q", "m"))).encode())) == head_of(use_record("k", ("q", "m")))


@pytest.mark.parametrize("kind", ["remark", "batch"])
def test_other_kinds_have_no_head(kind: str) -> None:
    assert head_of({"kind": kind, "batch": "b", "llm": "m"}) is None
    assert kind not in (SENT, ATTEMPT)


@pytest.mark.parametrize("given", [{}, {"batch": "b"}, {"llm": "m"}, {"batch": "b", "llm": None}])
def test_a_batch_without_its_name_or_llm_is_damaged(given: Record) -> None:
    with pytest.raises(ValueError, match="is not a text"):
        head_of({"kind": BATCH} | given)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-32-le"])
@pytest.mark.parametrize(
    "text", ["q7x9zk", "\x00\x1f", "\u4e00\uffff", "\U0001f600", "\ud83d", '"\\', "\x7f\x85", "\ud83d\x00q7x9zk"]
)
def test_a_reply_that_is_taken_fits_into_a_line(text: str, encoding: str) -> None:
    """Whatever escapes a text needs, and however its secrets grow: its line has at most 1.5 times its bytes."""
    keep_secret("q7x9zk")
    for ascii_only in (True, False):
        message = {"role": "assistant", "content": text * 2000, "reasoning_content": text * 1000}
        body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        reply = json.dumps(body, ensure_ascii=ascii_only).encode(encoding, "surrogatepass")
        came = Attempt(**answer_fields(joined_halves(json.loads(reply))))
        line = line_of(attempt_record(call(1), came, number=1, final=True, cost_usd=None, at=AT))
        assert len(line) <= 1.5 * len(reply) + 2000
    assert 1.5 * REPLY_BYTES + 16 * 2**20 + 2000 < LINE_BYTES
