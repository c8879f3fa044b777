"""A comparison of two answers as two log records: a judgement of either answer against the other one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.types import DIRECT, Candidate, Turn, is_plain_prompt
from llmfusionbench.validation.issue import shorten

_PLACES: Final[dict[str | None, tuple[str | None, str | None]]] = {
    "first": ("first", "second"), "second": ("second", "first"), None: (None, None),
}  # fmt: skip
Asked = dict[str, Any]
"""What was asked: `prompt`, or `messages` where it is more than one turn of the user."""


class Side(NamedTuple):
    """One of two answers."""

    llm: str
    response: str | None = None
    replicate: int = 0
    status: str | None = None
    """Null: by the response."""


def candidate_name(llm: str) -> str:
    """The name of the candidate that a name stands for: two may stand for one."""
    return _candidate(llm)[0]


def named_candidate(llm: str) -> dict[str, str | None]:
    """LLM and mode of a log record, by a name such as `name_think`."""
    _, name, mode = _candidate(llm)
    return {"llm": name, "mode": mode}


@lru_cache(maxsize=4096)
def _candidate(llm: str) -> tuple[str, str, str | None]:
    """Name of the candidate, LLM and mode that a name stands for; None for the direct mode."""
    found = Candidate.parse(llm)
    return found.name, found.llm, None if found.mode == DIRECT else found.mode


def check_two(one: str, other: str, names: tuple[str, str]) -> None:
    """Raise BadRecordError if a candidate is compared with itself."""
    if _candidate(one) == _candidate(other):
        raise BadRecordError(f"{names[0]} and {names[1]} are both {shorten(one)}, expected two LLMs")


def both_sides(
    first: Side, second: Side, share: float | None, order: str | None, common: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The log records of a comparison.

    Args:
        first: The first answer.
        second: The second one.
        share: The share of the second answer, from 0 to 1.
        order: Place of the first answer in what the judge was shown, `first` or `second`; None if it is not known.
        common: The columns of both.
    """
    places = _PLACES[order]
    shares = (None, None) if share is None else (1 - share, share)
    rows = []
    for side, other, place, score in ((first, second, places[0], shares[0]), (second, first, places[1], shares[1])):
        _, llm, mode = _candidate(side.llm)
        row = {
            **common,
            "llm": llm,
            "replicate": side.replicate,
            "response": side.response,
            "judge_opponent": other.llm,
            "judge_order": place,
            "judge_score": score,
        }
        if mode is not None:
            row["mode"] = mode
        if side.status is not None:
            row["status"] = side.status
        rows.append(row)
    return rows


def asked_turns(talk: list[Turn]) -> Asked:
    """What was asked in a conversation: its turns but for those of the LLM, which are answers."""
    said = [turn for turn in talk if turn["role"] != "assistant"]
    if not any(turn["content"].strip() for turn in said):
        return {}
    return {"prompt": said[0]["content"]} if is_plain_prompt(said) else {"messages": said}


def asked_texts(texts: list[str]) -> Asked:
    """What was asked in some turns of the user."""
    return asked_turns([Turn(role="user", content=text) for text in texts])
