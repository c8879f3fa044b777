"""A mapping in a YAML file, checked by a JSON Schema: all that is wrong with it is named at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.absent import near
from llmfusionbench.builders.reading.mapping import COLUMNS
from llmfusionbench.builders.reading.yaml_file import read_yaml
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_SHOWN: Final = 20
OLD_NAMES: Final = {"query": "prompt", "cost": "cost_usd"}
"""Names of columns that a mapping may still use -> ours."""
_BY_COLUMN: Final = ("map", "values", "wide")
_ONLY_HERE: Final = ("values", "where", "scale", "wide", "join", "llms")


@cache
def mapping_schema() -> dict[str, Any]:
    """The JSON Schema of a mapping's sections."""
    text = files(__package__).joinpath("mapping.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def mapping_sections(path: Path) -> dict[str, Any]:
    """The sections of a YAML file; in a file without sections all lines are `map`. Files to join are those beside it.

    Raises:
        InputError: the file cannot be read, or holds something else; every mistake is named with its place.
    """
    value = read_yaml(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: the mapping is {type(value).__name__}, expected lines like `prompt: question`")
    known = mapping_schema()["properties"]
    sectioned = any(isinstance(v, (dict, list)) for v in value.values()) or bool({"map", *_ONLY_HERE} & value.keys())
    sections: dict[str, Any] = value if sectioned else {"map": value}
    faults = list(dict.fromkeys(_faults(sections, known)))
    if faults:
        more = f"; and {len(faults) - _SHOWN:,} more" if len(faults) > _SHOWN else ""
        raise InputError(f"{path}: {'; '.join(faults[:_SHOWN])}{more}. Remedy: correct the mapping")
    sections = {name: section for name, section in sections.items() if section is not None}
    if "join" in sections:
        sections["join"] = [_beside(path, text) for text in sections["join"]]
    return sections


def _faults(sections: dict[str, Any], known: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the sections."""
    import jsonschema  # few builds have a mapping in a file

    for name in sections:
        if name not in known:
            yield f'no section "{name}"{near(str(name), known)}, expected {", ".join(known)}'
    for name in _BY_COLUMN:
        section = sections.get(name)
        for ours in section if isinstance(section, dict) else ():
            if OLD_NAMES.get(ours, ours) not in COLUMNS:
                yield f'{name} names no column "{ours}" of ours{near(str(ours), COLUMNS)}'
    validator = jsonschema.Draft202012Validator(mapping_schema())
    for error in validator.iter_errors(sections):
        if error.validator != "additionalProperties":
            place = [str(step) for step in error.absolute_path]
            of = f"{place[0]} of {'.'.join(place[1:])}" if len(place) > 1 else "".join(place)
            words = error.schema.get("x-words") or error.message
            yield f"{of} is {_shown(error.instance)}, expected {words}"


def _shown(value: Any) -> str:
    return "an object" if isinstance(value, dict) else shorten(value)


def _beside(path: Path, text: str) -> str:
    """A join of a file that is named from where the mapping stands."""
    file, colon, keys = text.rpartition(":")
    return f"{path.parent / file}{colon}{keys}"
