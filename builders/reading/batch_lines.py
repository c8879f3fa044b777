"""Lines of batch files: requests and results of OpenAI's Batch API, those who share its layout, and Anthropic's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.chat_answers import answers_of, is_no_answer
from llmfusionbench.builders.reading.chat_requests import asked
from llmfusionbench.builders.reading.failures import failure_text
from llmfusionbench.builders.reading.fields import BadRecordError, identifier, named
from llmfusionbench.builders.reading.loose import loose_count

REQUEST: Final = "request"
RESULT: Final = "result"

_BODIES: Final = ("body", "params", "request")
"""Fields of a request that hold its body: OpenAI's, Anthropic's, Google's."""
_RESULTS: Final = ("response", "error", "result")
_FAILED_FROM: Final = 400
_NO_ANSWERS: Final = (
    "embeddings", "moderations", "rerank", "score", "transcriptions", "translations", "images/generations", "images/edits",
    "pooling", "classify",
)  # fmt: skip
"""Ends of the addresses that answer nothing."""


def kind_of(record: Any) -> str | None:
    """`request` or `result`, by the fields of a line; None if it is neither."""
    if not isinstance(record, dict) or record.get("custom_id") is None:
        return None
    if not record.keys().isdisjoint(_RESULTS):
        return RESULT
    return REQUEST if any(isinstance(record.get(name), dict) for name in _BODIES) else None


def id_of(record: Mapping[str, Any]) -> str:
    """The `custom_id` of a line.

    Raises:
        BadRecordError: it is missing or empty.
    """
    found = identifier(record, "custom_id")
    if not found:
        raise BadRecordError("custom_id is missing, expected a text that matches requests and results")
    return found


def request_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a request asks: `prompt` or `messages`, `sampling` and `requested_model`.

    Raises:
        BadRecordError: it does not ask for an answer in a way that is known.
    """
    body = next((record[name] for name in _BODIES if isinstance(record.get(name), dict)), None)
    if body is None:
        raise BadRecordError("body is missing, expected the object of a request")
    return asked(body)


def other_kind(record: Mapping[str, Any]) -> str | None:
    """What a line is about that asks for no answer, such as `embeddings`; None for one that does."""
    url = record.get("url")
    if isinstance(url, str):
        url = url.rstrip("/")
        return next(end for end in _NO_ANSWERS if url.endswith(end)) if url.endswith(_NO_ANSWERS) else None
    response = record.get("response")
    body = response.get("body") if isinstance(response, dict) else None
    return is_no_answer(body)


def result_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answers of a result, or the one error; each with what the response states of the call.

    Raises:
        BadRecordError: the result is not in a layout that is known.
    """
    if isinstance(record.get("result"), dict):
        return _of_anthropic(record["result"])
    response, failure = record.get("response"), failure_text(record.get("error"))
    if response is not None and not isinstance(response, dict):
        raise BadRecordError(f"response is {named(response)}, expected an object with status_code and body")
    response = response or {}
    body = response.get("body", response if "choices" in response or "output" in response else None)
    code = loose_count(response.get("status_code"))
    if code is not None and code >= _FAILED_FROM:
        told = failure_text(body.get("error") or body.get("detail") or body if isinstance(body, dict) else body)
        return [{"status": "error", "error": told or failure or f"HTTP status {code}"}]
    made = answers_of(body, "response.body") if body is not None else []
    if not made or (failure and not any(answer.get("response") for answer in made)):
        return [{"status": "error", "error": failure or "the result has no response"}]
    return made


def _of_anthropic(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answers of `{"type": "succeeded", "message": ...}`, or the error of another type."""
    kind = result.get("type")
    if kind == "succeeded" and isinstance(result.get("message"), dict):
        return answers_of(result["message"], "result.message")
    told = failure_text(result.get("error"))
    return [{"status": "error", "error": told or f"the request is {kind if isinstance(kind, str) else 'not answered'}"}]
