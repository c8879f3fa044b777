"""A comparison of two answers as two log records: a judgement of either answer against the other one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.types import DIRECT, Candidate, Turn, is_plain_prompt
from llmfusionbench.validation.issue import shorten

Asked = dict[str, Any]
"""What was asked: `prompt`, or `messages` where it is more than one turn of the user."""


@dataclass(frozen=True)
class Side:
    """One of two answers."""

    llm: str
    response: str | None = None
    replicate: int = 0

    @property
    def candidate(self) -> Candidate:
        """The LLM and the mode that its name states."""
        return Candidate.parse(self.llm)


def named_candidate(llm: str) -> dict[str, str | None]:
    """LLM and mode of a log record, by a name such as `name_think`."""
    found = Candidate.parse(llm)
    return {"llm": found.llm, "mode": None if found.mode == DIRECT else found.mode}


def check_two(one: str, other: str, names: tuple[str, str]) -> None:
    """Raise BadRecordError if a candidate is compared with itself."""
    if Candidate.parse(one) == Candidate.parse(other):
        raise BadRecordError(f"{names[0]} and {names[1]} are both {shorten(one)}, expected two LLMs")


def both_sides(
    first: Side, second: Side, share: float | None, order: str | None, common: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The log records of a comparison.

    Args:
        first: The first answer.
        second: The second one.
        share: The share of the second answer, from 0 to 1.
        order: Place of the first answer in what the judge was shown, `first` or `second`; None if it is not known.
        common: The columns of both.
    """
    places = {"first": ("first", "second"), "second": ("second", "first")}.get(order or "", (None, None))
    shares = (None, None) if share is None else (1 - share, share)
    for side, other, place, score in zip((first, second), (second, first), places, shares, strict=True):
        yield {
            **common,
            **named_candidate(side.llm),
            "replicate": side.replicate,
            "response": side.response,
            "judge_opponent": other.llm,
            "judge_order": place,
            "judge_score": score,
        }


def asked_turns(talk: list[Turn]) -> Asked:
    """What was asked in a conversation: its turns but for those of the LLM, which are answers."""
    said = [turn for turn in talk if turn["role"] != "assistant"]
    if not any(turn["content"].strip() for turn in said):
        return {}
    return {"prompt": said[0]["content"]} if is_plain_prompt(said) else {"messages": said}


def asked_texts(texts: list[str]) -> Asked:
    """What was asked in some turns of the user."""
    return asked_turns([Turn(role="user", content=text) for text in texts])
