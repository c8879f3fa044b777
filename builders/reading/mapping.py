"""Which column of a user's table is which of ours. A long table has one row per answer, a wide one has one row per query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from llmfusionbench.builders.reading.absent import absent_column, listed
from llmfusionbench.builders.reading.conditions import Condition
from llmfusionbench.builders.reading.factors import (
    UNITS,
    Factor,
    expression,
    named_by_unit,
    named_without_unit,
    stated_scale,
    unit,
)
from llmfusionbench.builders.reading.joins import Join
from llmfusionbench.builders.reading.paths import find_path
from llmfusionbench.builders.reading.places import of_place
from llmfusionbench.builders.reading.usage import TOKEN_NAMES
from llmfusionbench.builders.reading.words import Words
from llmfusionbench.builders.records import LOG, SCORES, leave_out
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

COLUMNS: Final = tuple(name for name in LOG.names if name not in ("file", "row", "prompt_think", "llm_path", "judge_path"))
"""The columns that a table can fill."""

LLM: Final = "{llm}"
"""Stands for the name of an LLM in a pattern."""
PER_ANSWER: Final = (
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
ROUNDS: Final = ("epoch", "trial")
"""Names of the number of an answer among several of a candidate to a query."""
_OTHER_NAMES: Final = {
    "reasoning": ("reasoning_content", "reasoning_details"),
    "judge_opponent": ("opponent",),
    "judge_distribution": ("distribution",),
    "replicate": ROUNDS,
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
    places: dict[str, str] = field(default_factory=dict)
    """Our column -> a text with parts that the place of a file gives, such as `{parent}`."""
    unset: frozenset[str] = frozenset()
    """Our columns that no column of theirs fills by itself."""
    ignored: frozenset[str] = frozenset()
    """Columns of theirs that fill none of ours by themselves."""
    words: dict[str, Words] = field(default_factory=dict)
    """Our column -> what the words of theirs mean."""
    scales: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Our column of scores -> its scale in the file."""
    where: tuple[Condition, ...] = ()
    """What all records have; the others are left out."""
    joins: tuple[Join, ...] = ()
    """Further files whose columns are added by a key."""

    def in_file(self, path: Path) -> TableMapping:
        """The mapping with what the place of a file gives.

        Raises:
            InputError: a pattern does not fit the place.
        """
        given = {ours: of_place(text, path, ours) for ours, text in self.places.items()}
        return replace(self, constants={**self.constants, **given}, places={}) if given else self

    def own_of(self, columns: Sequence[str]) -> dict[str, str]:
        """Our column -> the column of a file with `columns` that fills it by itself."""
        if not self.own_names:
            return {}
        stated = {*self.columns, *self.constants, *self.places, *self.wide, *self.unset}
        left = [name for name in columns if name not in self.ignored]
        return {ours: name for ours in COLUMNS if ours not in stated and (name := _own_name(ours, left))}

    def source_of(self, columns: Sequence[str]) -> dict[str, str]:
        """Our column -> theirs, in a file with `columns`."""
        own = self.own_of(columns)
        mapped = {ours: expression(theirs, columns, ours)[0] for ours, theirs in self.columns.items()}
        return {ours: theirs for ours, theirs in (own | mapped).items() if ours not in self.constants}

    def scales_of(self, columns: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Our column of scores -> its scale in a file with `columns`."""
        asked = {ours: stated_scale(theirs, columns) for ours, theirs in self.columns.items() if ours in SCORES}
        return self.scales | {ours: ends for ours, ends in asked.items() if ends}

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
        stated = {*self.columns, *self.constants, *self.wide, *self.unset}
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

    def remedies_of(self, columns: Sequence[str]) -> dict[str, str]:
        """Our column of numbers -> what can be done where one of its cells is none; only where names are the user's own."""
        named = {**self.source_of(columns), **self.wide} if self.own_names else {}
        found = {}
        for ours in named:
            kind = LOG.field(ours).type
            if ours in self.words or not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
                continue
            if ours in SCORES:
                found[ours] = (
                    f". Remedy: correct it, or state what the words of the column mean with --values {ours}=WORD:NUMBER"
                )
            elif ours in self.wide:
                found[ours] = f". Remedy: correct it, or take {ours} out of the patterns of the wide table"
            else:
                found[ours] = leave_out(ours)
        return found

    def others_of(self, columns: Sequence[str]) -> dict[str, list[str]]:
        """Our column -> further columns with its value, where that of `source_of` has none, in a file with `columns`."""
        named = {*self.columns, *self.constants, *self.wide, *self.unset}
        free = {c: names for c, names in _OTHER_NAMES.items() if self.own_names and c not in named}
        chosen = self.source_of(columns)
        left = {*columns} - self.ignored
        return {c: [n for n in names if n in left and n != chosen.get(c)] for c, names in free.items()}

    def llms_in(self, columns: Sequence[str]) -> list[str]:
        """The LLMs of a wide table with `columns`, in order: those named, or those that the patterns find.

        Raises:
            InputError: none is named, and the patterns find none or fit any column.
        """
        if self.llms:
            return list(self.llms)
        telling = [p for p in self.wide.values() if p != LLM]
        if not telling:
            raise InputError(f'the pattern "{LLM}" fits any column. Remedy: name the LLMs in llms')
        found: dict[str, None] = {}
        for column in columns:
            for pattern in telling:
                before, after = pattern.split(LLM)
                if column.startswith(before) and column.endswith(after) and len(column) > len(before) + len(after):
                    found[column[len(before) : len(column) - len(after)]] = None
        if not found:
            raise InputError(
                f"no column fits {', '.join(telling)}; the file has {listed(columns)}. Remedy: correct the patterns"
            )
        return list(found)

    def check_patterns(self, columns: Sequence[str], place: str) -> None:
        """Check that each pattern of a user's wide table fits a column of an LLM.

        Raises:
            InputError: one fits none, so that none of its values would be read.
        """
        llms = self.llms_in(columns) if self.own_names else []
        there = {*columns}
        for ours, pattern in self.wide.items() if llms else ():
            if not any(pattern.replace(LLM, llm) in there for llm in llms):
                raise InputError(
                    f"{place}: no column fits {pattern} for {ours}; the file has {listed(columns)}. "
                    f"Remedy: correct the pattern, or take {ours} out of the section wide"
                )

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
            if find_path(theirs, columns) is None:
                raise absent_column(place, theirs, columns, f"for {ours}")
        have = {*self.source_of(columns), *self.constants}
        if not have & {"prompt", "messages", "source_id"}:
            raise InputError(
                f"{place}: no column identifies the query; it has {listed(columns)}. Remedy: map prompt, messages or source_id"
            )
        if not self.wide and "llm" not in have:
            raise InputError(
                f"{place}: no column names the LLM; it has {listed(columns)}. "
                "Remedy: map llm, or give patterns for a wide table; if the folder names it, --map llm={parent}"
            )


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
