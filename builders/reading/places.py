"""Values that the place of a file gives: `{file}`, `{stem}`, `{parent}`, and `{path:PATTERN}`, a group of a pattern.

The patterns are those of RE2, whose time grows with the length of the path alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.file_names import stem
from llmfusionbench.errors import InputError

_NAMES: Final = ("{file}", "{stem}", "{parent}")
_PATTERN: Final = "{path:"
_UNKNOWN: Final = re.compile(r"\{[A-Za-z_]{1,40}[:}]")
_LONGEST: Final = 1_000
"""Characters of a pattern."""


def is_of_place(text: str) -> bool:
    """Whether a mapped text has a part that the place of a file gives."""
    return any(name in text for name in (*_NAMES, _PATTERN))


def of_place(text: str, path: Path, ours: str) -> str:
    """A text with what the place of a file gives. The pattern is searched in the path as it was given, with `/` in it.

    Raises:
        InputError: the pattern cannot be read, has no group, or is not in the path; the folder has no name; or the text has
            a part in braces that is none of these.
    """
    made, rest = "", text
    while rest:
        start = rest.find("{")
        if start < 0:
            return made + rest
        made, rest = made + rest[:start], rest[start:]
        name = next((name for name in _NAMES if rest.startswith(name)), None)
        if name is not None:
            made, rest = made + _named(name, path, ours), rest[len(name) :]
        elif rest.startswith(_PATTERN):
            end = _end(rest, text, ours)
            made, rest = made + _group(rest[len(_PATTERN) : end], path, ours), rest[end + 1 :]
        elif unknown := _UNKNOWN.match(rest):
            raise InputError(
                f'{ours} is mapped to "{text}", in which {unknown[0]} is not known, expected {", ".join(_NAMES)} or '
                "{path:PATTERN}. Remedy: correct it, or write a constant as =text"
            )
        else:
            made, rest = made + "{", rest[1:]
    return made


def _named(name: str, path: Path, ours: str) -> str:
    found = {"{file}": path.name, "{stem}": stem(path), "{parent}": path.absolute().parent.name}[name]
    if not found:
        raise InputError(f"{path}: {name} of {ours} is empty. Remedy: put the file into a folder with a name")
    return found


def _end(rest: str, text: str, ours: str) -> int:
    """Where the brace is closed that `rest` opens; a brace after a backslash does not count."""
    depth = at = 0
    while at < len(rest):
        if rest[at] == "\\":
            at += 1
        elif rest[at] in "{}":
            depth += 1 if rest[at] == "{" else -1
            if not depth:
                return at
        at += 1
    raise InputError(f'{ours} is mapped to "{text}", in which a brace is not closed. Remedy: write {{path:PATTERN}}')


def _group(pattern: str, path: Path, ours: str) -> str:
    """The first group of a pattern, where it is first found in a path."""
    if len(pattern) > _LONGEST:
        raise InputError(f"the pattern of {ours} has {len(pattern):,} characters, expected up to {_LONGEST:,}")
    given = pa.scalar(path.as_posix())
    try:
        if not pc.match_substring_regex(given, pattern).as_py():
            raise InputError(
                f'{path}: the pattern "{pattern}" of {ours} is not in the path. Remedy: correct the pattern, or the path given'
            )
        whole = f"^(?s:.*?)(?:{pattern})(?s:.*)$"
        found: str = pc.replace_substring_regex(given, pattern=whole, replacement=r"\1").as_py()
    except pa.ArrowInvalid as error:
        words = " ".join(str(error).split())
        raise InputError(
            f'the pattern "{pattern}" of {ours} cannot be used ({words}). Remedy: write a pattern of RE2 with one group in '
            "parentheses, without references and look-around"
        ) from error
    if not found:
        raise InputError(f'{path}: the group of the pattern "{pattern}" of {ours} is empty. Remedy: write (.+) for (.*)')
    return found
