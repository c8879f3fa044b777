"""A prediction of OpenCompass as the answers that it states: generated texts, or the likeliest option.

A conversation that was led turn by turn has one query per turn, as MT-Bench has: the turns of the user so far, without the
answers of the LLM between them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from llmfusionbench.builders.reading.fields import BadRecordError, answer_text, count, named, text, writable
from llmfusionbench.builders.reading.judge_names import turn_id
from llmfusionbench.builders.reading.likelihoods import common_start
from llmfusionbench.builders.reading.sent import sent, text_at
from llmfusionbench.builders.reading.sides import asked_turns
from llmfusionbench.types import Turn

ORIGIN: Final = "origin_prompt"
"""The value of the option `prompt` for what was sent."""
_ROLES: Final = {"human": "user", "user": "user", "bot": "assistant", "assistant": "assistant", "system": "system"}
_LABEL: Final = "label: "
_TESTED: Final = "testing input"
_ROUND: Final = {"user", "assistant"}
"""Fields of a turn of a dialogue."""
_OF_AN_ANSWER: Final = ("reasoning_content", "all_input_length", "res_length", "inference_error")
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
    if isinstance(origin, list) and any(isinstance(turn, dict) and "prompt" in turn for turn in origin):
        return {"messages": [_turn(turn) for turn in origin if not isinstance(turn, dict) or "prompt" in turn]}
    return sent(origin, ORIGIN)


def _turn(turn: Any) -> Turn:
    """A turn `{role: HUMAN | BOT | SYSTEM, prompt}`; a text between them is the user's."""
    if isinstance(turn, str):
        return Turn(role="user", content=writable(turn, ORIGIN))
    if not isinstance(turn, dict) or not isinstance(turn.get("prompt"), str):
        raise BadRecordError(f"{ORIGIN} holds {named(turn)}, expected turns {{role, prompt}}")
    role = turn.get("role")
    known = _ROLES.get(role.lower(), role.lower()) if isinstance(role, str) and role else "user"
    return Turn(role=writable(known, ORIGIN), content=writable(turn["prompt"], ORIGIN))


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


def answers(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns of the answers; several where several were asked for, or one per turn."""
    said = record.get("prediction")
    listed = said if isinstance(said, list) and said else [said]
    if isinstance(said, list) and said and all(map(_is_number, said)):
        return [_likeliest(record, said)]
    return [_answer(record, value, place, len(listed)) for place, value in enumerate(listed)]


def _answer(record: Mapping[str, Any], value: Any, place: int, several: int) -> dict[str, Any]:
    if isinstance(value, dict) and "prediction" in value:
        record, value = {**record, **value}, value["prediction"]
    elif isinstance(value, dict) and value.keys() >= _ROUND:
        value = value["assistant"]
    own = record
    if several > 1:
        own = {name: part[place] for name in _OF_AN_ANSWER if _is_each(part := record.get(name), several)}
        own.setdefault("all_input_length", record["all_input_length"] if _is_number(record.get("all_input_length")) else None)
    found: dict[str, Any] = {"response": _text(value)}
    if _EXTRA.isdisjoint(own):
        return found
    found |= {
        "reasoning": text(own, "reasoning_content") or None,
        "input_tokens": count(own, "all_input_length"),
        "output_tokens": count(own, "res_length"),
    }
    error = own.get("inference_error")
    if error:
        found |= {"response": found["response"] or None, "status": "error", "error": _text(error)}
    return found


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


def rounds(record: Mapping[str, Any], path: str, question: str) -> list[dict[str, Any]] | None:
    """The query of each turn of a conversation that was led turn by turn; None for any other prediction.

    Args:
        record: A prediction.
        path: The option `prompt`.
        question: Number of the record.

    Raises:
        BadRecordError: `path` names one text for several turns.
    """
    said, origin = record.get("prediction"), record.get(ORIGIN)
    if not isinstance(said, list) or not said:
        return None
    if all(isinstance(turn, dict) and turn.keys() >= _ROUND for turn in said):
        asked_for: list[list[Any]] = [[turn["user"] for turn in said[: i + 1]] for i in range(len(said))]
    elif not _is_each(origin, len(said)):
        return None
    elif all(isinstance(turn, str) for turn in origin) and len(origin) > 1:
        asked_for = [origin[: i + 1] for i in range(len(said))]
    elif all(isinstance(turn, list) for turn in origin):
        asked_for = origin
    else:
        return None
    if path != ORIGIN:
        raise BadRecordError(f"it is a conversation of {len(said)} turns. Remedy: leave out --option prompt={path}")
    truths = _truths(record, said)
    return [
        {**_round(turns), "ground_truth": truths[i], "source_id": turn_id(question, i + 1)} for i, turns in enumerate(asked_for)
    ]


def _round(turns: list[Any]) -> dict[str, Any]:
    """What was asked up to a turn."""
    found = _origin(turns) if any(isinstance(turn, dict) for turn in turns) else {"messages": [_turn(turn) for turn in turns]}
    return {**asked_turns(found.get("messages") or [])}


def _truths(record: Mapping[str, Any], said: list[Any]) -> list[str | None]:
    """The reference answer of each turn. Where OpenCompass states the LLM's own answers as such, there are none."""
    gold = record.get("gold")
    if not _is_each(gold, len(said)) or gold == said:
        return [None] * len(said)
    return [truth({"gold": part}) for part in gold]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else writable(value, "prediction")
    return writable(json.dumps(value, ensure_ascii=False), "prediction")


def truth(record: Mapping[str, Any]) -> str | None:
    """The reference answer; one with several parts as the text of its JSON."""
    gold, choices = record.get("gold"), record.get("choices")
    if isinstance(record.get("prediction"), list) and isinstance(choices, list) and _is_place(gold, len(choices)):
        gold = choices[gold]
    if isinstance(gold, dict) or (isinstance(gold, list) and not all(isinstance(part, str) for part in gold)):
        return writable(json.dumps(gold, ensure_ascii=False), "gold")
    return str(gold) if isinstance(gold, bool) else answer_text(gold, "gold") or None
