"""What an LLM answered, from the body of a response: chat completions, completions, responses and messages.

The bodies are those of OpenAI's `/v1/chat/completions`, `/v1/completions` and `/v1/responses` and of Anthropic's
`/v1/messages`, which other APIs and gateways share. An answer that only calls tools is the text of the calls. One that
declines is what the LLM said instead, and its finish reason is `refusal`, whatever else is stated: `stop` at OpenAI.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.chat_requests import call_text
from llmfusionbench.builders.reading.chat_usage import tokens_of
from llmfusionbench.builders.reading.failures import failure_text
from llmfusionbench.builders.reading.fields import BadRecordError, named, writable
from llmfusionbench.builders.reading.loose import loose_count, loose_moment, unpacked
from llmfusionbench.builders.reading.objects import reasoning_text

Answer = dict[str, Any]
"""Columns of a log record that state an answer."""

_NOT_ANSWERS: Final = ("embedding", "moderation", "rerank", "score", "image", "transcription")
_THOUGHTS: Final = dict.fromkeys(("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "thinking"))
"""Fields of a message with its reasoning, the plainest first."""
_CALLS: Final = ("tool_calls", "function_call")
"""Fields of a message with calls of tools."""
_BESIDE: Final = frozenset((*_THOUGHTS, *_CALLS, "kwargs"))
"""Fields of a message that say more than its text."""
_REFUSAL: Final = "refusal"
"""The field, and the type of a part, with what an LLM says as it declines; also our finish reason of such an answer."""
_OF_CALL: Final = {"model", "service_tier", "created", "created_at", "usage"}
"""Fields of a body that are about the call as a whole."""
_OF_ALL: Final = ("output_tokens", "reasoning_tokens")
"""Counts that a response of several answers states for all of them together."""
_SIGNS: Final = (("choices", list), ("output", list), ("content", list), ("role", str), ("object", str), ("kwargs", dict))
"""Fields of bodies that a text in JSON has if it is a body, with their types."""
_ALONE: Final = ("message", "generated_text", "completion", "text", "output_text", "output", "response", "result")
"""Names of the only field of a body that is its answer."""
_DEPTH: Final = 4


def answers_of(body: Any, name: str = "response") -> list[Answer]:
    """The answers in a body, each with its text, reasoning, finish reason, or error, and with what the body states of the call.

    There are several where a request asked for several; they have no output tokens, for these are stated for all together.

    Raises:
        BadRecordError: the body is not that of an answer.
    """
    if type(body) is not dict:
        body = _unwrapped(body)
    if body is None or body in ("", [], {}):
        return []
    if isinstance(body, str):
        return [{"response": body}]  # checked with the whole record, which is faster
    if isinstance(body, list):
        return [_last_said(body, name)]
    if not isinstance(body, dict):
        raise BadRecordError(f"{name} is {named(body)}, expected the body of a response")
    found = _answers(body, name)
    call = _call(body)
    if len(found) > 1:
        call |= dict.fromkeys(_OF_ALL)
    return [_beside(call, answer) for answer in found]


def _beside(call: Answer, answer: Answer) -> Answer:
    """What is stated of a call, and what is not null of an answer."""
    made = call.copy()
    for name, value in answer.items():
        if value is not None:
            made[name] = value
    return made


def _unwrapped(body: Any) -> Any:
    """The body in a text, or in a list of one."""
    body = body_of(body)
    for _ in range(_DEPTH):
        if isinstance(body, list) and len(body) == 1:
            body = body_of(body[0])
    return body


def body_of(value: Any) -> Any:
    """The body that a text holds as JSON. A text of anything else is an answer as it is, also one in JSON."""
    found = value if type(value) is dict else unpacked(value)
    if found is value:
        return value
    if isinstance(found, dict):
        return found if any(isinstance(found.get(key), kind) for key, kind in _SIGNS) else value
    return found if all(isinstance(part, dict) and ("role" in part or "type" in part) for part in found) and found else value


def is_no_answer(body: Any) -> str | None:
    """What a body holds if it is that of an API that does not answer, such as `embedding`; None for any other."""
    if not isinstance(body, dict) or body.get("object") not in ("list", "score", "rerank", None):
        return None
    if "choices" in body or "output" in body or "content" in body:
        return None
    listed = next((body[key] for key in ("data", "results") if isinstance(body.get(key), list)), None)
    if not listed or not isinstance(listed[0], dict):
        return None
    kind = str(listed[0].get("object", ""))
    return next((known for known in _NOT_ANSWERS if known in kind or known in listed[0]), None)


def _answers(body: Mapping[str, Any], name: str) -> list[Answer]:
    if isinstance(body.get("choices"), list):
        return _choices(body, name)
    if isinstance(body.get("output"), list):
        return [_output(body, name)]
    if isinstance(body.get("error"), (dict, str)) and body["error"]:
        return [{"status": "error", "error": failure_text(body["error"])}]
    if body.get("role") is not None or "content" in body or "stop_reason" in body:
        reason = _word(body.get("stop_reason", body.get("finish_reason")))
        return [_ended(_message(body, name), reason)]
    if len(body) == 1:  # with more fields, it may be an answer that is an object
        key, value = next(iter(body.items()))
        if key in _ALONE and isinstance(value, (str, list, dict)) and value:
            return [_within(value, f"{name}.{key}")]
    if body.get("choices", "") is None or body.get("output", "") is None:
        return [{"status": "error", "error": "the response has no choices"}]
    if any(body.get(key) for key in ("tool_calls", "function_call", *_THOUGHTS)):
        return [_message(body, name)]
    raise BadRecordError(f"{name} is an object without choices, output or content, expected the body of a response")


def _within(value: Any, name: str) -> Answer:
    """The answer in a field of a body."""
    if isinstance(value, str):
        return {"response": writable(value, name)}
    if isinstance(value, dict):
        return _message(value, name)
    return _last_said(value, name)


def _last_said(body: list[Any], name: str) -> Answer:
    """What the last message of a list says; a list of parts is one message."""
    if all(isinstance(part, dict) and "type" in part and "role" not in part for part in body):
        return _output({"output": body}, name) if any("content" in part for part in body) else _message({"content": body}, name)
    last = next(
        (turn for turn in reversed(body) if isinstance(turn, dict) and turn.get("role") in ("assistant", "model")), body[-1]
    )
    if isinstance(last, str):
        return {"response": writable(last, name)}
    if not isinstance(last, dict):
        raise BadRecordError(f"{name} is {named(body)}, expected the body of a response")
    return _message(last, name)


def _choices(body: Mapping[str, Any], name: str) -> list[Answer]:
    found: list[tuple[int, Answer]] = []
    for i, choice in enumerate(body["choices"]):
        if not isinstance(choice, dict):
            raise BadRecordError(f"{name}.choices[{i}] is {named(choice)}, expected an object")
        message = choice.get("message", choice.get("delta"))
        where = f"{name}.choices[{i}]"
        answer = _message(message, f"{where}.message") if isinstance(message, dict) else _text(choice.get("text"), where)
        reason = _word(choice.get("finish_reason", choice.get("stop_reason"))) or _word(choice.get("native_finish_reason"))
        _ended(answer, reason)
        failure = failure_text(choice["error"]) if "error" in choice else None
        if failure and not answer.get("response"):
            answer |= {"status": "error", "error": failure}
        place = loose_count(choice.get("index"))
        found.append((i if place is None else place, answer))
    if not found:
        failure = failure_text(body.get("error")) or "the response has no choices"
        return [{"status": "error", "error": failure}]
    return [answer for _, answer in (sorted(found, key=lambda pair: pair[0]) if len(found) > 1 else found)]


def _ended(answer: Answer, reason: str | None) -> Answer:
    """An answer with the reason that is stated beside it; one that declines keeps its own."""
    if reason and answer.get("finish_reason") != _REFUSAL:
        answer["finish_reason"] = reason
    return answer


def _message(message: Mapping[str, Any], name: str) -> Answer:
    """The answer in one message."""
    content = message.get("content")
    if content and type(content) is str and message.keys().isdisjoint(_BESIDE) and not message.get(_REFUSAL):
        return {"response": content}  # checked with the whole record, which is faster
    message = message["kwargs"] if isinstance(message.get("kwargs"), dict) else message
    content = message.get("content")
    said, thought = _parts(content, name) if isinstance(content, (list, tuple)) else (content, None)
    if said is not None and not isinstance(said, str):
        raise BadRecordError(f"{name}.content is {named(said)}, expected a text, or parts with texts")
    calls = [call for key in _CALLS if (call := message.get(key))] if not message.keys().isdisjoint(_CALLS) else []
    declined = message.get(_REFUSAL)
    if not said and isinstance(declined, str):
        said = declined or said
    if not said and calls:
        said = json.dumps(calls[0], ensure_ascii=False, default=str)
    if not said and isinstance(message.get("audio"), dict):
        said = message["audio"].get("transcript")
    for key in () if message.keys().isdisjoint(_THOUGHTS) else _THOUGHTS:
        thought = thought or _reasoning(message[key]) if key in message else thought
    # A message without any text is an empty answer: the call was made and succeeded.
    answer: Answer = {"response": writable(said, name) if isinstance(said, str) else "", "reasoning": thought}
    if calls and not content:
        answer["finish_reason"] = "tool_calls"
    if (isinstance(declined, str) and declined.strip()) or _declines(content):
        answer["finish_reason"] = _REFUSAL
    return answer


def _declines(content: Any) -> bool:
    """Whether a content has a part that declines."""
    parts = content if isinstance(content, (list, tuple)) else ()
    return any(isinstance(part, dict) and part.get("type") == _REFUSAL for part in parts)


def _text(said: Any, name: str) -> Answer:
    if not isinstance(said, str):
        raise BadRecordError(f"{name} has no message and no text, expected an answer")
    return {"response": writable(said, name)}


def _parts(parts: Any, name: str) -> tuple[str, str | None]:
    """(text, reasoning) of the parts of a content."""
    said: list[str] = []
    thoughts: list[str] = []
    calls: list[str] = []
    for part in parts:
        if isinstance(part, str):
            said.append(part)
            continue
        if not isinstance(part, dict):
            raise BadRecordError(f"{name}.content is {named(parts)}, expected a text, or parts with texts")
        kind = str(part.get("type"))
        if kind in ("thinking", "reasoning", "reasoning_text", "summary_text"):
            thought = part.get("thinking", part.get("text", part.get("summary")))
            thoughts.append(_reasoning(thought) or "")
        elif kind.endswith(("_use", "_call")):
            calls.append(call_text(part, name))
        else:
            text = part.get("text", part.get("refusal", part.get("transcript")))
            said += [text] if isinstance(text, str) else []
    text = "".join(said) or "\n".join(calls)  # parts of an answer follow each other without a break
    return text, writable("\n\n".join(t for t in thoughts if t), name) or None


def _reasoning(value: Any) -> str | None:
    """Reasoning in any of its forms: a text, a part or parts; None for one that is encrypted."""
    if isinstance(value, dict) or (isinstance(value, list) and all(isinstance(v, dict) for v in value)):
        parts = [value] if isinstance(value, dict) else value
        found = [part.get("thinking", part.get("text", part.get("summary"))) for part in parts]
        return reasoning_text([text for text in found if isinstance(text, (str, list))]) if any(found) else None
    return reasoning_text(value) if isinstance(value, (str, list)) else None


def _output(body: Mapping[str, Any], name: str) -> Answer:
    """The answer in the items of the Responses API."""
    said: list[str] = []
    thoughts: list[str] = []
    calls: list[str] = []
    declined = False
    for i, item in enumerate(body["output"]):
        if not isinstance(item, dict):
            raise BadRecordError(f"{name}.output[{i}] is {named(item)}, expected an object")
        kind = item.get("type")
        if kind == "reasoning":
            thoughts += [text for key in ("content", "summary") if (text := _reasoning(item.get(key)))][:1]
        elif kind == "message" or "content" in item:
            content = item.get("content")
            declined = declined or _declines(content)
            said.append(_parts(content, f"{name}.output[{i}]")[0] if isinstance(content, (list, tuple)) else str(content or ""))
        elif isinstance(kind, str) and kind in ("function_call", "custom_tool_call", "mcp_call", "computer_call"):
            calls.append(call_text(item, f"{name}.output[{i}]"))
    text = "\n".join(part for part in said if part)
    answer: Answer = {"reasoning": "\n\n".join(thoughts) or None}
    status, failure = body.get("status"), failure_text(body.get("error"))
    if not text and (failure or status in ("failed", "cancelled")):
        return {"status": "error", "error": failure or f"the response is {status}"}
    details = body.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    answer["finish_reason"] = _word(
        reason or ("tool_calls" if calls and not text else status if status != "in_progress" else None)
    )
    if declined:
        answer["finish_reason"] = _REFUSAL
    answer["response"] = writable(text or "\n".join(calls), name)
    return answer


def _call(body: Mapping[str, Any]) -> Answer:
    """What a body states of the call as a whole."""
    if body.keys().isdisjoint(_OF_CALL):
        return {}
    model, tier = body.get("model"), body.get("service_tier")
    found: Answer = {
        "served_model": writable(model, "model") if isinstance(model, str) else None,
        "service_tier": writable(tier, "service_tier") if isinstance(tier, str) else None,
        "created_at": loose_moment(body.get("created", body.get("created_at"))),
    }
    return found | (tokens_of(body["usage"]) if body.get("usage") else {})


def _word(value: Any) -> str | None:
    return writable(value, "finish_reason") if isinstance(value, str) and value else None
