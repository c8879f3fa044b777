"""The messages of a build that refuses its input: which records cannot be taken, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from llmfusionbench.builders.records import SCORES, Rejected
from llmfusionbench.release.card_text import counted

_SHOWN: Final = 10
_BEGINS_A_WORD: Final = re.compile(r' is "[^\W\d_]')


def words_for_scores(rejected: Sequence[Rejected]) -> list[Rejected]:
    """The records that were rejected since a score is a word that begins with a letter."""
    return [r for r in rejected if _is_word_for_score(r.reason) and _BEGINS_A_WORD.search(r.reason)]


def _is_word_for_score(reason: str) -> bool:
    """Whether a record was rejected since its score is a word, such as correct."""
    return "expected a number" in reason and any(f'{ours} is "' in reason or f'({ours}) is "' in reason for ours in SCORES)


def refusal_of_folded(folded: Sequence[tuple[str, int]]) -> str:
    """The message of a strict build about records that repeat others: the file and the number of each."""
    places = [f"  {file} record {row}" for file, row in folded[:_SHOWN]]
    more = [f"  ... and {len(folded) - _SHOWN:,} more"] if len(folded) > _SHOWN else []
    say = "says" if len(folded) == 1 else "say"
    first = f"Found {counted(len(folded), 'record')} that {say} the same as an earlier one (strict was asked for):"
    return "\n".join([first, *places, *more, "Remedy: drop the repeated records, or number several answers in replicate"])


def refusal(rejected: Sequence[Rejected], why: str) -> str:
    """The message about records that cannot be taken."""
    if not rejected:
        return "Found 0 records in the input, expected one or more. Remedy: check that the files are whole"
    lines = [f"Found {counted(len(rejected), 'record')} that cannot be taken ({why}):"]
    lines += [f"  {r.file}{'' if r.row is None else f' record {r.row}'}: {r.reason}" for r in rejected[:_SHOWN]]
    if len(rejected) > _SHOWN:
        lines.append(f"  ... and {len(rejected) - _SHOWN:,} more")
    if all(_is_word_for_score(r.reason) for r in rejected):
        lines.append(
            "Remedy: write the scores as numbers first, such as 1 for correct and 0 for incorrect, or state what the words "
            "of a table mean with --values performance=correct:1,incorrect:0"
        )
    return "\n".join(lines)
