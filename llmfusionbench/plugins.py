"""Plug-ins: routers, sources and formats of other packages, found through their entry points.

A package registers one with an entry point in the group `llmfusionbench.routers`, `llmfusionbench.sources` or
`llmfusionbench.formats`. Its name then works wherever a built-in name does; a built-in name is never replaced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Literal

from llmfusionbench.errors import InputError, UnknownNameError

Kind = Literal["routers", "sources", "formats"]

METHODS: Final[dict[Kind, tuple[str, ...]]] = {
    "routers": ("score", "route", "decide", "score_table"),
    "sources": ("read",),
    "formats": ("write", "records"),
}
"""Kind -> the methods of which a plug-in needs at least one. A routing format has `write`, a corpus format has `records`."""


@dataclass(frozen=True)
class Plugin:
    """An entry point in one of our groups."""

    kind: Kind
    name: str
    package: str
    """Name and version of the package that brings it."""
    value: str
    """Where it is: `module:name`."""
    fault: str | None
    """Why it cannot be used; None if it can."""


def plugins(taken: Mapping[Kind, Collection[str]]) -> list[Plugin]:
    """Every plug-in that is installed, each imported once to see whether it can be used.

    Args:
        taken: Kind -> built-in names.
    """
    found = []
    for kind in METHODS:
        names = set(taken[kind])
        for point in _points(kind):
            _, fault = _load(kind, point)
            if point.name in names:
                fault = f"the name {point.name} is taken"
            names.add(point.name)
            found.append(Plugin(kind, point.name, _package(point), point.value, fault))
    return found


def find(kind: Kind, name: str, known: Mapping[str, Any], noun: str) -> Any:
    """The entry of a registry, or else the plug-in of that name; only this one is imported.

    Args:
        kind: The group of entry points.
        name: What is looked for.
        known: The registry.
        noun: What an entry is called in messages.

    Raises:
        UnknownNameError: There is neither.
        InputError: The plug-in cannot be used.
    """
    if name in known:
        return known[name]
    points = {point.name: point for point in reversed(_points(kind))}
    if name not in points:
        raise UnknownNameError(noun, name, [*known, *points])
    value, fault = _load(kind, points[name])
    if fault is not None:
        package = _package(points[name])
        raise InputError(f'plug-in "{name}" of {package}: {fault}. Remedy: update or uninstall {package.split()[0]}')
    return value


def names(kind: Kind, known: Collection[str]) -> list[str]:
    """The names of a registry, then those of the plug-ins, none of which is imported."""
    return list(dict.fromkeys([*known, *(point.name for point in _points(kind))]))


def _points(kind: Kind) -> list[EntryPoint]:
    """The entry points of a kind, by name and package: the first of a name is used."""
    return sorted(entry_points(group=f"llmfusionbench.{kind}"), key=lambda point: (point.name, _package(point)))


def _package(point: EntryPoint) -> str:
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _load(kind: Kind, point: EntryPoint) -> tuple[Any, str | None]:
    """What an entry point stands for, and what is wrong with it."""
    try:
        value = point.load()
    except (Exception, SystemExit) as error:  # a foreign module may raise anything when it is imported
        reason = " ".join(str(error).split())[:200]
        return None, f"{point.value} cannot be imported ({type(error).__name__}: {reason})"
    if not any(callable(getattr(value, method, None)) for method in METHODS[kind]):
        return None, f"{point.value} has no method {' or '.join(METHODS[kind])}"
    return value, None
