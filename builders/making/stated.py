"""What logs state of an answer in words of their own, as the tables have it: why it ended, when, and its reasoning."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_REASONS: Final = {
    "stop": (
        "stop",
        "end_turn",
        "stop_sequence",
        "eos",
        "eos_token",
        "stop_token",
        "complete",
        "completed",
        "finish",
        "stop_str",
    ),
    "length": (
        "length",
        "max_tokens",
        "max_length",
        "max_output_tokens",
        "max_new_tokens",
        "model_length",
        "incomplete",
        "model_context_window_exceeded",
        "context_length_exceeded",
    ),
    "content_filter": (
        "content_filter",
        "content_filtered",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "refusal",
        "spii",
        "image_safety",
        "guardrail_intervened",
        "error_toxic",
    ),
    "tool_calls": ("tool_calls", "tool_call", "tool_use", "function_call"),
}
_REASON_OF: Final = {word: reason for reason, words in _REASONS.items() for word in words}

SPLIT_OFF: Final = r"(?s)\A\s*<[Tt][Hh][Ii][Nn][Kk]>.*</[Tt][Hh][Ii][Nn][Kk]>"
"""What a response with its reasoning in front begins with; one whose block is not closed never came to its answer."""
_BLOCK: Final = re.compile(r"\s*<[Tt][Hh][Ii][Nn][Kk]>(.*?)</[Tt][Hh][Ii][Nn][Kk]>\s*", re.DOTALL)

_NONE: Final = ("", "none", "null", "nan")

_USER: Final = re.compile(r"^((?:[a-zA-Z][a-zA-Z0-9+.-]*://)?)[^/@\s]*@(?=[^/@\s]+)")

_NUMBER: Final = re.compile(r"\d{9,16}(?:\.\d+)?")
_MILLISECONDS_FROM: Final = 1e11
"""Seconds since 1970 are below this until the year 5138; milliseconds are above it since 1973."""
_MICROSECONDS_FROM: Final = 1e14


def finish_reason(word: str) -> str | None:
    """The reason that an endpoint's word stands for: OpenAI's, Anthropic's, Google's and vLLM's are known; else `other`.

    None for a word for none.
    """
    said = word.strip().lower().rpartition(".")[2]  # FinishReason.STOP
    return None if said in _NONE else _REASON_OF.get(said, "other")


def public_endpoint(endpoint: str) -> str:
    """The name or URL of an endpoint without user info, query and fragment, which may hold credentials."""
    bare = re.split("[?#]", endpoint, maxsplit=1)[0] if "://" in endpoint else endpoint
    return _USER.sub(r"\1", bare)


def utc_text(moment: str) -> str:
    """A time as the tables have it, in UTC; `moment` itself if it is no time.

    Args:
        moment: ISO 8601, in UTC unless it states an offset, or seconds, milliseconds or microseconds since 1970.
    """
    text = moment.strip()
    try:
        if _NUMBER.fullmatch(text):
            number = float(text)
            scale = 1e6 if number >= _MICROSECONDS_FROM else 1e3 if number >= _MILLISECONDS_FROM else 1
            found = datetime.fromtimestamp(number / scale, UTC)
        else:
            found = datetime.fromisoformat(text)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return moment
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def split_reasoning(response: str) -> tuple[str | None, str]:
    """(reasoning, answer) of a response that begins with a block of reasoning; None for a blank one."""
    match = _BLOCK.match(response)
    if match is None:
        raise ValueError("the response does not begin with a block")
    return match[1].strip() or None, response[match.end() :]
