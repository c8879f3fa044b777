"""What was sent to an LLM as a harness keeps it: a text, the messages of a chat, or those as the text of their JSON."""

from __future__ import annotations

from typing import Any

from llmfusionbench.builders.reading.fields import BadRecordError, literal, named, writable
from llmfusionbench.builders.reading.objects import turns

_DIGITS = 6


def sent(value: Any, name: str) -> dict[str, Any]:
    """`prompt` or `messages` of a query."""
    if isinstance(value, (list, tuple)) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if isinstance(value, (list, tuple, dict)):
        return {"messages": turns(value, name)}
    if not isinstance(value, str):
        raise BadRecordError(f"{name} is {named(value)}, expected the text that was sent")
    if value.lstrip().startswith("[") and '"role"' in value:
        said = literal(value)
        if isinstance(said, list) and all(isinstance(turn, dict) and "role" in turn for turn in said):
            return {"messages": turns(said, name)}
    return {"prompt": value}  # whether UTF-8 can write it is checked with the whole record, which is faster


def text_at(record: Any, path: str) -> str:
    """The text, or a number as text, at a path of names and places in lists, such as `doc.question` or `vars.parts.0`."""
    value = record
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and len(step) < _DIGITS and int(step) < len(value):
            value = value[int(step)]
        else:
            value = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise BadRecordError(f"{path} is {named(value)}, expected the text of the question. Remedy: check --option prompt=PATH")
    return writable(value, path)
