"""The values that a reply states in tags or in a JSON object, with their places. Prose states none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from llmfusionbench.builders.judging.reply_form import PLACEHOLDERS

_OPENING: Final = re.compile(r'\{\s{0,32}"')
_MOST_FAILURES: Final = 32
"""Most places in a reply that look like an object and are none; what follows is not looked at."""
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=lambda pairs: _Object(pairs), parse_int=float, parse_float=float, parse_constant=lambda _: None
)


class _Object(list[tuple[str, Any]]):
    """An object of JSON with every key that it has, also one that it has twice."""

    def all(self, key: str) -> list[Any]:
        return [value for name, value in self if name == key]


@dataclass(frozen=True)
class Stated:
    """A value that a reply states under a name."""

    name: str
    value: float | str | None
    """A number or text; None for anything else, such as true or a list."""
    span: tuple[int, int] | None
    """Where it stands in the reply, if that is known."""


@dataclass(frozen=True)
class Values:
    """All that a reply states."""

    stated: list[Stated]
    reason: str | None
    prose: str
    """The reply without the objects that state a value."""


def stated_values(text: str, names: Sequence[str], *, grouped: bool) -> Values:
    """The values that a reply states, and its reason.

    An object of JSON is looked for anywhere, also in a code fence; a tag counts outside of the objects. The time is linear in
    the length.

    Args:
        text: The reply.
        names: The names to look for, such as `score`.
        grouped: Whether an object holds them in another one under `scores`, and a tag is named `NAME_score`.
    """
    stated: list[Stated] = []
    reasons: list[str] = []
    rest: list[str] = []
    done = 0
    for start, end, found in _objects(text):
        mine = list(_of_object(found, text, start, end, names, grouped))
        if not mine:
            continue
        stated += mine
        reasons += [value.strip() for value in found.all("reason") if isinstance(value, str)]
        rest.append(text[done:start])
        stated += _tags(text, done, start, names, grouped)
        done = end
    stated += _tags(text, done, len(text), names, grouped)
    rest.append(text[done:])
    outside = "".join(rest)
    prose = _tag_pattern(tuple(names), grouped).sub("", outside).replace("```json", "").replace("```", "").strip()
    reason = "\n".join(part for part in (*reasons, prose) if part)
    return Values(stated, reason or None, outside)


def _objects(text: str) -> Iterator[tuple[int, int, _Object]]:
    """(start, end, value) of the objects in a text that are not in another one."""
    place = failures = 0
    while failures < _MOST_FAILURES and (opening := _OPENING.search(text, place)) is not None:
        try:
            value, end = _DECODER.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            failures += 1
            place = opening.end()
            continue
        if isinstance(value, _Object):
            yield opening.start(), end, value
        place = end


def _of_object(found: _Object, text: str, start: int, end: int, names: Sequence[str], grouped: bool) -> Iterator[Stated]:
    """The values in an object. A key counts only as it is written, not in escapes, which could carry it past `disarmed`."""
    if grouped:
        inner = [value for value in found.all("scores") if isinstance(value, _Object)] if '"scores"' in text[start:end] else []
        for part in inner:
            for name in names:
                yield from (Stated(name, _value(value), _span(text, start, end, name)) for value in part.all(name))
        return
    for name in names:
        if f'"{name}"' in text[start:end]:
            yield from (Stated(name, _value(value), _span(text, start, end, name)) for value in found.all(name))


def _value(value: Any) -> float | str | None:
    return value if isinstance(value, str | float) else None


def _span(text: str, start: int, end: int, name: str) -> tuple[int, int] | None:
    """Where the value of a key stands, if the key is there once."""
    found = list(_key_pattern(name).finditer(text, start, end))
    return found[0].span(1) if len(found) == 1 else None


def _tags(text: str, start: int, end: int, names: Sequence[str], grouped: bool) -> Iterator[Stated]:
    for found in _tag_pattern(tuple(names), grouped).finditer(text, start, end):
        value = found[2]
        if value.strip().strip("*_`") in PLACEHOLDERS:
            continue
        left = len(value) - len(value.lstrip())
        span = (found.start(2) + left, found.start(2) + left + len(value.strip()))
        yield Stated(found[1].lower().removesuffix("_score") if grouped else found[1].lower(), value.strip(), span)


@lru_cache(maxsize=64)
def _tag_pattern(names: tuple[str, ...], grouped: bool) -> re.Pattern[str]:
    either = "|".join(re.escape(f"{name}_score" if grouped else name) for name in names)
    return re.compile(rf"<[ ]{{0,4}}({either})[ ]{{0,4}}>([^<>]{{0,64}})<[ ]{{0,4}}/[ ]{{0,4}}\1[ ]{{0,4}}>", re.IGNORECASE)


@lru_cache(maxsize=64)
def _key_pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf'(?<!\\)"{re.escape(name)}"\s{{0,32}}:\s{{0,32}}"?([-+.0-9A-Za-z]{{1,30}})')
