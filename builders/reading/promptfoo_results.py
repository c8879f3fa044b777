"""A result of promptfoo as the log records that it states: the answer with its score, once per judge that graded it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, count, number, text, writable
from llmfusionbench.builders.reading.model_names import RoutedName, name_of_path, name_or_path
from llmfusionbench.builders.reading.objects import error_text, reasoning_text
from llmfusionbench.builders.reading.sent import sent, text_at
from llmfusionbench.redaction import HIDDEN, url_parts

RAW: Final = "raw"
"""The value of the option `prompt` for what was sent."""
METRIC: Final = "promptfoo"
_KINDS: Final = (
    "chat", "chat-completion", "completion", "completions", "messages", "responses", "text-generation", "embedding",
    "assistant", "realtime",
)  # fmt: skip
"""What may stand between the name of a provider and that of an LLM."""
_SCRIPTS: Final = ("file", "exec", "python", "package", "webhook", "golang", "ruby", "browser")
_SERVERS: Final = ("http", "https", "ws", "wss")
_API: Final = re.compile(r"(?:/v\d+)?(?:/chat)?/completions/?$|(?:/v\d+)?/?$")
"""The end of a URL that says which API a server has, and not which LLM."""
_GRADED: Final = (
    "llm-rubric", "model-graded-closedqa", "model-graded-factuality", "factuality", "g-eval", "answer-relevance",
    "context-faithfulness", "context-recall", "context-relevance", "conversation-relevance", "select-best", "search-rubric",
    "trajectory:goal-success", "pi",
)  # fmt: skip
"""Kinds of assertions that an LLM judges."""
_FAILED_CALL: Final = 2
"""The `failureReason` of a call that failed; 1 is an answer that failed its test."""
_UNTESTED: Final = "No assertions"


def llm_of(provider: Any) -> tuple[RoutedName, str | None, str | None]:
    """(LLM, the model as it was asked for, the provider) of a provider's id, or of an object with id and label."""
    given = provider if isinstance(provider, dict) else {"id": provider}
    name, label = text(given, "id"), text(given, "label")
    if not name and not label:
        raise BadRecordError("provider has no id, expected the name of the LLM")
    name = name or ""
    first, colon, rest = name.partition(":")
    parts = rest.split(":")
    if first in _SERVERS:
        return RoutedName(label or _host(name)), None, first
    if colon and first in _SCRIPTS:
        path = rest.removeprefix("//")
        is_path = "/" in rest.rstrip("/") or name_or_path(path).path is not None
        script = name_of_path(path) if is_path else RoutedName(name)
        return RoutedName(label) if label else script, None, first
    if colon and len(parts) > 1 and parts[0] in _KINDS:
        parts = parts[1:]
    model = ":".join(parts) if colon and rest else name
    return RoutedName(label) if label and label != name else name_or_path(model), model or None, first if colon else None


def _host(url: str) -> str:
    """The LLM of a provider that is a URL: the server, with the path that tells apart what it has."""
    parts = url_parts(url)
    return HIDDEN if parts is None else parts.netloc.rpartition("@")[2] + _API.sub("", parts.path)


def is_result(record: Any) -> bool:
    """Whether a record is a result."""
    return (
        isinstance(record, dict) and "provider" in record and ("response" in record or "success" in record or "score" in record)
    )


def answers(record: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
    """The answer of a result with its score, once for each judge that graded it."""
    response = _object(record, "response")
    graded = _object(record, "gradingResult")
    output, error = _output(response.get("output")), _error(record, response)
    llm, model, provider = llm_of(record.get("provider"))
    untested = graded.get("reason") == _UNTESTED or (graded == {} and record.get("score") is None)
    cached = response.get("cached") is True
    answer = {
        **_asked(record, path),
        "source_id": _number_of(record),
        "ground_truth": _truth(record),
        "llm": llm.name,
        "llm_path": llm.path,
        "requested_model": model,
        "endpoint": provider,
        "response": output,
        "reasoning": reasoning_text(response.get("reasoning")) if isinstance(response.get("reasoning"), (str, list)) else None,
        "status": "error" if error is not None else None,
        "error": error,
        "finish_reason": text(response, "finishReason"),
        "performance": None if untested or error is not None else _score(record, graded),
        "cost_usd": _cost(record, response, cached),
        "latency_s": None if cached else _seconds(record),
        **_usage(record, response),
    }
    judged = list(_judgements(graded))
    for one in judged or [{}]:
        yield answer | one


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _asked(record: Mapping[str, Any], path: str) -> dict[str, Any]:
    if path != RAW:
        return {"prompt": text_at(record, path)}
    prompt = record.get("prompt")
    raw = prompt.get("raw") if isinstance(prompt, dict) else prompt
    if not raw:
        raise BadRecordError("prompt.raw is missing, expected what was sent. Remedy: set --option prompt=vars.NAME")
    return sent(raw, "prompt.raw")


def _output(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else writable(value, "response.output")
    return writable(json.dumps(value, ensure_ascii=False), "response.output")


def _error(record: Mapping[str, Any], response: Mapping[str, Any]) -> str | None:
    """Why the call failed. The error of an answer that failed its test is not one."""
    said = error_text(response.get("error"), "response.error") or error_text(record.get("error"))
    reason = record.get("failureReason")
    failed = reason == _FAILED_CALL or (reason in (None, 0) and response.get("output") is None)
    return said or "the call failed" if failed and (said or reason == _FAILED_CALL) else None


def _number_of(record: Mapping[str, Any]) -> str | None:
    test, prompt = count(record, "testIdx"), count(record, "promptIdx")
    return None if test is None else f"{test}.{prompt}" if prompt else str(test)


def _truth(record: Mapping[str, Any]) -> str | None:
    """What an assertion states that the whole answer is."""
    asserted = _object(record, "testCase").get("assert")
    for one in asserted if isinstance(asserted, list) else ():
        if isinstance(one, dict) and one.get("type") == "equals" and isinstance(one.get("value"), str):
            return writable(one["value"], "assert") or None
    return None


def _score(record: Mapping[str, Any], graded: Mapping[str, Any]) -> float | None:
    score = number(record, "score") if record.get("score") is not None else number(graded, "score")
    return number(record, "success") if score is None else score


def _seconds(record: Mapping[str, Any]) -> float | None:
    """Seconds that the call took; 0 stands for one that was not made."""
    took = number(record, "latencyMs")
    return took / 1000 if took else None


def _cost(record: Mapping[str, Any], response: Mapping[str, Any], cached: bool) -> float | None:
    """USD; an answer that came from promptfoo's cache states 0 or nothing, which is not what the call costs."""
    stated = number(record, "cost") if record.get("cost") is not None else number(response, "cost")
    return None if stated == 0 and (cached or not _object(response, "tokenUsage")) else stated


def _usage(record: Mapping[str, Any], response: Mapping[str, Any]) -> dict[str, int | None]:
    usage = _object(response, "tokenUsage") or _object(record, "tokenUsage")
    found = {"input_tokens": count(usage, "prompt"), "output_tokens": count(usage, "completion")}
    if not any(found.values()):  # an answer from the cache has no counts
        return dict.fromkeys(found)
    return found | {"reasoning_tokens": count(_object(usage, "completionDetails"), "reasoning")}


def _judgements(graded: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The verdicts of LLMs among the parts of a grade: judges are named by the kind of the assertion and its provider."""
    parts = graded.get("componentResults")
    for part in [*parts] if isinstance(parts, list) else [graded]:
        asserted = _object(part, "assertion") if isinstance(part, dict) else {}
        kind = asserted.get("type")
        if not isinstance(kind, str) or kind.removeprefix("not-") not in _GRADED:
            continue
        grader = asserted.get("provider")
        judge = llm_of(grader)[0].grading(kind) if isinstance(grader, (str, dict)) and grader else RoutedName(kind)
        rubric = asserted.get("value")
        yield {
            **judge.judge(),
            "judge_score": number(part, "score"),
            "judge_reason": text(part, "reason"),
            "judge_rubric": writable(rubric, "assertion.value") if isinstance(rubric, str) else None,
        }
