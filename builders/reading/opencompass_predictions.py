"""A prediction of OpenCompass as the answers that it states: generated texts, or the likeliest option."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

from llmfusionbench.builders.reading.fields import BadRecordError, answer_text, count, named, text, writable
from llmfusionbench.builders.reading.likelihoods import common_start
from llmfusionbench.builders.reading.objects import ROLES, turns
from llmfusionbench.builders.reading.sent import sent, text_at
from llmfusionbench.types import Turn

ORIGIN: Final = "origin_prompt"
"""The value of the option `prompt` for what was sent."""
_NAMES: Final = {"HUMAN": "user", "BOT": "assistant", "SYSTEM": "system"}
"""OpenCompass' names of roles."""
_ROLES: Final = ROLES | {name.lower(): role for name, role in _NAMES.items()}
_LABEL: Final = "label: "
_TESTED: Final = "testing input"
ROUND: Final = frozenset({"user", "assistant"})
"""Fields of a turn of a dialogue."""
_OF_A_TURN: Final = ("role", "prompt", "content")
_INPUT: Final = "all_input_length"
_OF_AN_ANSWER: Final = ("reasoning_content", _INPUT, "res_length", "inference_error")
_EXTRA: Final = frozenset(_OF_AN_ANSWER)


def is_prediction(record: Any) -> bool:
    """Whether a record is a prediction."""
    return isinstance(record, dict) and "prediction" in record


def asked(record: Mapping[str, Any], path: str) -> dict[str, Any]:
    """`prompt` or `messages` of a prediction."""
    if path != ORIGIN:
        return {"prompt": text_at(record, path)}
    return {"prompt": _scored_prompt(record)} if record.get(ORIGIN) is None else _origin(record[ORIGIN])


def _origin(origin: Any) -> dict[str, Any]:
    if isinstance(origin, list):
        prompted = [turn for turn in origin if not isinstance(turn, dict) or "prompt" in turn]
        if prompted and any(isinstance(turn, dict) for turn in prompted):
            return {"messages": list(map(_turn, prompted))}
    return sent(origin, ORIGIN)


def _turn(turn: Any) -> Turn:
    """A turn `{role: HUMAN | BOT | SYSTEM, prompt}`; a text between them is the user's."""
    if isinstance(turn, str):
        return Turn(role="user", content=writable(turn, ORIGIN))
    content = turn.get("prompt") if isinstance(turn, dict) else None
    if not isinstance(content, str):
        raise BadRecordError(f"{ORIGIN} holds {named(turn)}, expected turns {{role, prompt}}")
    return Turn(role=role_of(turn), content=writable(content, ORIGIN))


def is_turn(value: Any) -> bool:
    """Whether a part of what was sent is a turn; the others mark where sections begin and end."""
    return isinstance(value, str) or (isinstance(value, dict) and any(name in value for name in _OF_A_TURN))


def role_of(turn: Any) -> str:
    """The role of a turn."""
    role = turn.get("role") if isinstance(turn, dict) else None
    if not isinstance(role, str) or not role:
        return "user"
    known = _NAMES.get(role)
    return known or _ROLES.get(role.lower()) or writable(role.lower(), ORIGIN)


def said_turns(origin: Sequence[Any]) -> list[Turn]:
    """The turns in a list of them: texts of the user, `{role, prompt}` or `{role, content}`."""
    found: list[Turn] = []
    for turn in filter(is_turn, origin):
        found += (turns([turn], ORIGIN) or []) if isinstance(turn, dict) and "prompt" not in turn else [_turn(turn)]
    return found


def _scored_prompt(record: Mapping[str, Any]) -> str:
    """What the prompts of all options begin with, where options were scored."""
    labelled = [value for name, value in record.items() if name.startswith(_LABEL) and isinstance(value, dict)]
    texts = [text for value in labelled if isinstance(text := value.get(_TESTED, value.get("prompt")), str)]
    alone = record.get("prompt", record.get(_TESTED))
    if not texts and isinstance(alone, str):
        texts = [alone]
    start = common_start(texts).strip() if len(texts) > 1 else "".join(texts)
    if not start:
        raise BadRecordError(f"{ORIGIN} is missing, expected what was sent")
    return writable(start, _TESTED)


def answers(record: Mapping[str, Any], *, in_turns: bool = False) -> list[dict[str, Any]]:
    """The columns of the answers; several where several were asked for, or one per turn.

    Args:
        record: A prediction.
        in_turns: Whether they are the answers in a conversation, so that the length of all input is that of none of them.
    """
    said = record["prediction"]
    if isinstance(said, list) and said:
        if are_numbers(said):
            return [_likeliest(record, said)]
        fields = [_fields(record, place, len(said), in_turns=in_turns) for place in range(len(said))]
        return [answer_of(value, own) for value, own in zip(said, fields, strict=True)]
    return [answer_of(said, record)]


def _fields(record: Mapping[str, Any], place: int, several: int, *, in_turns: bool) -> dict[str, Any]:
    """The fields of one of several answers: its part of those that list one for each."""
    own = {}
    for name in _OF_AN_ANSWER:
        value = record.get(name)
        if _is_each(value, several):
            own[name] = value[place]
        elif name in record and (several == 1 or (name == _INPUT and _is_number(value))) and not (name == _INPUT and in_turns):
            own[name] = value
    return own


def answer_of(value: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of one answer, with its own fields."""
    if isinstance(value, dict):
        if "prediction" in value:
            own, value = {**own, **value}, value["prediction"]
        elif value.keys() >= ROUND:
            value = value["assistant"]
    found: dict[str, Any] = {"response": _text(value)}
    if _EXTRA.isdisjoint(own):
        return found
    found |= {
        "reasoning": text(own, "reasoning_content") or None,
        "input_tokens": count(own, _INPUT),
        "output_tokens": count(own, "res_length"),
    }
    error = own.get("inference_error")
    if error:
        found |= {"response": found["response"] or None, "status": "error", "error": _text(error)}
    return found


def are_numbers(said: Sequence[Any]) -> bool:
    """Whether predictions are the probabilities of options."""
    return all(map(_is_number, said))


def _is_each(value: Any, several: int) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and len(value) == several


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _likeliest(record: Mapping[str, Any], shares: list[float]) -> dict[str, Any]:
    """The option that an LLM holds for the likeliest, where `prediction` has the probabilities of all (`CLPInferencer`)."""
    choices = record.get("choices")
    if not _is_each(choices, len(shares)) or not all(isinstance(choice, str) for choice in choices):
        raise BadRecordError(
            "prediction is a list of numbers, and choices does not name as many options. Remedy: add the options as choices"
        )
    label = record.get("pred_label")
    place = label if _is_place(label, len(shares)) else max(range(len(shares)), key=shares.__getitem__)
    return {"response": writable(choices[place], "choices"), "choices": [writable(c, "choices") for c in choices]}


def _is_place(value: Any, length: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < length


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return writable(value, "prediction")
    return None if value is None else writable(json.dumps(value, ensure_ascii=False), "prediction")


def truth(record: Mapping[str, Any]) -> str | None:
    """The reference answer; one with several parts as the text of its JSON."""
    gold = record.get("gold")
    if type(gold) is str:
        return answer_text(gold, "gold") or None
    choices = record.get("choices")
    if isinstance(record.get("prediction"), list) and isinstance(choices, list) and _is_place(gold, len(choices)):
        gold = choices[gold]
    if isinstance(gold, dict) or (isinstance(gold, list) and not all(isinstance(part, str) for part in gold)):
        return writable(json.dumps(gold, ensure_ascii=False), "gold")
    return str(gold) if isinstance(gold, bool) else answer_text(gold, "gold") or None
