"""A proposed mapping of a file's fields to our columns, by their names and the shape of their values, for people to check."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llmfusionbench.builders.recognising.fields import Field, fields_of
from llmfusionbench.builders.recognising.head import Head
from llmfusionbench.builders.recognising.names import LIKE_AN_LLM, NAMES
from llmfusionbench.builders.recognising.shapes import TRUTH_OR_ANSWER, Line, line_of

_MODE: Final = "mode"
_PER_CALL: Final = 2
"""From how many ids of one prompt on a column of ids numbers calls, not queries."""


@dataclass(frozen=True)
class Proposal:
    """A mapping of the fields of a file."""

    lines: list[Line]
    unmapped: list[Field]
    wide: tuple[str, ...] = ()
    """The LLMs of a table with one row per query, each the name of a column."""
    wide_as: str = "performance"
    """What the columns of the LLMs hold."""
    where: tuple[Field, str] | None = None
    """A field of which only the records with one value are to be read."""

    @property
    def sure(self) -> list[Line]:
        """The lines that are to be used."""
        return [line for line in self.lines if line.is_sure]

    @property
    def lacking(self) -> list[str]:
        """What a table needs and no field seems to give."""
        have = {line.ours for line in self.sure}
        if self.wide:
            have |= {"llm", self.wide_as}
        groups = {"the query": {"prompt", "messages", "source_id"}, "llm": {"llm"}, "response or performance": _ANSWERED}
        return [words for words, names in groups.items() if not have & names]

    @property
    def is_enough(self) -> bool:
        """Whether `table` can read the file with it, and the file gives an answer or a score."""
        return not self.lacking

    def arguments(self) -> list[str]:
        """The options of `llmfusionbench build table`, each quoted for a shell."""
        found = []
        for line in self.sure:
            found += ["--map", shlex.quote(f"{line.ours}={line.theirs}")]
            if line.words:
                pairs = ",".join(f"{theirs}:{ours}" for theirs, ours in line.words.items())
                found += ["--values", shlex.quote(f"{line.ours}={pairs}")]
        if self.where is not None:
            found += ["--where", shlex.quote(f"{self.where[0].path}={self.where[1]}")]
        return found


_ANSWERED: Final = {"response", "performance", "judge_score"}


def propose(head: Head) -> Proposal:
    """The mapping that the names and values of a file's first records suggest."""
    fields = fields_of(head.records, cells=head.is_delimited)
    taken: dict[str, Field] = {}
    lines: dict[str, Line] = {}
    for ours in _ORDER:
        if (ours == "messages" and "prompt" in lines) or (ours == "source_id" and _numbers_calls(taken.get("prompt"), fields)):
            continue
        free = [one for one in fields if one not in taken.values()]
        if ours == "response" and "llm" not in lines and not _has_truth(free):
            free = [one for one in free if one.key not in TRUTH_OR_ANSWER]
        line = _line(ours, free)
        if line is not None and line.source is not None:
            lines[ours] = line
            if line.is_sure:
                taken[ours] = line.source
    wide = () if lines.keys() & {"llm", "response", "performance"} else _wide(fields)
    if "llm" not in lines and not wide:
        lines["llm"] = Line("llm", "{parent}", "no field names the LLM: the folder of the file; {stem} is the file's own name")
    if "judge" in lines and "performance" in lines:
        scored = lines.pop("performance")
        lines["judge_score"] = Line("judge_score", scored.theirs, scored.why, scored.source, scored.words, scored.is_sure)
    elif "judge" in lines:
        del lines["judge"]
    mapped = [line.source for line in lines.values() if line.is_sure]
    for name in _misnamed(fields, lines, mapped):
        lines[name] = Line(name, "", "a column is called as ours, but its values do not fit: it is not read")
    ordered = [lines[ours] for ours in (*NAMES, "judge_score", _MODE) if ours in lines]
    used = [line.source for line in ordered]
    unmapped = [one for one in fields if one not in used and one.path not in wide]
    is_text = any(one.type == "text" for one in fields if one.path in wide)
    return Proposal(ordered, unmapped, wide, "response" if is_text else "performance", _where(unmapped))


def _misnamed(fields: Sequence[Field], lines: Mapping[str, Line], mapped: Sequence[Field | None]) -> list[str]:
    """Columns that the table would take by their names, although their values do not fit."""
    columns = dict.fromkeys(str(one.steps[0]) for one in fields if one.count)
    whole = {one.path for one in mapped if one is not None}
    modes = {str(value) for one in fields if one.path == _MODE for value in one.values}
    named = [name for name in columns if name in NAMES and name not in lines and name not in whole]
    return named + ([_MODE] if modes and not modes <= {"direct", "think"} else [])


def _wide(fields: Sequence[Field]) -> tuple[str, ...]:
    """The columns that are called like LLMs, if they are several and all hold scores, or all hold texts."""
    named = [one for one in fields if len(one.steps) == 1 and LIKE_AN_LLM.fullmatch(one.path)]
    kinds = {one.type == "text" for one in named}
    return tuple(one.path for one in named) if len(named) > 1 and len(kinds) == 1 else ()


def _where(fields: Sequence[Field]) -> tuple[Field, str] | None:
    """The first value of a field called filter: lm-evaluation-harness writes a record for each."""
    for one in fields:
        values = list(dict.fromkeys(value for value in one.values if isinstance(value, str)))
        if one.path == "filter" and len(values) > 1:
            return one, values[0]
    return None


_FIRST: Final = ("prompt", "llm", "response", "ground_truth", "messages")
_ORDER: Final = (*_FIRST, *(name for name in NAMES if name not in _FIRST))
"""The order in which our columns choose their fields."""


def _has_truth(fields: Sequence[Field]) -> bool:
    """Whether a field besides those that may be answers holds ground truths."""
    line = _line("ground_truth", [one for one in fields if one.key not in TRUTH_OR_ANSWER])
    return line is not None


def _line(ours: str, fields: Sequence[Field]) -> Line | None:
    """The field with the best name whose values fit."""
    for pattern in NAMES[ours]:
        wanted = re.compile(pattern)
        named = [one for one in fields if wanted.fullmatch(one.key) and one.count and not one.is_secret]
        for one in sorted(named, key=lambda f: (-f.count, len(f.steps))):
            line = line_of(ours, one)
            if line is not None:
                return line
    return None


def _numbers_calls(prompt: Field | None, fields: Sequence[Field]) -> bool:
    """Whether ids differ where prompts are equal, so that they number calls; then none of them is the id of a query."""
    return prompt is not None and _line("source_id", fields) is not None and _differ(prompt, _line("source_id", fields))


def _differ(prompt: Field, line: Line | None) -> bool:
    if line is None or line.source is None or len(line.source.values) != len(prompt.values):
        return False
    ids: dict[str, set[str]] = {}
    for asked, one in zip(prompt.values, line.source.values, strict=True):
        ids.setdefault(_hashable(asked), set()).add(_hashable(one))
    return any(len(found) >= _PER_CALL for found in ids.values())


def _hashable(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
