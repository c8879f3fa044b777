"""The options of `llmfusionbench build table` that say which column is which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


def pair(text: str, option: str, *, empty: bool = False) -> tuple[str, str]:
    """(name, value) of `NAME=VALUE`; the value may be empty with `empty`.

    Raises:
        BadParameter: the text is something else.
    """
    name, equals, value = text.partition("=")
    if not equals or not name or not (value or empty):
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
    return name, value


def read_mapping(
    path: Path | None, map_: tuple[str, ...], values: tuple[str, ...], where: tuple[str, ...], join: tuple[str, ...]
) -> dict[str, Any]:
    """The options of `table`: the sections of a YAML file, completed and corrected by the others.

    Raises:
        BadParameter: an option has another form, or says two things of one column.
        InputError: the file cannot be read.
    """
    from llmfusionbench.builders.reading.mapping_file import mapping_sections

    sections = mapping_sections(path) if path is not None else {}
    sections["map"] = {**(sections.get("map") or {}), **_each(map_, "--map", empty=True)}
    words = {ours: _words(ours, text) for ours, text in _each(values, "--values").items()}
    conditions: dict[str, list[str]] = {}
    for theirs, value in (pair(text, "--where", empty=True) for text in where):
        conditions.setdefault(theirs, []).append(value)
    for name, given in (("values", words), ("where", conditions)):
        if given:
            sections[name] = {**(sections.get(name) or {}), **given}
    if join:
        sections["join"] = [*sections.get("join", ()), *join]
    return sections


def _each(texts: tuple[str, ...], option: str, *, empty: bool = False) -> dict[str, str]:
    """The pairs, each name once."""
    found: dict[str, str] = {}
    for name, value in (pair(text, option, empty=empty) for text in texts):
        if found.setdefault(name, value) != value:
            raise click.BadParameter(f"{name} is given twice, {found[name]!r} and {value!r}", param_hint=option)
    return found


def _words(ours: str, text: str) -> dict[str, str]:
    """The words of `WORD:VALUE,WORD:VALUE`."""
    found = {}
    for part in text.split(","):
        word, colon, value = part.rpartition(":")
        if not colon or not word.strip():
            message = f"{part!r} of {ours} is not WORD:VALUE. For words with commas use --mapping with a section values"
            raise click.BadParameter(message, param_hint="--values")
        found[word.strip()] = value.strip()
    return found
