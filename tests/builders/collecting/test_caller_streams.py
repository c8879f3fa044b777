"""Streamed answers: put together byte by byte, with the time to the first token, and whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.stream import BrokenStreamError, Stream
from tests.builders.collecting.test_caller import ASK, attempt_of, attempts
from tests.helpers.faulty_chat_server import USAGE, Received, Step, answer, delta, events, faulty, http, status, streamed

SAID = (delta("4"), delta("2 €"), delta(reason="stop"), USAGE)


def test_a_stream_in_pieces() -> None:
    found = attempt_of(streamed([events(event, done=False) for event in SAID] + [b"data: [DONE]\n\n"]), stream=True)
    assert (found.status, found.response, found.finish_reason, found.served_model) == ("ok", "42 €", "stop", "served")
    assert (found.input_tokens, found.output_tokens, found.request_id) == (7, 3, "chatcmpl-1")
    assert found.first_token_s is not None
    assert found.latency_s is not None
    assert 0 < found.first_token_s < found.latency_s
    assert (found.charged, found.passing) == (True, False)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_characters_cut_in_two(size: int) -> None:
    data = events(delta("a€\U0001f600b"), delta(reason="stop"), USAGE)
    assert attempt_of(streamed([data[i : i + size] for i in range(0, len(data), size)], pause=0.0)).response == "a€\U0001f600b"


def test_a_pair_of_halves_in_two_events() -> None:
    halves = [f'data: {{"choices": [{{"index": 0, "delta": {{"content": "{half}"}}}}]}}\n\n' for half in ("\\ud83d", "\\ude00")]
    assert attempt_of(streamed(events(*halves, delta(reason="stop")))).response == "\U0001f600"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 5, 9999])
def test_all_ends_of_lines_and_all_kinds_of_lines(end: str, size: int) -> None:
    lines = [
        ": OPENROUTER PROCESSING", "", "event: message", "id: 7", "retry: 10",
        'data: {"choices": [{"index": 0, "delta": {"content": "4"}}]}', "",
        'data:{"choices": [{"index": 0,', 'data: "delta": {"content": "2"}}]}', "", "data:", "",
        'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}', "", "data: [DONE]", "", "",
    ]  # fmt: skip
    data = end.join(lines).encode()
    stream = Stream(on_first=lambda: None)
    for place in range(0, len(data), size):
        stream.feed(data[place : place + size])
    body = stream.close()
    assert body["choices"][0]["message"] == {"content": "42"}
    assert stream.ended


@pytest.mark.parametrize(
    ("events_", "reasoning"),
    [
        ([delta(delta={"reasoning_content": "I "}), delta(delta={"reasoning_content": "think."})], "I think."),
        ([delta(delta={"reasoning": "I "}), delta(delta={"reasoning": "think."})], "I think."),
        (
            [
                delta(delta={"reasoning": "I ", "reasoning_details": [{"type": "reasoning.text", "text": "I ", "index": 0}]}),
                delta(
                    delta={
                        "reasoning": "think.",
                        "reasoning_details": [{"type": "reasoning.text", "text": "think.", "index": 0}],
                    }
                ),
            ],
            "I think.",
        ),
        (
            [
                delta(delta={"reasoning_details": [{"type": "reasoning.summary", "summary": "First", "index": 0}]}),
                delta(delta={"reasoning_details": [{"type": "reasoning.summary", "summary": " this.", "index": 0}]}),
                delta(delta={"reasoning_details": [{"type": "reasoning.summary", "summary": "Then that.", "index": 1}]}),
            ],
            "First this.\n\nThen that.",
        ),
        (
            [
                delta(delta={"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "I "}]}]}),
                delta(delta={"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "think."}]}]}),
            ],
            "I think.",
        ),
    ],
    ids=["reasoning_content", "reasoning", "both", "summaries", "parts"],
)
def test_reasoning_in_all_spellings(events_: list[dict[str, Any]], reasoning: str) -> None:
    found = attempt_of(streamed(events(*events_, *SAID)))
    assert (found.response, found.reasoning) == ("42 €", reasoning)


def test_calls_of_tools_and_refusals() -> None:
    calls = [
        delta(
            delta={"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": {"name": "add", "arguments": ""}}]}
        ),
        delta(delta={"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}),
        delta(delta={"tool_calls": [{"index": 1, "id": "2", "function": {"name": "sub", "arguments": "{}"}}]}),
        delta(delta={"tool_calls": [{"index": 0, "function": {"arguments": " 1}"}}]}),
        delta(reason="tool_calls"),
    ]
    found = attempt_of(streamed(events(*calls)))
    assert found.finish_reason == "tool_calls"
    assert '"name": "add", "arguments": "{\\"a\\": 1}"' in str(found.response)
    assert '"name": "sub"' in str(found.response)
    refusal = attempt_of(
        streamed(events(delta(delta={"refusal": "I "}), delta(delta={"refusal": "can't."}), delta(reason="stop")))
    )
    assert (refusal.status, refusal.response, refusal.finish_reason) == ("ok", "I can't.", "refusal")


COUNTS = {"prompt_tokens": 20, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 2}}


@pytest.mark.parametrize(
    "end",
    [
        delta(reason="stop") | {"x_groq": {"id": "req_1", "usage": COUNTS}},
        delta(reason="stop") | {"x_groq": {"id": "req_1", "usage": COUNTS}, "usage": None},
        delta(reason="stop") | {"x_groq": {"id": "req_1", "usage": COUNTS}, "usage": {}},
        delta(reason="stop", choice={"usage": COUNTS}),
    ],
    ids=["groq", "groq, null beside it", "groq, an empty one beside it", "moonshot"],
)
def test_usage_that_stands_elsewhere(end: dict[str, Any]) -> None:
    first = delta("4") | {"x_groq": {"id": "req_1"}}
    found = attempt_of(streamed(events(first, delta("2"), end)), stream=True)
    assert (found.response, found.input_tokens, found.output_tokens, found.reasoning_tokens) == ("42", 20, 5, 2)


def test_usage_of_the_protocol_counts_more() -> None:
    last = delta(reason="stop") | {"x_groq": {"usage": COUNTS}}
    found = attempt_of(streamed(events(delta("42"), last, USAGE)), stream=True)
    assert (found.input_tokens, found.output_tokens) == (7, 3)


@pytest.mark.parametrize(
    "odd", [None, 3, {}, {"usage": None}, {"usage": [1]}, {"usage": {}}, {"usage": {"prompt_tokens": "x"}}]
)
def test_odd_usage_elsewhere_states_no_counts(odd: Any) -> None:
    found = attempt_of(streamed(events(delta("42"), delta(reason="stop") | {"x_groq": odd})), stream=True)
    assert (found.status, found.input_tokens, found.output_tokens) == ("ok", None, None)


def test_log_probabilities_follow_each_other() -> None:
    tokens = [{"token": text, "logprob": -0.5} for text in "42"]
    pieces = [delta(token["token"], choice={"logprobs": {"content": [token]}}) for token in tokens]
    assert attempt_of(streamed(events(*pieces, delta(reason="stop")))).logprobs == tokens


def test_only_the_first_choice_counts_and_odd_ones_are_skipped() -> None:
    other = delta("no", choice={"index": 1})
    odd = {"choices": [3, {"index": 0, "delta": 4}, {"index": 0, "delta": {"tool_calls": [5]}}]}
    assert attempt_of(streamed(events(other, odd, {"choices": {}}, *SAID))).response == "42 €"


def test_an_empty_stream_of_the_protocol_is_an_empty_answer() -> None:
    found = attempt_of(streamed(events(delta(reason="length"))))
    assert (found.status, found.response, found.first_token_s) == ("empty", "", None)


@pytest.mark.parametrize(
    "step",
    [
        streamed(events(*SAID, done=False)),
        streamed(events(*SAID, done=False), end="reset"),
        streamed(events(*SAID, done=False), end="close"),
        streamed(events(*SAID), end="hang"),
        streamed(events(*SAID, done=False), end="hang"),
        streamed(events(delta("42 €"))),
        http(events(*SAID)),
        http(events(*SAID), kind="text/plain"),
    ],
    ids=["no done", "reset", "drop", "hang after done", "hang", "no reason", "JSON by name", "plain by name"],
)
def test_a_whole_answer_counts_however_it_ends(step: Step) -> None:
    found = attempt_of(step, timeout=1.0)
    assert (found.status, found.response, found.charged) == ("ok", "42 €", True)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (streamed(events(delta("4"), done=False), end="reset"), "the stream broke off (RemoteProtocolError)"),
        (streamed(events(delta("4"), done=False), end="close"), "the stream broke off (RemoteProtocolError)"),
        (streamed(events(delta("4"), done=False)), "the stream ended before the answer did"),
        (streamed(events(delta("4"), done=False), end="hang"), "no answer within 0.5 seconds"),
        (streamed([]), "the stream ended before the answer did"),
        (streamed(events(delta("4"), 'data: {"choices": [\n\n')), "an event is not JSON"),
        (streamed(events(delta("4"), 'data: {"choices": [')), "an event is not JSON"),
        (streamed(events("data: [1]\n\n")), "an event is not a JSON object"),
        (streamed(b'data: {"a": "\xff"}\n\n'), "an event is not JSON"),
    ],
)
def test_half_an_answer_is_none_and_may_be_charged_for(step: Step, error: str) -> None:
    found = attempt_of(step, timeout=0.5)
    assert (found.status, found.response, found.error) == ("error", None, error)
    assert (found.passing, found.refused, found.charged) == (True, False, True)


@pytest.mark.parametrize(("code", "passing"), [(503, True), (400, False)])
def test_an_error_within_a_stream(code: int, passing: bool) -> None:
    last = delta(reason="error") | {"error": {"code": code, "message": "The provider left"}}
    for before in ([delta("4")], []):
        found = attempt_of(streamed(events(*before, last)))
        assert (found.status, found.response, found.passing, found.charged) == ("error", None, passing, bool(before))
        assert found.error == "an error in the answer: The provider left"
    bare = attempt_of(streamed(events({"error": {"code": code, "message": "The provider left"}}, done=False)))
    assert (bare.error, bare.passing) == ("an error in the answer: The provider left", passing)


def test_servers_that_know_no_streams() -> None:
    """They answer in JSON, or refuse; the field can be taken away in `extra`."""
    found = attempt_of(answer("42"), stream=True)
    assert (found.response, found.first_token_s) == ("42", None)
    assert attempt_of(status(400, "Unknown field stream_options"), stream=True).passing is False


def test_a_long_line_in_small_pieces() -> None:
    stream = Stream(on_first=lambda: None)
    data = events(delta("x" * 3_000_000), delta(reason="stop"))
    for place in range(0, len(data), 1000):
        stream.feed(data[place : place + 1000])
    assert len(stream.close()["choices"][0]["message"]["content"]) == 3_000_000


def test_the_first_piece_is_noted_once() -> None:
    noted: list[int] = []
    stream = Stream(on_first=lambda: noted.append(stream.pieces))
    stream.feed(events(delta(delta={"role": "assistant", "content": ""}), delta("4"), delta("2"), done=False))
    assert (noted, stream.pieces, stream.finished) == ([1], 2, False)
    with pytest.raises(BrokenStreamError, match="an event is not JSON"):
        stream.feed(b"data: no\n\n")


def test_a_connection_is_used_again_after_a_stream() -> None:
    def script(request: Received) -> Step:
        return streamed(events(*SAID), pause=0.0)

    with faulty(script) as server:
        found = attempts(Endpoint(name="a", url=server.url, model="m", stream=True), *[ASK] * 4)
        assert [one.status for one in found] == ["ok"] * 4
        assert server.connections == 1


def test_parts_of_a_stream_are_put_together_once() -> None:
    """Each piece is kept by itself until the end: a text that grows by copies takes time with the square of its length."""
    stream = Stream(on_first=lambda: None)
    for word in ("so ", "it ", "is"):
        details = [
            {"type": "reasoning.text", "index": 0, "text": word},
            {"type": "reasoning.encrypted", "index": 1, "data": word},
        ]
        stream.feed(events(delta(delta={"reasoning_details": details[:1]}), done=False))
    stream.feed(events(delta(delta={"reasoning_details": details[1:], "content": "4"}), delta("2"), done=False))
    stream.feed(events(delta(delta={"content": [{"type": "text", "text": "!"}]}), delta(reason="stop")))
    kept = stream._message["reasoning_details"][0]["text"]
    assert kept == ["so ", "it ", "is"]
    message = stream.close()["choices"][0]["message"]
    assert message["reasoning_details"] == [{"type": "reasoning.text", "index": 0, "text": "so it is"}, details[1]]
    assert message["content"] == [{"type": "text", "text": "42!"}]
