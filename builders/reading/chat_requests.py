"""What was asked of an LLM, from the body of a request: chat completions, completions, responses and messages.

The bodies are those of OpenAI's `/v1/chat/completions`, `/v1/completions` and `/v1/responses` and of Anthropic's
`/v1/messages`, which other APIs and gateways share. A part that is not a text, such as an image, stands as its type and
the start of its hash, so that different images make different queries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, named, writable
from llmfusionbench.builders.reading.loose import loose_count, loose_number, loose_object, unpacked
from llmfusionbench.builders.reading.objects import ROLES, SETTINGS
from llmfusionbench.types import Turn, is_plain_prompt

_PLAIN: Final = ("user", "assistant", "system", "developer")
_CALLS: Final = ("tool_calls", "function_call")
_THOUGHTS: Final = ("thinking", "redacted_thinking", "reasoning")
"""Types of parts and items that hold what an LLM thought in an earlier turn; they are not asked."""
_WRAPS: Final = ("messages", "prompt", "input")
"""Fields of an object that hold what was asked, the most telling first."""
_OURS: Final = {name: ours for ours, names in SETTINGS.items() for name in names} | {"reasoning": "effort"}
"""The name of a setting in a request -> ours; `reasoning` is an object with an effort."""
_SHOWN: Final = 12
_DEPTH: Final = 8


def asked(body: Mapping[str, Any]) -> dict[str, Any]:
    """`prompt` or `messages`, `sampling` and `requested_model` of a request's body.

    Raises:
        BadRecordError: what was asked is not a text and not a list of turns.
    """
    model = body.get("model")
    found = {"requested_model": writable(model, "model") if isinstance(model, str) and model else None}
    settings = sampling_of(body)
    return found | ({"sampling": settings} if settings else {}) | query_in(body)


def query_in(body: Mapping[str, Any]) -> dict[str, Any]:
    """As `asked`, `prompt` or `messages` alone."""
    name = _wrap(body)
    if name is None:
        return {}
    value = body[name]
    if name == "prompt" and isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if name == "prompt" and isinstance(value, list) and not all(isinstance(turn, dict) for turn in value):
        raise BadRecordError(f"prompt is a list of {len(value):,}, expected one text or a list of one")
    before = [_said(body[key], key) for key in ("system", "instructions") if key in body]
    return query_of(value, name, [Turn(role="system", content=text) for text in before if text])


def _wrap(body: Mapping[str, Any]) -> str | None:
    """The field of an object that holds what was asked; None if there is none."""
    for name in _WRAPS:
        if name in body and body[name] not in (None, "", [], {}):
            return name
    return None


def query_of(value: Any, name: str, before: list[Turn] | None = None) -> dict[str, Any]:
    """`prompt`, where one turn of the user says all, else `messages`; empty where there is nothing.

    Args:
        value: A text, a list of turns, or an object that holds one of them.
        name: What the value is called, for messages.
        before: Turns that come first, such as the system's.
    """
    if not before and type(value) is list and len(value) == 1 and (plain := _plain(value[0])):
        return {"prompt": plain}  # checked with the whole record, which is faster
    said = (before or []) + turns_of(value, name)
    if not any(turn["content"] for turn in said):
        return {}
    return {"prompt": said[0]["content"]} if is_plain_prompt(said) else {"messages": said}


def _plain(item: Any) -> str | None:
    """The text of a turn of the user that is a text and no more."""
    if type(item) is not dict or len(item) != 2 or item.get("role") != "user":
        return None
    content = item.get("content")
    return content if type(content) is str else None


def turns_of(value: Any, name: str) -> list[Turn]:
    """The turns of a conversation; a text is one of the user."""
    value = _unpacked(value)
    for _ in range(_DEPTH):
        if isinstance(value, dict) and not (_role(value) or "kwargs" in value):
            inner = _wrap(value)
            if inner is None:
                break
            before = _said(value.get("system"), "system")
            if before:
                return [Turn(role="system", content=before), *turns_of(value[inner], name)]
            value = _unpacked(value[inner])
        elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
            value = value[0]  # LangChain logs a batch of one conversation
        else:
            break
    if isinstance(value, str):
        return [Turn(role="user", content=writable(value, name))]
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise BadRecordError(f"{name} is {named(value)}, expected a text or a list of turns [{{role, content}}]")
    return [turn for i, item in enumerate(value) if (turn := _turn(item, f"{name}[{i}]")) is not None]


def _unpacked(value: Any) -> Any:
    """A conversation that a text holds as JSON; a text of anything else is what was asked, as it is."""
    found = unpacked(value)
    if found is value or isinstance(found, dict):
        return found if found is value or _role(found) or any(key in found for key in ("messages", "kwargs")) else value
    inner = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    return found if inner and all(isinstance(turn, dict) and ("kwargs" in turn or _role(turn)) for turn in inner) else value


def _turn(item: Any, name: str) -> Turn | None:
    """One turn; None for what was thought in an earlier one."""
    if isinstance(item, str):
        return Turn(role="user", content=writable(item, name))
    if not isinstance(item, dict):
        raise BadRecordError(f"{name} is {named(item)}, expected {{role, content}}")
    if len(item) == 2 and item.get("role") in _PLAIN and isinstance(item.get("content"), str):
        return Turn(role=item["role"], content=item["content"])
    item = item["kwargs"] if isinstance(item.get("kwargs"), dict) else item  # a message of LangChain
    kind, role = item.get("type"), _role(item)
    if role is not None:
        content = _said(item.get("content", item.get("parts", item.get("value"))), f"{name}.content")
        calls = [_written(item[key], f"{name}.{key}") for key in _CALLS if item.get(key)]
        return Turn(role=writable(role, f"{name}.role"), content="\n".join(part for part in (content, *calls) if part))
    if kind == "function_call_output":
        return Turn(role="tool", content=_said(item.get("output"), f"{name}.output"))
    if kind in _THOUGHTS:
        return None
    if isinstance(kind, str) and kind.endswith("_call"):
        return Turn(role="assistant", content=call_text(item, name))
    raise BadRecordError(f"{name} is {named(item)} without a role, expected {{role, content}}")


def _role(item: Mapping[str, Any]) -> str | None:
    role = item.get("role", item.get("from"))
    if not isinstance(role, str) or not role:
        role = item.get("type") if "content" in item and item.get("type") in (*ROLES, "system", "tool", "user") else None
    return None if role is None else ROLES.get(role.lower(), role.lower())


def _said(content: Any, name: str, depth: int = _DEPTH) -> str:
    """The text of a turn: its parts, each that is not a text by its type and hash."""
    if content is None or isinstance(content, str):
        return writable(content or "", name)
    if depth == 0:
        raise BadRecordError(f"{name} is nested too deep, expected a text, or parts with texts")
    parts = content if isinstance(content, (list, tuple)) else [content]
    return "\n".join(text for part in parts if (text := _part(part, name, depth)))


def _part(part: Any, name: str, depth: int) -> str:
    if isinstance(part, str):
        return writable(part, name)
    if not isinstance(part, dict):
        raise BadRecordError(f"{name} is {named(part)}, expected a text, or parts with texts")
    kind = part.get("type")
    text = part.get("text", part.get("refusal"))
    if isinstance(text, str):
        return writable(text, name)
    if kind in _THOUGHTS:
        return ""
    if kind == "tool_use":
        return call_text(part, name)
    if kind == "tool_result":
        return _said(part.get("content"), name, depth - 1)
    digest = hashlib.sha256(json.dumps(part, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).hexdigest()
    return f"[{writable(kind, name) if isinstance(kind, str) else 'part'} {digest[:_SHOWN]}]"


def call_text(call: Mapping[str, Any], name: str) -> str:
    """A call of a tool as the text of its JSON: its name and arguments."""
    given = {key: call[key] for key in ("name", "arguments", "input", "action") if call.get(key) is not None}
    return _written(given or dict(call), name)


def _written(value: Any, name: str) -> str:
    return writable(json.dumps(value, ensure_ascii=False, default=str), name)


def sampling_of(value: Any) -> dict[str, Any] | None:
    """The settings that the tables keep, also from texts; null for one that is not a number, such as `Infinity`."""
    given = loose_object(value)
    if not given or given.keys().isdisjoint(_OURS):
        return None
    found: dict[str, Any] = dict.fromkeys(SETTINGS)
    for name in filter(_OURS.__contains__, given):
        ours, theirs = _OURS[name], given[name]
        if theirs is None or found[ours] is not None:
            continue
        if ours == "effort":
            theirs = theirs.get("effort") if isinstance(theirs, dict) else theirs
            found[ours] = writable(theirs, "effort") if isinstance(theirs, str) and theirs else None
        elif ours in ("temperature", "top_p"):
            number = loose_number(theirs)
            found[ours] = None if number is None or number < 0 or (ours == "top_p" and number > 1) else number
        else:
            found[ours] = loose_count(theirs)
    return found if any(v is not None for v in found.values()) else None
