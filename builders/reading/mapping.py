"""Which column of a user's table is which of ours. A long table has one row per answer, a wide one has one row per query."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import yaml

from llmfusionbench.builders.reading.factors import UNITS, Factor, expression, named_by_unit, named_without_unit, unit
from llmfusionbench.builders.reading.usage import TOKEN_NAMES
from llmfusionbench.builders.records import LOG
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.storage.repeats import repeated
from llmfusionbench.validation.issue import shorten

COLUMNS: Final = tuple(name for name in LOG.names if name not in ("file", "row"))
"""The columns that a table can fill."""

_ALIASES: Final = {"query": "prompt", "cost": "cost_usd"}
_SECTIONS: Final = ("map", "wide", "llms", "split")
_LARGEST: Final = 1 << 20
"""Characters of a mapping."""
_LLM: Final = "{llm}"
_PER_ANSWER: Final = (
    "response",
    "reasoning",
    "status",
    "error",
    "finish_reason",
    "served_model",
    "created_at",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "performance",
    "cost_usd",
    "latency_s",
    "judge_score",
    "judge_reason",
)
_OTHER_NAMES: Final = {
    "reasoning": ("reasoning_content", "reasoning_details"),
    "judge_opponent": ("opponent",),
    "judge_distribution": ("distribution",),
    **TOKEN_NAMES,
}
"""Our column -> what endpoints call it, each taken by itself where a file has no column of our name."""


@dataclass(frozen=True)
class TableMapping:
    """Where the columns of a log record come from."""

    columns: dict[str, str] = field(default_factory=dict)
    """Our column -> theirs, or `theirs/NUMBER` or `theirs*NUMBER`."""
    constants: dict[str, str] = field(default_factory=dict)
    """Our column -> the text of all records."""
    wide: dict[str, str] = field(default_factory=dict)
    """Our column -> pattern of theirs, with `{llm}` in it."""
    llms: tuple[str, ...] = ()
    """The LLMs of a wide table; if empty, the patterns find them."""
    split: str | None = None
    """The split of records that name none."""
    own_names: bool = True
    """Whether a column of theirs that has the name of one of ours maps to it by itself."""

    def source_of(self, columns: Sequence[str]) -> dict[str, str]:
        """Our column -> theirs, in a file with `columns`."""
        own = {c: n for c in COLUMNS if self.own_names and c not in self.wide and (n := _own_name(c, columns))}
        mapped = {ours: expression(theirs, columns, ours)[0] for ours, theirs in self.columns.items()}
        return {ours: theirs for ours, theirs in (own | mapped).items() if ours not in self.constants}

    def factors_of(self, columns: Sequence[str]) -> dict[str, Factor]:
        """Our column -> the factor that its mapping asks for, else the one that makes ours of the unit in their name."""
        asked = {ours: found for ours, theirs in self.columns.items() if (found := expression(theirs, columns, ours)[1])}
        units = {ours: unit(ours, theirs)[1] for ours, theirs in self._named_with_unit(columns).items() if ours not in asked}
        return {ours: found for ours, found in units.items() if found} | asked

    def unstated_units(self, columns: Sequence[str]) -> dict[str, str]:
        """Our column -> theirs, where neither the mapping nor their name states the unit of a cost or a latency."""
        asked = {ours for ours, theirs in self.columns.items() if expression(theirs, columns, ours)[1]}
        named = self._named_with_unit(columns)
        return {ours: theirs for ours, theirs in named.items() if ours not in asked and not unit(ours, theirs)[0]}

    def _named_with_unit(self, columns: Sequence[str]) -> dict[str, str]:
        """Our columns that have a unit -> theirs, or their pattern in a wide table; only where names are the user's own."""
        named = {**self.source_of(columns), **self.wide} if self.own_names else {}
        return {ours: theirs for ours, theirs in named.items() if ours in UNITS}

    def left_out(self, columns: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """What is not read of the costs and latencies that need no mapping, and whether the file has no other."""
        stated = {*self.columns, *self.constants, *self.wide}
        chosen = self.source_of(columns)
        taken = {*chosen.values()}
        for ours in UNITS if self.own_names else ():
            if ours in stated:
                continue
            if ours in chosen:
                for other in named_by_unit(ours, columns):
                    if other not in taken:
                        yield f"{other} is not read, for {chosen[ours]} is taken as {ours}", False
            elif (vague := named_without_unit(ours, columns)) and vague not in taken:
                yield f"{vague} is not read as {ours}, since its name states no unit. {_unit_remedy(ours, vague)}", True

    def others_of(self, columns: Sequence[str]) -> dict[str, list[str]]:
        """Our column -> further columns with its value, where that of `source_of` has none, in a file with `columns`."""
        named = {*self.columns, *self.constants, *self.wide}
        free = {c: names for c, names in _OTHER_NAMES.items() if self.own_names and c not in named}
        chosen = self.source_of(columns)
        return {c: [n for n in names if n in columns and n != chosen.get(c)] for c, names in free.items()}

    def llms_in(self, columns: Sequence[str]) -> list[str]:
        """The LLMs of a wide table with `columns`, in order: those named, or those that the patterns find.

        Raises:
            InputError: none is named, and the patterns find none or fit any column.
        """
        if self.llms:
            return list(self.llms)
        telling = [p for p in self.wide.values() if p != _LLM]
        if not telling:
            raise InputError(f'the pattern "{_LLM}" fits any column. Remedy: name the LLMs in llms')
        found: dict[str, None] = {}
        for column in columns:
            for pattern in telling:
                before, after = pattern.split(_LLM)
                if column.startswith(before) and column.endswith(after) and len(column) > len(before) + len(after):
                    found[column[len(before) : len(column) - len(after)]] = None
        if not found:
            raise InputError(
                f"no column fits {', '.join(telling)}; the file has {_listed(columns)}. Remedy: correct the patterns"
            )
        return list(found)

    def check(self, columns: Sequence[str], place: str) -> None:
        """Check that a file with `columns` has every mapped column and what a log needs.

        Raises:
            InputError: it does not. The message names the nearest column, and all columns.
        """
        if len(columns) == 1 and columns[0] not in self.columns.values() and (mark := _other_mark(columns[0])):
            raise InputError(
                f"{place}: its only column is {shorten(columns[0])}; is the separator a {mark}? "
                "Remedy: separate columns by commas, or by tabs in a file named .tsv"
            )
        for ours, mapped in self.columns.items():
            theirs, factor = expression(mapped, columns, ours)
            kind = LOG.field(ours).type
            if factor is not None and not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
                raise InputError(f'{place}: {ours} is mapped to "{mapped}", but is not a number. Remedy: name a column alone')
            if theirs not in columns:
                near = difflib.get_close_matches(theirs, columns, n=1)
                hint = f' Did you mean "{near[0]}"?' if near else ""
                raise InputError(f'{place}: no column "{theirs}" for {ours}.{hint} It has {_listed(columns)}')
        have = {*self.source_of(columns), *self.constants}
        if not have & {"prompt", "messages", "source_id"}:
            raise InputError(
                f"{place}: no column identifies the query; it has {_listed(columns)}. Remedy: map prompt, messages or source_id"
            )
        if not self.wide and "llm" not in have:
            raise InputError(
                f"{place}: no column names the LLM; it has {_listed(columns)}. "
                "Remedy: map llm, or give patterns for a wide table"
            )


def parse_mapping(
    map: Mapping[str, Any] | str | Path | None,  # noqa: A002
    wide: Mapping[str, Any] | None,
    llms: Sequence[str] | None,
) -> TableMapping:
    """A mapping from options, or from a YAML file of `ours: theirs` lines or of sections `map`, `wide`, `llms` and `split`.

    Raises:
        InputError: the file cannot be read, or a value is not a text.
        UnknownNameError: no such column of ours.
    """
    sections: dict[str, Any] = {"map": {}, "wide": {}, "llms": ()}
    if isinstance(map, (str, Path)):
        sections |= mapping_sections(Path(map))
    elif map:
        sections["map"] = map
    if wide:
        sections["wide"] = wide
    if llms:
        sections["llms"] = llms
    mapped = _named(sections["map"], "map")
    patterns = _named(sections["wide"], "wide")
    for ours, pattern in patterns.items():
        if pattern.count(_LLM) != 1:
            raise InputError(f'the pattern of {ours} is "{pattern}", expected {_LLM} in it once')
        if ours not in _PER_ANSWER:
            raise InputError(f"{ours} cannot have a pattern, expected one of {', '.join(_PER_ANSWER)}. Remedy: use map")
    names = sections["llms"]
    if not isinstance(names, Sequence) or isinstance(names, str) or not all(isinstance(n, str) for n in names):
        raise InputError(f"llms is {shorten(names)}, expected a list of names")
    split = sections.get("split")
    if split is not None and not isinstance(split, str):
        raise InputError(f"split is {shorten(split)}, expected a text")
    return TableMapping(
        columns={ours: theirs for ours, theirs in mapped.items() if not theirs.startswith("=")},
        constants={ours: theirs[1:] for ours, theirs in mapped.items() if theirs.startswith("=")},
        wide=patterns,
        llms=tuple(names),
        split=split,
    )


class _Loader(yaml.SafeLoader):
    """Plain YAML: no aliases, by which a small file stands for a large one, and every key once."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"an alias in line {self.line + 1}, expected plain values")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        twice = repeated(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        if twice:
            raise yaml.YAMLError(f"the key {shorten(twice[0])} is given twice from line {node.start_mark.line + 1} on")
        return super().construct_mapping(node, deep)


def mapping_sections(path: Path) -> dict[str, Any]:
    """The sections `map`, `wide`, `llms` and `split` of a YAML file; in a file without sections all lines are `map`.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > _LARGEST:
            raise ValueError(f"{len(text):,} characters, expected up to {_LARGEST:,}")
        value = yaml.load(text, _Loader)  # noqa: S506 a safe loader
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # Python has limits on integers and dates
        words = "nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise InputError(f"{path}: not a readable YAML file ({words}). Remedy: check the path and the file") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: the mapping is {type(value).__name__}, expected lines like `prompt: question`")
    sectioned = any(isinstance(v, (dict, list)) for v in value.values())
    unknown = sorted(str(k) for k in value if k not in _SECTIONS) if sectioned else []
    if unknown:
        raise InputError(f'{path}: no section "{unknown[0]}", expected {", ".join(_SECTIONS)}')
    sections = value if sectioned else {"map": value}
    if not isinstance(sections.get("map") or {}, dict):
        raise InputError(f"{path}: map is {shorten(sections['map'])}, expected our column names, each with the file's")
    return sections


def _named(section: Any, name: str) -> dict[str, str]:
    """A section by our current names of columns."""
    if not isinstance(section, Mapping):
        raise InputError(f"{name} is {shorten(section)}, expected our column names, each with the file's")
    found: dict[str, str] = {}
    for key, theirs in section.items():
        ours = _ALIASES.get(key) or str(key)
        if ours not in COLUMNS:
            raise UnknownNameError("column", key, COLUMNS)
        if not isinstance(theirs, str) or not theirs:
            raise InputError(f"{name} of {key} is {shorten(theirs)}, expected the name of a column, or =text for a constant")
        if found.get(ours, theirs) != theirs:
            raise InputError(f'{name} has two columns for {ours}, "{found[ours]}" and "{theirs}". Remedy: remove one')
        found[ours] = theirs
    return found


def _own_name(ours: str, columns: Sequence[str]) -> str | None:
    """The column that needs no mapping: it has our name, the name that endpoints give it, or our name in another unit."""
    own = next((name for name in (ours, *_OTHER_NAMES.get(ours, ())) if name in columns), None)
    return own or next(iter(named_by_unit(ours, columns)), None)


def _unit_remedy(ours: str, theirs: str) -> str:
    """How to state the unit of a column."""
    unit_of, other = {"latency_s": ("seconds", "/1000 for milliseconds"), "cost_usd": ("USD", "/100 for cents")}[ours]
    return f"Remedy: map it with --map {ours}={theirs} if it is in {unit_of}, or with --map {ours}={theirs}{other}"


def _other_mark(header: str) -> str | None:
    """The separator in a header that has no commas, if there is one."""
    return next((words for mark, words in ((";", "semicolon"), ("\t", "tab")) if mark in header), None)


def _listed(columns: Sequence[str], most: int = 40) -> str:
    shown = ", ".join(columns[:most])
    return shown if len(columns) <= most else f"{shown} and {len(columns) - most} more"
