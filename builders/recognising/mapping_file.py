"""A proposed mapping as a YAML file with comments, which the source `table` takes as it is and people correct."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from llmfusionbench.builders.reading.fetched import origin
from llmfusionbench.builders.recognising.fields import Field
from llmfusionbench.builders.recognising.proposal import Proposal
from llmfusionbench.builders.recognising.shapes import Line

_PLAIN: Final = re.compile(r"[A-Za-z_][\w.\[\]/-]{0,200}(?: \d{1,4}:\d{1,4})?")
_WORDS_OF_YAML: Final = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_STATED: Final = {
    "task": '"=NAME"  # else the name of the file',
    "metric": '"=METRIC"  # cem, code_eval, em, em_mc, f1_score, gsm8k, math, ... by which rescore scores answers',
}
"""Our column -> what a person may state of it."""
_LISTED: Final = 200
"""The most fields that are listed as not mapped."""


def mapping_text(proposal: Proposal, path: Path, records: int) -> str:
    """The text of a mapping file.

    Args:
        proposal: What is mapped.
        path: The log that it is for.
        records: How many records were looked at.
    """
    return "".join(f"{line}\n" for line in _lines(proposal, path, records))


def _lines(proposal: Proposal, path: Path, records: int) -> Iterator[str]:
    yield f"# A mapping proposed by llmfusionbench inspect-log from the first {records:,} records of {_comment(path.name)}."
    yield "# Check each line: it says where our column comes from, and the comment above it says why. Then run"
    yield f"#   llmfusionbench build table {_comment(shlex.quote(origin(path) or str(path)))} --mapping THIS_FILE --out DIR"
    for lack in proposal.lacking:
        yield f"# No field was found for {lack}: add a line for it."
    yield "map:" if proposal.sure else "map: {}"
    for line in proposal.lines:
        yield f"  # {_why(line, records)}"
        text = f"{line.ours}: {quoted(line.theirs)}" if line.theirs else f"{line.ours}:"
        yield f"  {text}" if line.is_sure else f"  # {text}"
    for ours, text in _STATED.items():
        if ours not in {line.ours for line in proposal.sure}:
            yield f"  # {ours}: {text}"
    if proposal.wide:
        yield "wide:"
        yield "  # one row per query: the columns that are called like LLMs"
        yield f'  {proposal.wide_as}: "{{llm}}"'
        yield f"llms: [{', '.join(quoted(name, word=True) for name in proposal.wide)}]"
    if proposal.where is not None:
        one, value = proposal.where
        yield "where:"
        yield f"  # {_comment(one.name)} has several values, and a query one record for each: choose one"
        yield f"  {quoted(one.path)}: {quoted(value, word=True)}"
    if any(line.words for line in proposal.sure):
        yield "values:"
        yield "  # the words of the file and what they are to us; a record with another word is rejected"
        for line in proposal.sure:
            if line.words:
                pairs = ", ".join(f"{quoted(theirs, word=True)}: {ours}" for theirs, ours in line.words.items())
                yield f"  {line.ours}: {{{pairs}}}"
    if proposal.unmapped:
        yield "# Not mapped:"
    for one in proposal.unmapped[:_LISTED]:
        yield f"#   {_comment(quoted(one.path))}: {described(one, records)}"
    if len(proposal.unmapped) > _LISTED:
        yield f"#   and {len(proposal.unmapped) - _LISTED:,} more"


def described(one: Field, records: int) -> str:
    """The type of a field, the share of records that have it, and an example."""
    example = one.example()
    shown = "" if example is None else f", such as {_comment(example)}"
    return f"{one.type} in {one.count:,} of {records:,} records{shown}"


def quoted(text: str, word: bool = False) -> str:
    """A text as YAML, in quotation marks where it could mean something else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML and not word:
        return text
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable() and not 0xD800 <= code <= 0xDFFF:
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _why(line: Line, records: int) -> str:
    why = _comment(line.why)
    return why if line.source is None else f"{why}; {described(line.source, records)}"


def _comment(text: str) -> str:
    """A text that stays within the line of a comment."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
