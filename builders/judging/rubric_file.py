"""Reads rubrics: those of this package by name, and YAML files, whose faults are all named at once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import jsonschema

from llmfusionbench.builders.judging.prompts import FIELDS, PAIR_FIELDS, fields_in
from llmfusionbench.builders.judging.rubric import Criterion, Rubric
from llmfusionbench.builders.judging.scale import Scale, can_be_stated, plain_number
from llmfusionbench.builders.reading.absent import near
from llmfusionbench.builders.reading.yaml_file import read_yaml
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.storage.repeats import repeated
from llmfusionbench.validation.issue import shorten

RUBRICS: Final = ("correctness", "paper")
"""The rubrics of this package: right or wrong against the reference, and the scale of FusionFactory (arXiv 2507.10540)."""
_SHOWN: Final = 20
_STATED: Final = "a number that a reply can state: up to 9 digits before the point and 17 after it"
_STEPS: Final = 100
"""Most whole numbers between the ends of a scale of whole numbers."""


@cache
def rubric_schema() -> dict[str, Any]:
    """The JSON Schema of a rubric."""
    text = files(__package__).joinpath("rubric_schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_rubric(name: str) -> Rubric:
    """A rubric by its name, or from a YAML file.

    Raises:
        UnknownNameError: neither a rubric nor a file has this name.
        InputError: the file cannot be read or is no rubric; every fault is named with its place.
    """
    if name in RUBRICS:
        with as_file(files(__package__).joinpath(f"rubrics/{name}.yaml")) as path:
            return _parsed(read_yaml(path), path)
    path = Path(name)
    if not path.is_file() and path.suffix.lower() not in (".yaml", ".yml"):
        raise UnknownNameError("rubric", name, [*RUBRICS, "FILE.yaml"])
    return replace(_parsed(read_yaml(path), path), file=name)


def _parsed(value: Any, place: Path) -> Rubric:
    faults = list(dict.fromkeys([*_schema_faults(value), *_faults(value)]))
    if faults:
        more = f"; and {len(faults) - _SHOWN:,} more" if len(faults) > _SHOWN else ""
        raise InputError(f"{place}: {'; '.join(faults[:_SHOWN])}{more}. Remedy: correct the rubric")
    plain = {k: v for k, v in value.items() if k not in ("scale", "anchors", "criteria")}
    anchors = sorted((float(number), words) for number, words in value.get("anchors", {}).items())
    criteria = tuple(Criterion(**part) for part in value.get("criteria", ()))
    return Rubric(**plain, scale=_scale(value.get("scale", {})), anchors=tuple(anchors), criteria=criteria)


def _scale(told: Mapping[str, Any]) -> Scale:
    low, high = float(told.get("low", 0)), float(told.get("high", 1))
    values = told.get("values")
    if told.get("whole"):
        values = range(round(low), round(high) + 1)
    return Scale(low, high, None if values is None else tuple(sorted(float(value) for value in values)))


def _schema_faults(value: Any) -> Iterator[str]:
    for error in sorted(jsonschema.Draft202012Validator(rubric_schema()).iter_errors(value), key=_place):
        where, of = _place(error), error.schema if isinstance(error.schema, Mapping) else {}
        if error.validator == "additionalProperties":
            yield from _unknown_fields(where or "the rubric", error.instance, list(of["properties"]))
        elif error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield f"{where or 'the rubric'} has no {' and no '.join(missing)}, expected {of['x-words']}"
        elif value is None:
            yield f"is empty, expected {of['x-words']}"
        else:
            shown = "an object" if isinstance(error.instance, dict) else shorten(error.instance)
            yield f"{where or 'the rubric'} is {shown}, expected {of.get('x-words') or error.message}"


def _unknown_fields(where: str, given: Iterable[object], known: list[str]) -> Iterator[str]:
    for name in map(str, given):
        if name not in known:
            guess = near(name, known)
            yield f"{where} has no field {shorten(name)}{guess}" + ("" if guess else f", expected {', '.join(known)}")


def _place(error: jsonschema.ValidationError) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path).lstrip(".")


def _faults(value: Any) -> Iterator[str]:
    """What a schema cannot state, of all parts that have a type of the schema."""
    if not isinstance(value, dict):
        return
    scale, anchors = _part(value, "scale", dict), _part(value, "anchors", dict)
    ends = _ends(value)
    if ends is not None and not all(map(math.isfinite, ends)):
        yield f"scale.low and scale.high are {ends[0]:g} and {ends[1]:g}, expected finite numbers"
        ends = None
    if ends is not None:
        yield from _faults_of_scale(*ends, scale)
    if "values" in scale and "whole" in scale:
        yield "scale has both values and whole, expected one of them"
    for name in anchors:
        number = plain_number(str(name))
        if number is None or (ends is not None and not ends[0] <= number <= ends[1]):
            yield f"anchors has {shorten(name)}, expected numbers" + (f" from {ends[0]:g} to {ends[1]:g}" if ends else "")
        elif scale.get("whole") is True and not number.is_integer():
            yield f"anchors has {shorten(name)}, expected whole numbers"
        elif number not in (listed := [*map(_real, _part(scale, "values", list))]) and listed:
            yield f"anchors has {shorten(name)}, expected numbers of scale.values"
    criteria = _part(value, "criteria", list)
    for name in repeated(part["name"] for part in criteria if isinstance(part, dict) and isinstance(part.get("name"), str)):
        yield f"criteria has two of the name {name}"
    if criteria and value.get("reply") == "number":
        yield "reply is number, which holds one score; expected tag or json with criteria"
    for key, known, needed in (("prompt", FIELDS, ("answer",)), ("pair_prompt", PAIR_FIELDS, ("answer_a", "answer_b"))):
        if not isinstance(value.get(key), str):
            continue
        found = fields_in(value[key])
        for name in sorted(found - set(known)):
            yield f"{key} has the field {{{name}}}, expected {', '.join(f'{{{field}}}' for field in known)}"
        for name in needed:
            if name not in found:
                yield f"{key} has no field {{{name}}}"


def _faults_of_scale(low: float, high: float, scale: Mapping[str, Any]) -> Iterator[str]:
    if not low < high:
        yield f"scale.high is {high:g}, expected more than scale.low ({low:g})"
    if scale.get("whole") is True and not (low.is_integer() and high.is_integer() and high - low <= _STEPS):
        yield f"scale is {low:g} to {high:g} in whole numbers, expected whole ends at most {_STEPS} apart"
    for end, limit in (("low", low), ("high", high)):
        if not can_be_stated(limit):
            yield f"scale.{end} is {shorten(limit)}, expected {_STATED}"
    for number in map(_real, _part(scale, "values", list)):
        if number is not None and not low <= number <= high:
            yield f"scale.values has {number:g}, expected numbers from {low:g} to {high:g}"
        elif number is not None and not can_be_stated(number):
            yield f"scale.values has {shorten(number)}, expected {_STATED}"


def _ends(value: Mapping[str, Any]) -> tuple[float, float] | None:
    """The ends of the scale; None if one of them is not a number."""
    if "scale" not in value:
        return Scale.low, Scale.high
    scale = _part(value, "scale", dict)
    low, high = _real(scale.get("low")), _real(scale.get("high"))
    return None if low is None or high is None else (low, high)


def _part(value: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """A part of this type, empty if it has another one."""
    found = value.get(name)
    return found if isinstance(found, kind) else kind()


def _real(value: Any) -> float | None:
    """A number, infinite if it is too large; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
