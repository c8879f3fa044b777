"""A prediction of OpenCompass as the answers that it states: generated texts, or the label of the likeliest option."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, answer_text, named, writable
from llmfusionbench.builders.reading.likelihoods import common_start
from llmfusionbench.builders.reading.sent import sent, text_at

ORIGIN: Final = "origin_prompt"
"""The value of the option `prompt` for what was sent."""
_ROLES: Final = {"human": "user", "user": "user", "bot": "assistant", "assistant": "assistant", "system": "system"}
_LABEL: Final = "label: "
_TESTED: Final = "testing input"


def is_prediction(record: Any) -> bool:
    """Whether a record is a prediction."""
    return isinstance(record, dict) and "prediction" in record


def asked(record: Mapping[str, Any], path: str) -> dict[str, Any]:
    """`prompt` or `messages` of a prediction."""
    if path != ORIGIN:
        return {"prompt": text_at(record, path)}
    origin = record.get(ORIGIN)
    if origin is None:
        return {"prompt": _scored_prompt(record)}
    if isinstance(origin, list) and any(isinstance(turn, dict) and "prompt" in turn for turn in origin):
        return {"messages": [_turn(turn) for turn in origin if not isinstance(turn, dict) or "prompt" in turn]}
    return sent(origin, ORIGIN)


def _turn(turn: Any) -> dict[str, str]:
    """A turn `{role: HUMAN | BOT | SYSTEM, prompt}`; a text between them is the user's."""
    if isinstance(turn, str):
        return {"role": "user", "content": writable(turn, ORIGIN)}
    if not isinstance(turn, dict) or not isinstance(turn.get("prompt"), str):
        raise BadRecordError(f"{ORIGIN} holds {named(turn)}, expected turns {{role, prompt}}")
    role = turn.get("role")
    known = _ROLES.get(role.lower(), role.lower()) if isinstance(role, str) and role else "user"
    return {"role": writable(known, ORIGIN), "content": writable(turn["prompt"], ORIGIN)}


def _scored_prompt(record: Mapping[str, Any]) -> str:
    """What the prompts of all options begin with, where options were scored."""
    labelled = [value for name, value in record.items() if name.startswith(_LABEL) and isinstance(value, dict)]
    texts = [text for value in labelled if isinstance(text := value.get(_TESTED, value.get("prompt")), str)]
    start = common_start(texts).strip() if len(texts) > 1 else "".join(texts)
    if not start:
        raise BadRecordError(f"{ORIGIN} is missing, expected what was sent")
    return writable(start, _TESTED)


def answers(record: Mapping[str, Any]) -> list[str | None]:
    """The texts of the answers; several where several were asked for."""
    said = record.get("prediction")
    listed = said if isinstance(said, list) and said else [said]
    return [_text(text) for text in listed]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else writable(value, "prediction")
    return writable(json.dumps(value, ensure_ascii=False), "prediction")


def truth(record: Mapping[str, Any]) -> str | None:
    """The reference answer; one with several parts as the text of its JSON."""
    gold = record.get("gold")
    if isinstance(gold, dict) or (isinstance(gold, list) and not all(isinstance(part, str) for part in gold)):
        return writable(json.dumps(gold, ensure_ascii=False), "gold")
    return str(gold) if isinstance(gold, bool) else answer_text(gold, "gold") or None
