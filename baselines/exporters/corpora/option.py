"""An option of an export: a dataclass field with its help text, of which the command line and the docs are made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from llmfusionbench.errors import InputError, UnknownNameError

_Function = TypeVar("_Function", bound=Callable[..., Any])


def option(default: Any, text: str, *, metavar: str = "", flag: str = "", least: int | None = None) -> Any:
    """A field of a settings class that is an option of the command line.

    Args:
        default: Its default; None stands for no value, `()` for an option that can be repeated.
        text: Its help text.
        metavar: What the help calls its value.
        flag: Its name on the command line, where that is not the name of the field.
        least: The smallest number that the command line takes.
    """
    return field(default=default, metadata={"help": text, "metavar": metavar or None, "flag": flag, "least": least})


@dataclass(frozen=True)
class Option:
    """An option as the command line shows it."""

    name: str
    flag: str
    kind: type
    """Of a value: str, int, float or bool."""
    default: Any
    help: str
    metavar: str | None
    least: int | None

    @property
    def is_repeatable(self) -> bool:
        return bool(self.default == ())


def options_of(settings: type, *, own: bool) -> list[Option]:
    """The options of a settings class: those that it adds (`own`), or those that it inherits."""
    hints, added = get_type_hints(settings), inspect.get_annotations(settings)
    every = {f.name: f for f in fields(settings) if "help" in f.metadata}
    found = []
    for f in [every[name] for name in (added if own else every) if name in every and (name in added) == own]:
        flag = f.metadata["flag"] or "--" + f.name.replace("_", "-")
        kind = next((k for k in (bool, int, float) if k.__name__ in str(hints[f.name])), str)
        found.append(Option(f.name, flag, kind, f.default, f.metadata["help"], f.metadata["metavar"], f.metadata["least"]))
    return found


def options_table(options: Collection[Option]) -> str:
    """The options as a Markdown table."""
    rows = []
    for o in options:
        default = "" if o.default is None or o.default is False or o.default == () else f"`{o.default}`"
        rows.append(f"| `{o.flag}` | {default} | {o.help.replace('|', chr(92) + '|')} |")
    return "\n".join(["| option | default | |", "|---|---|---|", *rows])


def takes(settings: type) -> Callable[[_Function], _Function]:
    """Give a function with `**options` the signature and the documentation of the settings that these make."""

    def decorate(function: _Function) -> _Function:
        signature = inspect.signature(function)
        given = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        named = [p.replace(kind=p.KEYWORD_ONLY) for p in inspect.signature(settings).parameters.values()]
        function.__signature__ = signature.replace(parameters=[*given, *named])  # type: ignore[attr-defined]
        options = [*options_of(settings, own=True), *options_of(settings, own=False)]
        lines = [f"    {o.name} ({o.default!r}): {o.help}" for o in options]
        function.__doc__ = "\n".join([inspect.cleandoc(function.__doc__ or ""), "", "Options, with their defaults:", *lines])
        return function

    return decorate


def one_of(noun: str, name: str, known: Collection[str]) -> None:
    """Refuse a name that is not known, with an UnknownNameError."""
    if name not in known:
        raise UnknownNameError(noun, name, known)


def within(settings: Any, name: str, holds: bool, expected: str, flag: str = "") -> None:
    """Refuse a value that does not hold what is expected, with an InputError that names the option."""
    if not holds:
        flag = flag or "--" + name.replace("_", "-")
        raise InputError(f"{name} {getattr(settings, name)}: expected {expected}. Remedy: change {flag}")
