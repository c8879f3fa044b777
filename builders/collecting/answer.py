"""The fields of an `Attempt` that the body of an answer gives, whatever its spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.chat_answers import answers_of
from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.redaction import redacted, redacted_data, redacted_start

MOST_COST: Final = 1e6
"""USD. What a server states beyond that is not the cost of an answer."""
Fields = dict[str, Any]
"""Fields of an `Attempt`."""


def answer_fields(body: Any) -> Fields:
    """What a body states: the answer, its reasoning, counts, cost and log-probabilities; secrets in texts are replaced.

    A body with an error, or of another shape, gives the status `error`, with the reason in `error`.
    """
    if not isinstance(body, dict):
        return {"status": "error", "error": "the answer is not a JSON object"}
    try:
        return _read(body)
    except RecursionError:
        return {"status": "error", "error": "the answer is nested too deep"}


def _read(body: dict[str, Any]) -> Fields:
    try:
        found = answers_of(body)
    except BadRecordError as error:
        return _failed(f"the answer has an unknown shape: {error}", body)
    if not found or (body.get("error") and not body.get("choices")):
        return _failed("the answer is empty" if not body else f"an error in the answer: {error_text(body)}", body)
    first = found[0]
    choice = _first_choice(body)
    if first.get("status") == "error" or choice.get("error") or body.get("error"):
        said = error_text(body) or error_text(choice) or first.get("error") or "no reason is stated"
        return _failed(f"an error in the answer: {said}", body) | _counts(first)
    text = first.get("response") or ""
    fields = {
        "status": "ok" if text.strip() else "empty",
        "response": redacted(text),
        "reasoning": redacted_data(first.get("reasoning")),
        "finish_reason": one_line(first.get("finish_reason") or "") or None,
        "logprobs": _logprobs(choice.get("logprobs")),
    }
    return _common(body) | fields | _counts(first)


def error_text(body: Any) -> str:
    """The message of an error in a body, in one line; empty without one."""
    found = body
    for _ in range(4):
        if not isinstance(found, Mapping):
            break
        found = next((found[key] for key in ("error", "message", "detail", "msg") if found.get(key)), "")
    if isinstance(found, list) and found and isinstance(found[0], Mapping):
        found = found[0].get("msg", "")
    return one_line(found) if isinstance(found, str) else ""


def one_line(text: str) -> str:
    """A text of a server without secrets, in one line of up to 300 printable characters."""
    line = " ".join(redacted_start(text, 20_000).split())
    line = "".join(c if c.isprintable() else "?" for c in line[:301])
    return line if len(line) <= 300 else f"{line[:300]}..."


def stated_cost(body: Mapping[str, Any]) -> float | None:
    """The cost that a body states, USD: `usage.cost` of OpenRouter, or `usage.cost.total_cost` of Perplexity.

    OpenRouter's `cost` has only its own fee where the user's key of another provider was used; that provider's cost is added.
    """
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    cost, details = usage.get("cost"), usage.get("cost_details")
    if isinstance(cost, dict):
        return _amount(cost.get("total_cost"))
    stated = _amount(cost)
    if stated is not None and usage.get("is_byok") is True and isinstance(details, dict):
        stated += _amount(details.get("upstream_inference_cost")) or 0.0
    return stated


def _failed(reason: str, body: dict[str, Any]) -> Fields:
    return _common(body) | {"status": "error", "error": one_line(reason)}


def _common(body: dict[str, Any]) -> Fields:
    model, name = body.get("model"), body.get("id")
    return {
        "served_model": one_line(model) or None if isinstance(model, str) else None,
        "request_id": one_line(name) or None if isinstance(name, str) else None,
        "stated_cost": stated_cost(body),
    }


def _counts(first: Mapping[str, Any]) -> Fields:
    return {name: first.get(name) for name in ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")}


def _first_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _logprobs(given: Any) -> list[Any] | None:
    """The tokens with their log-probabilities; None if a secret is among them, which may be spread over several tokens."""
    tokens = given.get("content") if isinstance(given, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    joined = "".join(str(token.get("token", "")) for token in tokens if isinstance(token, dict))
    written = json.dumps(tokens, ensure_ascii=False)
    return tokens if redacted(joined) == joined and redacted(written) == written else None


def _amount(value: object) -> float | None:
    valid = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_COST
    return float(value) if valid else None  # type: ignore[arg-type]  # a number here
