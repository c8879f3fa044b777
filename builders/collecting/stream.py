"""A streamed answer: events of a server put together to the body that the same answer has without streaming."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from llmfusionbench.builders.collecting.halves import DEEPEST, has_halves, joined_halves

_TEXTS: Final = ("content", "reasoning_content", "reasoning", "refusal", "thinking")
"""Fields of a delta that are texts, or lists of parts; the pieces follow each other."""
_PART_TEXTS: Final = ("text", "summary", "thinking")
"""Fields of a part that are texts."""


class BrokenStreamError(ValueError):
    """The stream holds something else than events with JSON objects."""


class _Pieces(list[str]):
    """The pieces of a text: joined once, since a text that grows piece by piece is copied each time."""


class Stream:
    """The events of one answer.

    Args:
        on_first: Called once, at the first piece of a text.
    """

    def __init__(self, on_first: Callable[[], None]) -> None:
        self.on_first = on_first
        self.ended = False
        """Whether the server stated that the stream is at its end."""
        self.pieces = 0
        """Pieces of texts that came."""
        self._halves = False
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._body: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self._choice: dict[str, Any] = {}
        self._logprobs: list[Any] = []
        self._usage: dict[str, Any] = {}
        """Counts that stand elsewhere than in `usage` of an event: in its `x_groq` at Groq, in its choice at Moonshot."""

    def feed(self, chunk: bytes) -> None:
        """Take further bytes; a character or a line may be cut in two.

        Raises:
            BrokenStreamError: An event is not a JSON object.
        """
        before = len(self._rest)
        self._rest += chunk
        if b"\n" not in chunk and b"\r" not in chunk:
            return
        end = max(self._rest.rfind(b"\n", before), self._rest.rfind(b"\r", before, len(self._rest) - 1))
        if end < 0:  # a CR at the very end may be half of a line end
            return
        lines = bytes(self._rest[: end + 1]).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        del self._rest[: end + 1]
        for line in lines[:-1]:
            self._line(line)

    def close(self) -> dict[str, Any]:
        """The body, after the last bytes. Raises BrokenStreamError for a last event that is not a JSON object."""
        for line in bytes(self._rest).splitlines():
            self._line(line)
        self._rest.clear()
        self._line(b"")
        return self.body

    @property
    def finished(self) -> bool:
        """Whether the answer is whole: its reason to end came, or the end of the stream."""
        return self.ended or self._choice.get("finish_reason") is not None

    @property
    def body(self) -> dict[str, Any]:
        """The body so far, as UTF-8 can write it."""
        message = {name: _whole(value) for name, value in self._message.items()}
        choice = self._choice | {"index": 0, "message": message}
        if self._logprobs:
            choice["logprobs"] = {"content": self._logprobs}
        usage = {} if self._body.get("usage") or not self._usage else {"usage": self._usage}
        whole = self._body | usage | ({"choices": [choice]} if self._choice or message or "error" not in self._body else {})
        return joined_halves(whole) if self._halves else whole

    def _line(self, line: bytes) -> None:
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            return
        if self._data:
            data, self._data = b"\n".join(self._data), []
            if data.strip() == b"[DONE]":
                self.ended = True
            elif data.strip():
                self._event(data)

    def _event(self, data: bytes) -> None:
        self._halves = self._halves or has_halves(data)
        try:
            event = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BrokenStreamError("an event is not JSON") from error
        if not isinstance(event, dict):
            raise BrokenStreamError("an event is not a JSON object")
        self._body |= {name: value for name, value in event.items() if name != "choices" and value is not None}
        self._note_usage(event.get("x_groq"))
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index", 0) == 0:
                self._take(choice)

    def _note_usage(self, place: Any) -> None:
        usage = place.get("usage") if isinstance(place, dict) else None
        self._usage = usage if isinstance(usage, dict) and usage else self._usage

    def _take(self, choice: dict[str, Any]) -> None:
        self._note_usage(choice)
        for name in ("finish_reason", "native_finish_reason", "stop_reason", "error"):
            if choice.get(name) is not None:
                self._choice[name] = choice[name]
        logprobs = choice.get("logprobs")
        tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
        self._logprobs += tokens if isinstance(tokens, list) else []
        delta = choice.get("delta", choice.get("message"))
        if not isinstance(delta, dict):
            delta = {"content": choice.get("text")}
        for name, value in delta.items():
            if value:
                self._piece(name, value)

    def _piece(self, name: str, value: Any) -> None:
        if name in _TEXTS and isinstance(value, str):
            kept = self._message.setdefault(name, _Pieces())
            if isinstance(kept, list):
                kept.append(value)
        elif name in (*_TEXTS, "reasoning_details") and isinstance(value, list):
            self._message[name] = _joined(self._message.get(name), value)
        elif name == "tool_calls" and isinstance(value, list):
            self._message[name] = _calls(self._message.get(name) or [], value)
        else:
            self._message[name] = value
            return
        self.pieces += 1
        if self.pieces == 1:
            self.on_first()


def _whole(value: Any, depth: int = 0) -> Any:
    """A text, or parts with their texts, in place of the pieces."""
    if isinstance(value, _Pieces):
        return "".join(value)
    if isinstance(value, list | dict) and depth == DEEPEST:
        return None
    if isinstance(value, list):
        return [_whole(part, depth + 1) for part in value]
    return {name: _whole(inner, depth + 1) for name, inner in value.items()} if isinstance(value, dict) else value


def _joined(kept: Any, parts: list[Any]) -> list[Any]:
    """Parts with further ones; a part that goes on with the last one is joined to it."""
    if isinstance(kept, _Pieces):
        kept = [{"type": "text", "text": kept}]
    found: list[Any] = kept if isinstance(kept, list) else []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, dict) and isinstance(last, dict) and _goes_on(last, part):
            _extend(last, part)
        else:
            found.append(dict(part) if isinstance(part, dict) else part)
    return found


def _goes_on(last: dict[str, Any], part: dict[str, Any]) -> bool:
    return all(part.get(name) == last.get(name) for name in ("type", "index"))


def _extend(last: dict[str, Any], part: dict[str, Any]) -> None:
    """Add a piece to a part: its texts at the end, all else in place of what was there."""
    for name, value in part.items():
        before = last.get(name)
        if name in _PART_TEXTS and isinstance(value, str) and isinstance(before, str | _Pieces):
            last[name] = pieces = before if isinstance(before, _Pieces) else _Pieces([before])
            pieces.append(value)
        elif name in _PART_TEXTS and isinstance(value, list) and isinstance(before, list):
            last[name] = _joined(before, value)
        elif value is not None:
            last[name] = value


def _calls(kept: list[Any], parts: list[Any]) -> list[Any]:
    """Calls of tools with further pieces, which are matched by their index."""
    for part in parts:
        if not isinstance(part, dict):
            continue
        place = part.get("index", len(kept))
        known = next((call for call in kept if call.get("index") == place), None)
        if known is None:
            known = {"index": place, "function": {}}
            kept.append(known)
        function = part.get("function")
        known |= {k: v for k, v in part.items() if k != "function" and v is not None}
        for name, value in function.items() if isinstance(function, dict) else ():
            before = known["function"].get(name)
            known["function"][name] = before + value if isinstance(before, str) and isinstance(value, str) else value
    return kept
