"""What the files of a format look like, and how well a file fits that."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from functools import cache
from typing import Final

from llmfusionbench.builders.recognising.head import Head

NEEDED: Final = 0.6
"""Part of the score for the fields without which a file is not of the format."""
TELLING: Final = 0.4
"""Part of the score for the other fields by which a format is known."""
NAMED: Final = 0.15
"""What a telling file name adds; no score is above 1."""
OTHER_KIND: Final = 0.5
"""By what the score of a file is multiplied that holds its records in another way than the format, or that is ruled out."""
ENOUGH: Final = 0.7
"""The score from which a file is taken for a format, if all that is needed is there."""

Place = str | tuple[str, ...]
"""The path of a field, with `*` for any text, and `path: type` where only a field of that type will do; or several of which one
is enough."""
_SHOWN: Final = 2
ROLES: Final = ("log", "companion", "beside")


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What one kind of file of a format looks like."""

    title: str
    """What such a file is called."""
    kinds: tuple[str, ...]
    """What may hold the records; see `Head.kinds`."""
    needed: tuple[Place, ...]
    """Fields that every such file has. Without any, its name is required."""
    telling: tuple[Place, ...] = ()
    """Fields that most have, and few others."""
    names: tuple[str, ...] = ()
    """Patterns of telling file names, without `.gz`. They are not required."""
    against: tuple[str, ...] = ()
    """Fields that no such file has."""
    role: str = "log"
    """`log` for answers, scores or judgements; `companion` for what is read with them, such as questions; `beside` for what the
    format's tools write next to them and no source needs."""
    check: Callable[[Head], str | None] | None = None
    """Gives the reason why a file with the right fields is of another format after all."""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"role is {self.role!r}, expected one of {ROLES}")


@dataclass(frozen=True)
class Match:
    """How well a file fits a signature of a source."""

    source: str
    signature: Signature
    score: float
    """0 to 1: `NEEDED` times the share of needed fields found, plus `TELLING` times that of telling ones, plus `NAMED`."""
    found: tuple[str, ...]
    missing: tuple[str, ...]
    """Fields that are needed and not there, then telling ones."""
    against: str | None
    """What rules the format out."""
    fits: bool
    """Whether the file may be taken for this format."""


def match(source: str, signature: Signature, head: Head) -> Match:
    """How well the beginning of a file fits."""
    needed = [(place, _has(place, head)) for place in signature.needed]
    if needed and not any(has for _, has in needed):
        return Match(source, signature, 0.0, (), tuple(_words(place) for place, _ in needed), None, False)
    telling = [(place, _has(place, head)) for place in signature.telling]
    score = NEEDED * _share(needed) + TELLING * _share(telling or needed)
    named = is_named(head.path.name, signature.names)
    against = _against(signature, head, all(has for _, has in needed))
    score = min(1.0, score + NAMED * named) if needed or named else 0.0
    score = round(score if against is None else score * OTHER_KIND, 3)
    return Match(
        source,
        signature,
        score,
        tuple(dict.fromkeys(_found(place, head) for place, has in needed + telling if has)),
        tuple(dict.fromkeys(_words(place) for place, has in needed + telling if not has)),
        against,
        against is None and score >= ENOUGH and all(has for _, has in needed),
    )


def _against(signature: Signature, head: Head, fits: bool) -> str | None:
    """What rules a signature out for a file."""
    if not head.kinds & {*signature.kinds}:
        return f"it is {' or '.join(sorted(head.kinds)) or 'unreadable'}, expected {' or '.join(signature.kinds)}"
    if other := next((name for name in signature.against if _has(name, head)), None):
        return f"it has {other}"
    return signature.check(head) if fits and signature.check is not None else None


def is_named(name: str, patterns: Sequence[str]) -> bool:
    """Whether a file name, without `.gz` or `.zst`, fits one of the patterns."""
    bare = name.removesuffix(".gz").removesuffix(".zst")
    return any(fnmatchcase(bare, pattern) for pattern in patterns)


def _share(places: Sequence[tuple[Place, bool]]) -> float:
    return sum(has for _, has in places) / len(places) if places else 1.0


def _has(place: Place, head: Head) -> bool:
    if isinstance(place, tuple):
        return any(_has(one, head) for one in place)
    path, colon, kind = place.partition(": ")
    if "*" not in path:
        return path in head.fields and (not colon or head.fields[path] == kind)
    wanted = _pattern(path)
    return any(wanted.match(name) is not None and (not colon or found == kind) for name, found in head.fields.items())


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(translate(path.replace("[]", "[[]]")))


def _found(place: Place, head: Head) -> str:
    """The place that a file has, of several."""
    return place if isinstance(place, str) else next(one for one in place if _has(one, head))


def _words(place: Place) -> str:
    """The name of a place that is missing; of several the first ones."""
    return place if isinstance(place, str) else " or ".join(place[:_SHOWN])
