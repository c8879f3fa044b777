"""Conversations that OpenCompass led turn by turn: what was asked up to each answer.

Each answer has a query of its own, as in MT-Bench: the turns so far without the answers of the LLM between them, which differ
by LLM. A list of predictions is of a conversation only if the turns that were sent have a place for each of them; otherwise
they are several answers to one prompt (`num_return_sequences`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.judge_names import turn_id
from llmfusionbench.builders.reading.opencompass_predictions import (
    ORIGIN,
    ROUND,
    are_numbers,
    is_turn,
    role_of,
    said_turns,
    truth,
)
from llmfusionbench.builders.reading.sides import asked_turns


class Round(NamedTuple):
    """An answer in a conversation."""

    place: int
    """Its place among the predictions."""
    query: dict[str, Any]


@dataclass
class Rounds:
    """Tells conversations from several answers to one prompt.

    Args:
        path: The option `prompt`.
    """

    path: str = ORIGIN
    unsure: int = 0
    """Number of records whose turns are all of the user, with as many predictions: either is possible."""

    def note(self) -> str:
        """What was made of the records of which either is possible, for the user."""
        records = f"{self.unsure:,} record{'s' * (self.unsure > 1)}"
        return f"{records} with a prediction for each turn of the user: taken as conversations, not as answers to all turns"

    def read(self, record: Mapping[str, Any], question: str) -> list[Round] | None:
        """The answers of a conversation that was led turn by turn, with their queries; None for any other prediction.

        Args:
            record: A prediction.
            question: Number of the record.

        Raises:
            BadRecordError: its turns have places for another number of answers, or the option `prompt` names one text.
        """
        said = record.get("prediction")
        if not isinstance(said, list) or not said or are_numbers(said):
            return None
        asked_for = self._asked_for(record.get(ORIGIN), said)
        if asked_for is None:
            return None
        if self.path != ORIGIN:
            raise BadRecordError(f"it is a conversation of {len(said)} turns. Remedy: leave out --option prompt={self.path}")
        truths = _truths(record, said)
        return [
            Round(place, {**query, "ground_truth": truths[place], "source_id": turn_id(question, i)})
            for i, (place, query) in enumerate(asked_for, 1)
        ]

    def _asked_for(self, origin: Any, said: list[Any]) -> list[tuple[int, dict[str, Any]]] | None:
        """Place of each answer among the predictions, and what was asked."""
        if all(isinstance(turn, dict) and turn.keys() >= ROUND for turn in said):
            users = [turn["user"] for turn in said]
            return [(i, asked_turns(said_turns(users[: i + 1]))) for i in range(len(said))]
        if not isinstance(origin, list):
            return None
        if len(origin) > 1 and all(isinstance(turn, str) for turn in origin):
            if len(origin) != len(said):
                raise _other_count(len(origin), said)
            return [(i, asked_turns(said_turns(origin[: i + 1]))) for i in range(len(said))]
        if len(origin) == len(said) and all(isinstance(turn, list) for turn in origin):
            return [(i, asked_turns(said_turns(turns))) for i, turns in enumerate(origin)]
        if not all(isinstance(turn, (str, dict)) for turn in origin):
            return None
        turns = list(filter(is_turn, origin))
        return self._in_slots(turns, said) if any(isinstance(turn, dict) for turn in turns) else None

    def _in_slots(self, turns: Sequence[Any], said: list[Any]) -> list[tuple[int, dict[str, Any]]] | None:
        """The same where `multiround` filled turns of the assistant, which are empty or have the answers.

        Turns that are not empty where others are were part of the question.
        """
        own = [i for i, turn in enumerate(turns) if role_of(turn) == "assistant"]
        is_closed = bool(own) and own[-1] == len(turns) - 1
        if not own:
            asked = [i + 1 for i, turn in enumerate(turns) if role_of(turn) == "user"]
            if len(asked) != len(said) or len(said) < 2:
                return None
            self.unsure += 1
            return [(i, asked_turns(said_turns(turns[:end]))) for i, end in enumerate(asked)]
        empty = {i for i in own if _content(turns[i]) in ("", None)}
        slots = own if is_closed else [*own, len(turns)]
        fits = all(i in empty or _content(turns[i]) == answer for i, answer in zip(own, said, strict=False))
        is_filled = is_closed and all(_content(turns[i]) == answer for i, answer in zip(own, said, strict=False))
        if len(said) not in (len(own), len(slots)) or not (fits and (empty or is_filled)):
            if any(i < len(turns) - 1 for i in empty):
                raise _other_count(len(slots), said)
            return None
        led = {i for i in slots if is_filled or i in empty or i == len(turns)}
        return [
            (place, _asked_in([turn for i, turn in enumerate(turns[:end]) if i not in led]))
            for place, end in enumerate(slots[: len(said)])
            if end in led
        ]


def _asked_in(turns: Sequence[Any]) -> dict[str, Any]:
    """What was asked in turns, with those of the assistant that are part of the question."""
    talk = said_turns(turns)
    return {"messages": talk} if any(turn["role"] == "assistant" for turn in talk) else asked_turns(talk)


def _other_count(places: int, said: list[Any]) -> BadRecordError:
    return BadRecordError(f"{ORIGIN} has turns for {places} answers, and prediction has {len(said)}, expected as many")


def _content(turn: Mapping[str, Any]) -> Any:
    return turn.get("prompt", turn.get("content"))


def _truths(record: Mapping[str, Any], said: list[Any]) -> list[str | None]:
    """The reference answer of each turn. Where OpenCompass states the LLM's own answers as such, there are none."""
    gold = record.get("gold")
    if not isinstance(gold, list) or len(gold) != len(said) or gold == said:
        return [None] * len(said)
    return [truth({"gold": part}) for part in gold]
