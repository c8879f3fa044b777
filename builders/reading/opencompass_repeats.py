"""Details of OpenCompass that hold one detail for each repeat of a record, and the predictions that they belong to.

`GPassKEvaluator` and the evaluators before 2025-05 write `predictions: [detail, ...]` for each question. A dataset repeats its
questions as a whole, or each question at once; or a record has all answers in one list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

_NESTED: Final = "predictions"
_NUMBERED: Final = "example_abbr"
"""A field of the details of evaluators that evaluate one repeat of the dataset after the other."""
_LABEL: Final = "label"
_SHARE: Final = "G-Pass@"
_RIGHT: Final = "correct"
_OF_A_JUDGE: Final = "origin_prompt"
_DIGITS: Final = 10

Scores = Mapping[str, Mapping[str, Any]]
"""Number of a record as text -> its details."""


class Answered(NamedTuple):
    """A record of the predictions, by hashes."""

    prompt: int
    texts: tuple[int, ...]


class Place(NamedTuple):
    """What a record is among the details."""

    question: str
    repeat: int | None = None
    """Number of the repeat of the question, from 0; None without repeats."""
    order: tuple[int, ...] | None = None
    """Place of the score of each answer in the details; empty where it is not known, None where it is that of the answer."""


class Matched(NamedTuple):
    """The places of records among details that are nested."""

    repeats: int
    places: Mapping[str, Place]
    note: str | None


def nested_in(detail: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The details of the repeats of a record; empty if they are not nested."""
    found = detail.get(_NESTED)
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else []


def flattened(detail: Mapping[str, Any], nested: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The details of a record with a list of the values of all repeats by name; with the values themselves of a single one.

    The `label` of `GPassKEvaluator` says whether an answer is right, and becomes `correct`, too.
    """
    names = dict.fromkeys(name for one in nested for name in one)
    values = {name: [one.get(name) for one in nested] for name in names}
    if _LABEL in values and _RIGHT not in values and any(name.startswith(_SHARE) for name in detail):
        values[_RIGHT] = values[_LABEL]
    of_all = {name: value for name, value in detail.items() if name != _NESTED}
    return of_all | {name: value if len(nested) > 1 else value[0] for name, value in values.items()}


def answered(record: Mapping[str, Any]) -> Answered:
    """A prediction by hashes of what was asked and answered."""
    said = record.get("prediction")
    return Answered(hash(repr(record.get("origin_prompt"))), tuple(map(_key, said if isinstance(said, list) else [said])))


def _key(text: Any) -> int:
    if isinstance(text, dict) and "prediction" in text:
        text = text["prediction"]
    return hash(text.strip() if isinstance(text, str) else repr(text))


def matched(scores: Scores, repeats: int, records: Mapping[str, Answered], total: int) -> Matched:
    """The places of the records among details of which each holds `repeats` others.

    What was asked tells which records repeat one question; the texts of the answers tell which detail is of which repeat.

    Args:
        scores: The details, flattened.
        repeats: How many each of them holds; 0 if they do not hold as many.
        records: The predictions by number; those that cannot be read are left out.
        total: Number of the predictions, with those that cannot be read.
    """
    names = sorted(scores, key=int) if all(map(_is_number, scores)) else list(scores)
    if not repeats:
        return Matched(1, {}, "its details hold more repeats of some records than of others, so its answers get no score")
    if total == len(names):
        return _noted(1, _in_lists(scores, repeats, records))
    found: dict[str, Place] | None = None
    if total == len(names) * repeats:
        numbered = {int(key): one for key, one in records.items() if _is_number(key) and int(key) < total}
        found = _in_records(scores, names, repeats, numbered)
    if found is None:
        held = f"its details hold {repeats:,} repeats of {len(names):,} records"
        return Matched(repeats, {}, f"{held}, which are not the {total:,} predictions of the file, so its answers get no score")
    return _noted(repeats, found)


def _is_number(key: str) -> bool:
    return key.isdecimal() and key.isascii() and len(key) < _DIGITS


def _noted(repeats: int, places: dict[str, Place]) -> Matched:
    lost = sum(place.order == () for place in places.values())
    records = f"{lost:,} record{'s' * (lost > 1)}"
    return Matched(repeats, places, f"the details of {records} are of other predictions: taken as null" if lost else None)


def _in_lists(scores: Scores, repeats: int, records: Mapping[str, Answered]) -> dict[str, Place]:
    """The places of records that have all answers to a question each."""
    found = {}
    for key, one in records.items():
        is_whole = key in scores and len(one.texts) == repeats
        found[key] = Place(key, None, _order(one.texts, _texts(scores[key], repeats)) if is_whole else ())
    return found


def _in_records(scores: Scores, names: Sequence[str], repeats: int, records: Mapping[int, Answered]) -> dict[str, Place] | None:
    """The places of records that have one answer each; None where they are not known."""
    size = len(names)
    is_evaluated_apart = all(_NUMBERED in detail for detail in scores.values())
    layouts: list[Callable[[int], tuple[int, int]]] = [
        lambda number: (number % size, number // size),
        lambda number: divmod(number, repeats),
    ]
    tried = [_tried(layout, scores, names, repeats, records) for layout in layouts]
    together, apart = (orders for orders, _ in tried)
    fitting = [orders for orders, fits in tried if fits]
    if not fitting and not is_evaluated_apart:
        return None
    first, second = (together, apart) if is_evaluated_apart else (apart, together)
    candidates = [orders for orders in (first, second) if orders in fitting] or [first]
    return max(candidates, key=lambda orders: sum(place.order != () for place in orders.values()))


def _tried(
    layout: Callable[[int], tuple[int, int]],
    scores: Scores,
    names: Sequence[str],
    repeats: int,
    records: Mapping[int, Answered],
) -> tuple[dict[str, Place], bool]:
    """(the places of records by a layout, whether the records that repeat a question by it ask the same)."""
    groups: list[list[int | None]] = [[None] * repeats for _ in names]
    for number in records:
        question, repeat = layout(number)
        groups[question][repeat] = number
    found: dict[str, Place] = {}
    fits = True
    for name, group in zip(names, groups, strict=True):
        there = [records[number] for number in group if number is not None]
        fits = fits and len({one.prompt for one in there}) < 2
        said = [None if number is None else _single(records[number]) for number in group]
        order = _order(said, _texts(scores[name], repeats))
        for repeat, place in enumerate(group):
            if place is not None:
                found[str(place)] = Place(name, repeat, order[repeat : repeat + 1])
    return found, fits


def _single(record: Answered) -> int | None:
    return record.texts[0] if len(record.texts) == 1 else None


def _texts(detail: Mapping[str, Any], repeats: int) -> list[int]:
    """The answers that the details of a question's repeats state: whole texts, or what was taken of them."""
    names = ("prediction", "pred") if _OF_A_JUDGE not in detail else ("pred",)
    stated = next((found for name in names if isinstance(found := detail.get(name), list) and len(found) == repeats), ())
    return list(map(_key, stated))


def _order(said: Sequence[int | None], stated: Sequence[int]) -> tuple[int, ...]:
    """The place in the details of each answer: by its text, or its own where the details have parts of the texts.

    Empty where the details have the text of an answer at another place, and not those of all.
    """
    if Counter(said) == Counter(stated):
        return tuple(_by_text(said, stated))
    known = set(stated)
    return () if any(text in known and stated[i] != text for i, text in enumerate(said)) else tuple(range(len(said)))


def _by_text(said: Sequence[int | None], stated: Sequence[int]) -> Iterator[int]:
    """The place of each text; equal texts keep theirs if they have the same ones, and else their order."""
    free: dict[int | None, list[int]] = {}
    for place, text in enumerate(stated):
        if said[place] != text:
            free.setdefault(text, []).append(place)
    for place, own in enumerate(said):
        yield place if stated[place] == own else free[own].pop(0)
