"""OpenAI's rules for fine-tuning files, as documented, checked line by line before anything is uploaded.

Sources: the API reference of the fine-tuning inputs (chat and preference) and of the file upload, the guides to supervised
fine-tuning and to direct preference optimization, and the cookbook's "Data preparation and analysis for chat model
fine-tuning". The length of an example in tokens is not checked, because its limit depends on the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

from llmfusionbench.validation.issue import Issue, shorten

LEAST_EXAMPLES: Final = 10
MOST_BYTES: Final = 512 * 10**6
"""512 MB a file."""

_CHAT_KEYS: Final = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
_PAIR_KEYS: Final = frozenset({"input", "preferred_output", "non_preferred_output"})
_INPUT_KEYS: Final = frozenset({"messages", "tools", "parallel_tool_calls"})
_EVERY: Final = frozenset({"role", "content", "name"})
_KEYS_OF_ROLE: Final[dict[str, frozenset[str]]] = {
    "system": _EVERY,
    "user": _EVERY,
    "assistant": _EVERY | {"weight", "tool_calls", "function_call", "refusal"},
    "tool": _EVERY | {"tool_call_id"},
    "function": _EVERY,
}
_OUTPUT_ROLES: Final = frozenset({"assistant", "tool"})
_MISSING: Final = object()
"""In place of a value that is not there, which is not the same as null."""
_Found = tuple[str | None, object, str]
"""Column, value, what was expected."""


def openai_issues(
    lines: Iterable[str | bytes],
    *,
    method: Literal["supervised", "dpo"] = "supervised",
    file: str = "train.jsonl",
    most: int = 100,
) -> list[Issue]:
    """Everything in a fine-tuning file of texts that OpenAI's documentation rules out.

    Args:
        lines: The lines of the file, with or without their ends.
        method: `supervised` for answers (`messages`), `dpo` for pairs (`input`, `preferred_output`, ...).
        file: What the issues call it.
        most: Maximum number of issues of single lines; the rules for the whole file are always checked.
    """
    examine = _chat_issues if method == "supervised" else _pair_issues
    issues: list[Issue] = []
    examples = size = 0
    for number, line in enumerate(lines, start=1):
        data = line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
        size += len(data.rstrip(b"\r\n")) + 1
        examples += 1
        if len(issues) >= most:
            continue
        try:
            example = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError):
            found: Iterable[_Found] = [(None, data[:200].decode("utf-8", "replace"), "one JSON object in UTF-8")]
        else:
            found = examine(example) if isinstance(example, dict) else [(None, example, "a JSON object")]
        for column, value, expected in found:
            shown = None if value is _MISSING else shorten(value)
            issues.append(Issue(file, number - 1, column, shown, expected, line=number))
    del issues[most:]
    if examples < LEAST_EXAMPLES:
        issues.append(Issue(file, None, None, f"{examples} examples", f"at least {LEAST_EXAMPLES}"))
    if size > MOST_BYTES:
        issues.append(Issue(file, None, None, f"{size:,} bytes", f"at most {MOST_BYTES:,}; export in shards"))
    return issues


def _chat_issues(example: dict[str, Any]) -> Iterator[_Found]:
    yield from _unknown("", example, _CHAT_KEYS)
    messages = example.get("messages", _MISSING)
    yield from _conversation("messages", messages)
    last = messages[-1] if isinstance(messages, list) and messages else {}
    if isinstance(last, dict) and last.get("role", "assistant") != "assistant":
        yield f"messages[{len(messages) - 1}].role", last["role"], "assistant: the last message is what is learned"


def _pair_issues(example: dict[str, Any]) -> Iterator[_Found]:
    yield from _unknown("", example, _PAIR_KEYS)
    asked = example.get("input", _MISSING)
    if isinstance(asked, dict):
        yield from _unknown("input.", asked, _INPUT_KEYS)
        yield from _conversation("input.messages", asked.get("messages", _MISSING))
    else:
        yield "input", asked, "an object with messages"
    for side in ("preferred_output", "non_preferred_output"):
        output = example.get(side, _MISSING)
        yield from _conversation(side, output)
        roles = [message.get("role") for message in output if isinstance(message, dict)] if isinstance(output, list) else []
        for index, role in enumerate(roles):
            if role in _KEYS_OF_ROLE and role not in _OUTPUT_ROLES:
                yield f"{side}[{index}].role", role, "assistant or tool"
        if roles and "assistant" not in roles:
            yield side, roles, "an assistant's message"


def _conversation(place: str, messages: object) -> Iterator[_Found]:
    if not isinstance(messages, list) or not messages:
        yield place, messages, "a list of one message or more"
        return
    for index, message in enumerate(messages):
        here = f"{place}[{index}]"
        if isinstance(message, dict):
            yield from _message(here, message)
        else:
            yield here, message, "an object with role and content"


def _message(here: str, message: dict[str, Any]) -> Iterator[_Found]:
    role = message.get("role", _MISSING)
    if not isinstance(role, str) or role not in _KEYS_OF_ROLE:
        yield f"{here}.role", role, ", ".join(_KEYS_OF_ROLE)
        return
    yield from _unknown(f"{here}.", message, _KEYS_OF_ROLE[role])
    content = message.get("content", _MISSING)
    calls = role == "assistant" and bool(message.get("tool_calls") or message.get("function_call"))
    if not (isinstance(content, str) and content.strip()) and not (calls and content in (None, _MISSING)):
        yield f"{here}.content", content, "a text that is not blank"
    if isinstance(content, str) and not content.isascii() and any("\ud800" <= c <= "\udfff" for c in content):
        yield f"{here}.content", content, "a text without half surrogates"
    if message.get("weight", 0) not in (0, 1) or isinstance(message.get("weight"), bool):
        yield f"{here}.weight", message["weight"], "0 or 1"


def _unknown(place: str, found: dict[str, Any], known: frozenset[str]) -> Iterator[_Found]:
    for key in found:
        if key not in known:
            yield f"{place}{shorten(key)[1:-1]}", found[key], f"no such key; known: {', '.join(sorted(known))}"
