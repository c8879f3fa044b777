"""An option of an export: a dataclass field from which the command line, the checks and the docs are made."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from types import NoneType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from llmfusionbench.errors import InputError, UnknownNameError

Bounds = tuple[Callable[[float], bool], str]
"""Whether a number is in a range, and the range in words."""
ONE_OR_ABOVE: Final[Bounds] = (lambda n: 1 <= n < math.inf, "1 or above")
ZERO_OR_ABOVE: Final[Bounds] = (lambda n: 0 <= n < math.inf, "0 or above")
SHARE: Final[Bounds] = (lambda n: 0 < n <= 1, "above 0, up to 1")
SCORE: Final[Bounds] = (lambda n: 0 <= n <= 1, "0 to 1")

_Function = TypeVar("_Function", bound=Callable[..., Any])


def option(
    default: Any, text: str, *, metavar: str | None = None, flag: str = "", noun: str = "", bounds: Bounds | None = None
) -> Any:
    """A field of a settings class that is an option of the command line.

    A field of a `Literal` type takes only the names in it.

    Args:
        default: Its default; None stands for no value, `()` for an option that can be repeated.
        text: Its help text.
        metavar: What the help calls its value.
        flag: Its name on the command line, if that is not the name of the field.
        noun: What an error calls one of its names, if that is not the name of the field.
        bounds: The range of its numbers.
    """
    return field(default=default, metadata={"help": text, "metavar": metavar, "flag": flag, "noun": noun, "bounds": bounds})


@dataclass(frozen=True)
class Option:
    """An option as the command line shows it."""

    name: str
    flag: str
    kind: type
    """Type of its value: str, int, float or bool."""
    default: Any
    help: str
    metavar: str | None
    noun: str
    choices: tuple[str, ...]
    """The names that it takes; empty if it takes any value."""
    bounds: Bounds | None

    @property
    def is_repeatable(self) -> bool:
        return bool(self.default == ())


def options_of(settings: type, *, own: bool) -> list[Option]:
    """The options that a settings class adds (`own`), or those that it inherits."""
    hints, added = get_type_hints(settings), inspect.get_annotations(settings)
    every = {f.name: f for f in fields(settings) if "help" in f.metadata}
    found = []
    for f in [every[name] for name in (added if own else every) if name in every and (name in added) == own]:
        about = dict(f.metadata)
        hint = hints[f.name]
        if NoneType in get_args(hint):
            hint = next(part for part in get_args(hint) if part is not NoneType)
        about["flag"] = about["flag"] or "--" + f.name.replace("_", "-")
        about["noun"] = about["noun"] or f.name
        kind = hint if hint in (bool, int, float) else str
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        found.append(Option(f.name, kind=kind, default=f.default, choices=choices, **about))
    return found


def check_options(settings: Any) -> None:
    """Refuse unknown names and numbers out of range.

    Raises:
        UnknownNameError, InputError: They name the option.
    """
    for o in [*options_of(type(settings), own=True), *options_of(type(settings), own=False)]:
        value = getattr(settings, o.name)
        if o.choices and value is not None and value not in o.choices:
            raise UnknownNameError(o.noun, value, o.choices)
        if o.bounds is not None and value is not None and not o.bounds[0](value):
            raise InputError(f"{o.name} {value}: expected {o.bounds[1]}. Remedy: change {o.flag}")


def options_table(options: Collection[Option]) -> str:
    """The options as a Markdown table."""
    rows = ["| option | default | |", "|---|---|---|"]
    for o in options:
        default = "" if o.default is None or o.default is False or o.default == () else f"`{o.default}`"
        rows.append(f"| `{o.flag}` | {default} | {o.help.replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def takes(settings: type) -> Callable[[_Function], _Function]:
    """Give a function with `**options` the signature and the documentation of the settings that it makes from them."""

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
