"""MT-Bench's judgements of single answers: `question_id, model, judge, judgment, score, turn`, recognised by their columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa

from llmfusionbench.builders.reading.factors import expression
from llmfusionbench.builders.reading.judge_names import judge_names, turn_ids
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import TableMapping
from llmfusionbench.builders.reading.table_files import TableFile
from llmfusionbench.builders.reading.tables import Chunk
from llmfusionbench.builders.records import Note, Part, Rejected

_NEEDED: Final = {"question_id", "model", "score"}
_TELLING: Final = {"judge", "judgment"}
_COLUMNS: Final = {
    "source_id": "question_id", "llm": "model", "judge_score": "score", "judge_reason": "judgment",
    "judge_created_at": "tstamp",
}  # fmt: skip
_CONSTANTS: Final = {"task": "mt_bench", "metric": "judge", "judge": "unknown"}
_FAILED: Final = ("-1", "-1.0")
"""The score where MT-Bench found none in the judge's reply."""


def _fits(columns: Sequence[str], mapping: TableMapping) -> bool:
    """Whether a file with `columns` holds such judgements, and the mapping does not make something else of them."""
    if not {*columns} >= _NEEDED or not _TELLING & {*columns} or mapping.wide or not mapping.own_names:
        return False
    scores = [ours for ours, theirs in mapping.columns.items() if expression(theirs, columns, ours)[0] == "score"]
    return scores in ([], ["judge_score"]) and mapping.columns.get("judge_score", "score").startswith("score")


def read_judgements(table: TableFile, mapping: TableMapping, split: str | None) -> Iterator[Part] | None:
    """The judgements in a file, as far as the mapping does not state otherwise; None if it holds none.

    A later turn is a query of its own, a judge is named by an LLM and its prompt, and a score of -1 is no score.
    """
    columns = table.columns
    if not _fits(columns, mapping):
        return None
    said = {*mapping.columns, *mapping.constants}
    own = {ours: theirs for ours, theirs in _COLUMNS.items() if theirs in columns and ours not in said}
    constants = {ours: text for ours, text in _CONSTANTS.items() if ours not in said and ours not in columns}
    completed = replace(mapping, columns=own | mapping.columns, constants=constants | mapping.constants)
    return _read(Reading.of(table.path, table.file, columns, completed, split, source=table.chunks), table)


def _read(reading: Reading, table: TableFile) -> Iterator[Part]:
    failed = 0

    def check(chunk: Chunk) -> tuple[Chunk, list[Rejected]]:
        nonlocal failed
        names = chunk.batch.schema.names
        if "question_id" in names and "turn" in names:
            chunk = chunk.with_column("question_id", turn_ids(chunk.batch.column("question_id"), chunk.batch.column("turn")))
        if "judge" in names:
            chunk = chunk.with_column("judge", judge_names(chunk.batch.column("judge")))
        scores = chunk.batch.column("score")
        values = [None if str(value).strip() in _FAILED else value for value in scores.to_pylist()]
        failed += sum(value is None for value in values) - scores.null_count
        return chunk.with_column("score", pa.array(values, scores.type)), []

    needed = [*reading.needed(), *(["turn"] if "turn" in table.columns else [])]
    yield from reading.read(check, table.chunks(list(dict.fromkeys(needed))))
    if failed:
        records = f"{failed:,} record{'s' * (failed > 1)}"
        yield Note(reading.file, f"score is -1 in {records}, where the judge gave none: taken as null")
