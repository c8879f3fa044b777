"""Texts in Inspect's samples: messages, parts of messages, and attachments that stand elsewhere in the sample."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, named, writable
from llmfusionbench.types import Turn

_PROTOCOLS: Final = ("attachment://", "tc://")
_SILENT: Final = ("text", "reasoning")
_HASH_LENGTH: Final = 200


class Texts:
    """The texts of one sample."""

    def __init__(self, attachments: Any) -> None:
        self._attachments: Mapping[str, Any] = attachments if isinstance(attachments, dict) else {}
        self.kinds: Counter[str] = Counter()
        """What else than text the sample holds, such as `image`, and how often."""
        self.lost: set[str] = set()
        """References to attachments that the sample lacks."""

    def text(self, value: Any, name: str) -> str | None:
        """A text or null; one that refers to an attachment is that attachment."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise BadRecordError(f"{name} is {named(value)}, expected a text")
        protocol = next((p for p in _PROTOCOLS if value.startswith(p)), None)
        if protocol is not None and len(value) < _HASH_LENGTH:
            found = self._attachments.get(value[len(protocol) :])
            if isinstance(found, str):
                value = found
            else:
                self.lost.add(value)
        return writable(value, name)

    def content(self, value: Any, name: str, *, marked: bool) -> str:
        """The texts of a message's parts, a line break between them, without its reasoning.

        Args:
            value: A text, or a list of parts.
            name: What it is called in messages.
            marked: Whether a part that is not text is written as `[image]`, ... in its place.
        """
        if not isinstance(value, list):
            return self.text(value, name) or ""
        said: list[str] = []
        for i, part in enumerate(value):
            if not isinstance(part, dict):
                said.append(self.text(part, f"{name}[{i}]") or "")
                continue
            kind = part.get("type", "text")
            if kind == "text":
                said.append(self.text(part.get("text"), f"{name}[{i}].text") or "")
            elif kind not in _SILENT:
                shown = kind if isinstance(kind, str) and kind.isidentifier() and len(kind) < 40 else "other"
                self.kinds[shown] += 1
                if marked:
                    said.append(f"[{shown}]")
        return "\n".join(said)

    def reasoning(self, message: Mapping[str, Any], name: str) -> str | None:
        """The reasoning of a message; of a part that is redacted, its summary."""
        found = [self.text(message.get("reasoning"), f"{name}.reasoning")]  # older logs
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type") == "reasoning":
                if part.get("redacted"):
                    self.kinds["redacted reasoning"] += not part.get("summary")
                    found.append(self.text(part.get("summary"), f"{name}.summary"))
                else:
                    found.append(self.text(part.get("reasoning") or part.get("summary"), f"{name}.reasoning"))
        return "\n\n".join(text for text in found if text) or None

    def turns(self, messages: Any, name: str) -> list[Turn]:
        """Messages as turns; the calls of tools in them are part of what was said."""
        if not isinstance(messages, list):
            raise BadRecordError(f"{name} is {named(messages)}, expected a list of messages")
        found: list[Turn] = []
        for i, message in enumerate(messages):
            place = f"{name}[{i}]"
            role = message.get("role") if isinstance(message, dict) else None
            if not isinstance(message, dict) or not isinstance(role, str) or not role:
                raise BadRecordError(f"{place} is {named(message)} without a role, expected {{role, content}}")
            said = self.content(message.get("content"), f"{place}.content", marked=True)
            calls = called(message, place)
            found.append(Turn(role=writable(role, place), content="\n".join(part for part in (said, calls) if part)))
        return found


def called(message: Mapping[str, Any], name: str) -> str:
    """The calls of tools in a message as JSON; empty if there are none."""
    calls = message.get("tool_calls")
    if not calls:
        return ""
    kept = (
        [{k: call.get(k) for k in ("function", "arguments")} if isinstance(call, dict) else call for call in calls]
        if isinstance(calls, list)
        else calls
    )
    return writable(json.dumps(kept, ensure_ascii=False, default=str), f"{name}.tool_calls")
