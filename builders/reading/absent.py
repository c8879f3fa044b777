"""What to tell a user who names a column, a path or a line that is not there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from typing import Final

from llmfusionbench.builders.reading.paths import parse_path
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_SHOWN: Final = 40
_MARKS: Final = frozenset('.[]"')
_PLACEHOLDER: Final = re.compile(r"\{[A-Za-z_]{1,40}[:}]")


def absent_column(place: str, theirs: str, columns: Sequence[str], why: str) -> InputError:
    """That the file at `place` has no column or path `theirs`: with the nearest one, and what is wrong with its form."""
    first = re.split(r"[.\[]", theirs, maxsplit=1)[0]
    nearest = difflib.get_close_matches(theirs, columns, n=1) or difflib.get_close_matches(first, columns, n=1)
    hint = f' Did you mean "{nearest[0]}"?' if nearest else ""
    return InputError(f'{place}: no column "{theirs}" {why}.{_form(theirs)}{hint} It has {listed(columns)}')


def listed(columns: Sequence[str], most: int = _SHOWN) -> str:
    """The names of columns, the first ones of many."""
    shown = ", ".join(columns[:most])
    return shown if len(columns) <= most else f"{shown} and {len(columns) - most} more"


def near(name: str, known: Collection[str]) -> str:
    """The known name that is nearest to one that is not known, as a question in parentheses; empty if none is near."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f' (did you mean "{found[0]}"?)' if found else ""


def _form(theirs: str) -> str:
    """What is wrong with the form of a path or a placeholder; empty if it has the form of one."""
    if unknown := _PLACEHOLDER.search(theirs):
        known = "{file}, {stem}, {parent} or {path:PATTERN}"
        return f" {shorten(unknown[0])} is no placeholder of a mapping, expected {known}."
    if not _MARKS & {*theirs}:
        return ""
    try:
        parse_path(theirs)
    except InputError as error:
        words = str(error)
        return f" As a path: {words[0].lower()}{words[1:]}."
    return ""
