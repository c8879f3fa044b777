"""The options of the source `table` as a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llmfusionbench.builders.reading.conditions import parse_conditions
from llmfusionbench.builders.reading.joins import parse_joins
from llmfusionbench.builders.reading.mapping import COLUMNS, LLM, PER_ANSWER, TableMapping
from llmfusionbench.builders.reading.mapping_file import OLD_NAMES, mapping_sections
from llmfusionbench.builders.reading.places import is_of_place
from llmfusionbench.builders.reading.words import parse_words
from llmfusionbench.builders.records import SCORES
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.validation.issue import shorten


def parse_mapping(map: Mapping[str, Any] | str | Path | None, **options: Any) -> TableMapping:  # noqa: A002
    """A mapping from options, or from a YAML file; what the options `values`, `where`, ... state counts above the file.

    Raises:
        InputError: the file cannot be read, or a value is of another kind than expected.
        UnknownNameError: no such column of ours.
    """
    sections: dict[str, Any] = {}
    if isinstance(map, (str, Path)):
        sections |= mapping_sections(Path(map))
    elif map:
        sections["map"] = map
    sections |= {name: value for name, value in options.items() if value}
    mapped = _named(sections.get("map"), "map")
    patterns = _named(sections.get("wide"), "wide")
    for ours, pattern in patterns.items():
        if pattern.count(LLM) != 1:
            raise InputError(f'the pattern of {ours} is "{pattern}", expected {LLM} in it once')
        if ours not in PER_ANSWER:
            raise InputError(f"{ours} cannot have a pattern, expected one of {', '.join(PER_ANSWER)}. Remedy: use map")
    names = sections.get("llms") or ()
    if not isinstance(names, Sequence) or isinstance(names, str) or not all(isinstance(n, str) for n in names):
        raise InputError(f"llms is {shorten(names)}, expected a list of names")
    split = sections.get("split")
    if split is not None and not isinstance(split, str):
        raise InputError(f"split is {shorten(split)}, expected a text")
    constants = {ours: theirs[1:] for ours, theirs in mapped.items() if theirs.startswith("=")}
    places = {ours: theirs for ours, theirs in mapped.items() if ours not in constants and is_of_place(theirs)}
    return TableMapping(
        columns={ours: theirs for ours, theirs in mapped.items() if theirs and ours not in constants and ours not in places},
        constants=constants,
        wide=patterns,
        llms=tuple(names),
        split=split,
        places=places,
        unset=frozenset(ours for ours, theirs in mapped.items() if not theirs),
        words=parse_words(_renamed(sections.get("values")), COLUMNS),
        scales=parse_scales(sections.get("scale")),
        where=parse_conditions(sections.get("where")),
        joins=parse_joins(sections.get("join")),
    )


def parse_scales(scale: Any) -> dict[str, tuple[float, float]]:
    """The scales of columns of scores: `{"judge_score": (1, 10)}`, or `"1:10"` for the two ends.

    Raises:
        InputError: one is something else.
        UnknownNameError: a name is not that of a column of scores.
    """
    if scale is None:
        return {}
    if not isinstance(scale, Mapping):
        raise InputError(f"scale is {shorten(scale)}, expected columns of scores, each with its two ends")
    found = {}
    for ours, ends in scale.items():
        if ours not in SCORES:
            raise UnknownNameError("column of scores", ours, SCORES)
        try:
            low, high = map(float, ends.split(":") if isinstance(ends, str) else ends)
        except (TypeError, ValueError) as error:
            raise InputError(f'the scale of {ours} is {shorten(ends)}, expected two numbers, such as "1:10"') from error
        if not low < high:
            raise InputError(f"the scale of {ours} is {low:g} to {high:g}, expected the lower one first. Remedy: correct it")
        found[ours] = (low, high)
    return found


def _renamed(values: Any) -> Any:
    return {OLD_NAMES.get(ours, ours): words for ours, words in values.items()} if isinstance(values, Mapping) else values


def _named(section: Any, name: str) -> dict[str, str]:
    """A section by our current names of columns; an empty text is that of a column that is not mapped at all."""
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise InputError(f"{name} is {shorten(section)}, expected our column names, each with the file's")
    found: dict[str, str] = {}
    for key, given in section.items():
        ours = OLD_NAMES.get(key) or str(key)
        theirs = "" if given is None and name == "map" else given
        if ours not in COLUMNS:
            raise UnknownNameError("column", key, COLUMNS)
        if not isinstance(theirs, str) or (not theirs and name != "map"):
            raise InputError(f"{name} of {key} is {shorten(theirs)}, expected the name of a column, or =text for a constant")
        if found.get(ours, theirs) != theirs:
            raise InputError(f'{name} has two columns for {ours}, "{found[ours]}" and "{theirs}". Remedy: remove one')
        found[ours] = theirs
    return found
