"""Fields of a log that are objects or lists of them: the turns of a conversation, the settings of a request, a distribution."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, count, literal, named, number, text, writable
from llmfusionbench.types import Turn

SETTINGS: Final = {
    "temperature": ("temperature",),
    "top_p": ("top_p", "topP"),
    "max_tokens": (
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "max_new_tokens",
        "maxOutputTokens",
        "max_gen_toks",
    ),
    "seed": ("seed",),
    "effort": ("effort", "reasoning_effort"),
}
"""Our settings, each with the names that requests give it."""
ROLES: Final = {"human": "user", "gpt": "assistant", "model": "assistant", "ai": "assistant", "bot": "assistant"}
_PARTS: Final = {"type", "text", "summary"}
"""Fields of a part of a reasoning, of which each part has one or more."""
_BLANK: Final = ("", "null", "None", "nan", "[]", "{}")


def turns(value: Any, name: str = "messages") -> list[Turn] | None:
    """The messages of a request: `[{role, content}]`, contents of several text parts joined, or such a list as text.

    `from` and `value` serve for `role` and `content`, as ShareGPT has them.
    """
    listed = _parsed(value, name)
    if listed is None:
        return None
    if isinstance(listed, Mapping):
        listed = listed.get("messages", listed)
    if not isinstance(listed, (list, tuple)) or not listed:
        raise BadRecordError(f"{name} is {named(listed)}, expected a list of turns [{{role, content}}]")
    found: list[Turn] = []
    for i, turn in enumerate(listed):
        role = turn.get("role", turn.get("from")) if isinstance(turn, Mapping) else None
        if not isinstance(turn, Mapping) or not isinstance(role, str) or not role:
            raise BadRecordError(f"{name}[{i}] is {named(turn)} without a role, expected {{role, content}}")
        content = _content(turn.get("content", turn.get("value")), f"{name}[{i}].content")
        if turn.get("tool_calls"):  # they are part of what was said
            content = "\n".join(part for part in (content, _written(turn["tool_calls"], f"{name}[{i}].tool_calls")) if part)
        role = ROLES.get(role.lower(), role.lower())
        found.append(Turn(role=writable(role, f"{name}[{i}].role"), content=content))
    return found


def _written(value: Any, name: str) -> str:
    return writable(json.dumps(value, ensure_ascii=False, default=str), name)


def _content(value: Any, name: str) -> str:
    if value is None:  # a turn that only calls a tool
        return ""
    if isinstance(value, str):
        return writable(value, name)
    parts = value if isinstance(value, list) else [value]
    found = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    texts = [part for part in found if isinstance(part, str)]
    if len(texts) < len(found):
        raise BadRecordError(f"{name} is {named(value)}, expected a text, or parts with texts")
    return writable("\n".join(texts), name)


def reasoning_text(value: Any, name: str = "reasoning") -> str | None:
    """The reasoning that came apart from an answer: a text, or parts of which each has a text or a summary."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        found = literal(value)
        listed = [found] if isinstance(found, Mapping) else found
        if isinstance(listed, list) and all(isinstance(part, Mapping) and _PARTS & part.keys() for part in listed):
            value = listed  # else it is a text that begins so
    if value is None or isinstance(value, str):
        return writable(value, name) if value else None
    parts = value if isinstance(value, (list, tuple)) else [value]
    texts = [_said(part) if isinstance(part, Mapping) else part for part in parts]
    return writable("\n\n".join(part for part in texts if isinstance(part, str) and part), name) or None


def _said(part: Mapping[str, Any]) -> Any:
    """What a part of a reasoning says, if it is not encrypted."""
    return part.get("text") or part.get("summary") or part.get("content")


def moment_text(value: Any, name: str = "created_at") -> str | None:
    """A time as text: of numbers, dates and texts; None for a blank."""
    if value is None or (isinstance(value, str) and value.strip() in _BLANK) or value != value:  # NaN is not itself
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return seconds_text(value)
    return value.isoformat() if isinstance(value, date) else writable(str(value), name)


def seconds_text(value: float) -> str:
    """Seconds since 1970 as text, to the microsecond."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def error_text(value: Any, name: str = "error") -> str | None:
    """Why a call failed: a text, or the message of an object; None for a blank, and for false."""
    if not value or value != value or (isinstance(value, str) and value.strip() in (*_BLANK, "false")):
        return None
    if isinstance(value, str) and value.startswith("{"):
        found = literal(value)
        value = found if isinstance(found, Mapping) else value
    if isinstance(value, Mapping):
        inner = value.get("message", value.get("error"))
        value = inner if isinstance(inner, str) and inner else json.dumps(value, ensure_ascii=False, default=str)
    return writable(str(value), name)


def sampling(value: Any, name: str = "sampling") -> dict[str, Any] | None:
    """The settings of a request that the tables keep; the others, such as the prompt, are left out. None if there are none."""
    given = _parsed(value, name)
    if given is None:
        return None
    if type(given) is not dict and not isinstance(given, Mapping):
        raise BadRecordError(f"{name} is {named(given)}, expected an object of settings, such as {{temperature, top_p}}")
    found: dict[str, Any] = dict.fromkeys(SETTINGS)
    for ours, names in SETTINGS.items():
        for theirs in names:
            if given.get(theirs) is not None:
                read = text if ours == "effort" else number if ours in ("temperature", "top_p") else count
                found[ours] = read(given, theirs)
                break
    return found if any(v is not None for v in found.values()) else None


def distribution(value: Any, name: str = "judge_distribution") -> list[dict[str, float]] | None:
    """The probability of each score: `[{score, probability}]`, or an object from scores to probabilities."""
    given = _parsed(value, name)
    if given is None:
        return None
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif isinstance(given, (list, tuple)) and all(isinstance(p, Mapping) for p in given):
        pairs = [(p.get("score"), p.get("probability")) for p in given]
    else:
        raise BadRecordError(f"{name} is {named(given)}, expected [{{score, probability}}]")
    try:
        found = [{"score": float(score), "probability": float(probability)} for score, probability in pairs]
    except (TypeError, ValueError) as error:
        raise BadRecordError(f"{name} holds {named(given)}, expected numbers ({error})") from error
    return sorted(found, key=lambda pair: pair["score"])


def _parsed(value: Any, name: str) -> Any:
    """The value, read out of a text if it is one; None for a blank."""
    if not isinstance(value, str):
        return value or None
    if value.strip() in _BLANK:
        return None
    found = literal(value)
    if found is None:
        raise BadRecordError(f"{name} is {named(value)}, expected a list or an object")
    return found
