"""Any table of answers, by a mapping of its columns: CSV, TSV, JSON, JSONL or Parquet, with one row per answer or per query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llmfusionbench.builders.reading.cells import Cells
from llmfusionbench.builders.reading.comparisons import read_comparisons
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.joins import Further, Join
from llmfusionbench.builders.reading.judgements import read_judgements
from llmfusionbench.builders.reading.log_records import Reading, least_round
from llmfusionbench.builders.reading.mapping import ROUNDS, TableMapping
from llmfusionbench.builders.reading.mapping_options import parse_mapping
from llmfusionbench.builders.reading.table_files import TableFile
from llmfusionbench.builders.reading.tables import read_chunks
from llmfusionbench.builders.reading.written_numbers import Seen
from llmfusionbench.builders.records import Part, Rejected


@dataclass(frozen=True, kw_only=True)
class Table:
    """Reads tables of any format.

    A column that has the name of one of ours maps to it by itself, if most of its values fit. A record needs an LLM, and a
    prompt or a source_id. If no column gives its task or metric, these are the file's name and `unknown`. Several answers of a
    candidate to a query are numbered in `replicate`. Files in which a judge compares two answers, and MT-Bench's judgements of
    single answers, are recognised by their columns and need no mapping.

    Args:
        map: Our column -> the file's, a path such as `body.choices[0].message.content`, `=text` for a constant, or a text with
            `{file}`, `{stem}`, `{parent}` or `{path:PATTERN}`, such as `{"prompt": "question", "task": "=trivia", "llm":
            "{parent}"}`. A number may be in another unit: `{"latency_s": "took/1000", "cost_usd": "credits*0.01"}`, and a score
            on a scale: `{"judge_score": "rating 1:10"}`. Empty for a column of ours that the file shall not fill. Or a YAML
            file with such lines, or with sections `map`, `values`, `where`, `join`, `scale`, `wide`, `llms` and `split`.
        wide: For tables with one row per query: our column -> a pattern of the file's columns with `{llm}` in it, such as
            `{"performance": "{llm}", "response": "{llm}|model_response"}`. An LLM whose cells are all empty was not asked.
        llms: The LLMs of a wide table; by default those that the patterns find.
        split: The split of records that name none.
        values: Our column -> what the file's words mean: `{"performance": {"correct": 1, "incorrect": 0}}`.
        where: A column or path -> the value, or one of a list, that a record must have: `{"filter": "strict-match"}`.
        join: Further files with the keys by which their columns are added: `["questions.jsonl:question_id"]`, or
            `FILE:THEIRKEY=OURKEY`.
        scale: Column of scores -> the ends of its scale: `{"judge_score": (1, 10)}`.
    """

    map: Mapping[str, str] | str | Path | None = None
    wide: Mapping[str, str] | None = None
    llms: Sequence[str] | None = None
    split: str | None = None
    values: Mapping[str, Mapping[str, Any]] | None = None
    where: Mapping[str, Any] | None = None
    join: Sequence[str] | None = None
    scale: Mapping[str, Any] | None = None

    def further(self) -> list[Path]:
        """The files that the options name: those to join, and that of the mapping."""
        named = [Path(self.map)] if isinstance(self.map, (str, Path)) else []
        return [*named, *dict.fromkeys(join.path for join in self._mapping().joins)]

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        stated, known = self._mapping(), dict[Join, Further]()
        currencies: dict[str, str] = {}  # a rate is for one currency, in all files
        tables = [TableFile.of(path, file, stated.where, stated.joins, known) for path, file in labelled(paths)]
        # Each file may hold one epoch of a run, so that their numbers begin where the least of all files is.
        least = _least_round(tables, stated) if len(tables) > 1 else None
        for table in tables:
            path, file, mapping = table.path, table.file, stated.in_file(table.path)
            compared = read_comparisons(table, mapping, self.split)
            judged = compared or read_judgements(table, mapping, self.split)
            if judged is None:
                reading = Reading.of(path, file, table.columns, mapping, self.split, source=table.chunks)
                judged = replace(reading, least=least, seen=Seen(currencies=currencies)).read()
            yield from judged
            yield from table.notes()

    def _mapping(self) -> TableMapping:
        return parse_mapping(
            self.map, wide=self.wide, llms=self.llms, values=self.values, where=self.where, join=self.join, scale=self.scale
        )


def _least_round(tables: Sequence[TableFile], mapping: TableMapping) -> int | None:
    """The least epoch in the first records of each file."""
    found = []
    for table in tables:
        theirs = mapping.own_of(table.columns).get("replicate")
        if theirs in ROUNDS and theirs in table.own:
            parts = read_chunks(table.path, table.file, [theirs])
            first = next((part for part in parts if not isinstance(part, Rejected)), None)
            found.append(None if first is None else least_round([Cells(first.batch)], theirs))
    return min((least for least in found if least is not None), default=None)
