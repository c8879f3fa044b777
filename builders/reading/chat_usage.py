"""The tokens of a call, from the object `usage` of OpenAI, Anthropic, OpenRouter and Langfuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.loose import loose_count, loose_object

_INPUT: Final = ("prompt_tokens", "input_tokens", "promptTokens", "inputTokens")
_OUTPUT: Final = ("completion_tokens", "output_tokens", "completionTokens", "outputTokens")
_CACHED: Final = ("prompt_tokens_details", "input_tokens_details", "promptTokensDetails", "inputTokensDetails")
_REASONED: Final = (
    "completion_tokens_details", "output_tokens_details", "completionTokensDetails", "outputTokensDetails",
)  # fmt: skip
_DETAILS: Final = (*_CACHED, *_REASONED)
_APART: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Anthropic counts the tokens of its cache apart from `input_tokens`; ours are part of them."""

_PLAIN: Final = {"input", "output", "total"}
Tokens = dict[str, int | None]
"""`input_tokens`, `output_tokens`, `reasoning_tokens` and `cached_tokens`; those that are not stated are null."""
_NONE: Final[Tokens] = dict.fromkeys(("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens"))


def tokens_of(usage: Any) -> Tokens:
    """The tokens that `usage` states."""
    given = loose_object(usage)
    if not given:
        return _NONE.copy()
    read = _first(given, _INPUT)
    detailed = not given.keys().isdisjoint(_DETAILS)
    cached = _inner(given, _CACHED, ("cached_tokens", "cachedTokens")) if detailed else None
    if read is not None and "prompt_tokens" not in given and not given.keys().isdisjoint(_APART):
        apart = [loose_count(given.get(name)) or 0 for name in _APART]
        read += sum(apart)
        cached = apart[0] if cached is None else cached
    if cached is None:
        cached = loose_count(given.get("cache_read_input_tokens", given.get("prompt_cache_hit_tokens")))
    return {
        "input_tokens": read,
        "output_tokens": _first(given, _OUTPUT),
        "reasoning_tokens": _inner(given, _REASONED, ("reasoning_tokens", "reasoningTokens")) if detailed else None,
        "cached_tokens": cached,
    }


def tokens_by_kind(details: Any) -> Tokens:
    """The tokens of Langfuse's `usageDetails`, where `input_cached_tokens` and the like are apart from `input`.

    Some clients log the kinds as parts of `input` and `output`: then these two give the total, and count alone.
    """
    given = {name: n for name, value in loose_object(details).items() if (n := loose_count(value)) is not None}
    if given.keys() <= _PLAIN:
        return {"input_tokens": given.get("input"), "output_tokens": given.get("output")}
    read = {name: n for name, n in given.items() if name.startswith("input") or name in _APART}
    written = {name: n for name, n in given.items() if name.startswith("output")}
    whole = "total" in given and given["total"] == given.get("input", 0) + given.get("output", 0)
    if whole:
        read, written = ({k: n for k, n in found.items() if k in ("input", "output")} for found in (read, written))
    cached = [n for name, n in given.items() if "cache" in name and "creation" not in name and "write" not in name]
    reasoned = [n for name, n in given.items() if name.startswith("output") and "reasoning" in name]
    return {
        "input_tokens": sum(read.values()) if read else None,
        "output_tokens": sum(written.values()) if written else None,
        "reasoning_tokens": sum(reasoned) if reasoned else None,
        "cached_tokens": sum(cached) if cached else None,
    }


def _first(given: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        found = loose_count(given.get(name))
        if found is not None:
            return found
    return None


def _inner(given: Mapping[str, Any], parts: tuple[str, ...], names: tuple[str, ...]) -> int | None:
    """A count in one of the objects of details."""
    for part in parts:
        inner = given.get(part)
        found = _first(inner, names) if isinstance(inner, dict) else None
        if found is not None:
            return found
    return None
