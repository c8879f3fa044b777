"""Any table of answers, by a mapping of its columns: CSV, TSV, JSON, JSONL or Parquet, with one row per answer or per query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmfusionbench.builders.reading.comparisons import read_comparisons
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.judgements import read_judgements
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import parse_mapping
from llmfusionbench.builders.reading.tables import column_names
from llmfusionbench.builders.records import Part


@dataclass(frozen=True, kw_only=True)
class Table:
    """Reads tables of any format.

    A column that has the name of one of ours maps to it by itself. A record needs an LLM, and a prompt or a source_id. If no
    column gives its task or metric, these are the file's name and `unknown`. Files in which a judge compares two answers, and
    MT-Bench's judgements of single answers, are recognised by their columns and need no mapping.

    Args:
        map: Our column -> the file's, or `=text` for a constant, such as `{"prompt": "question", "task": "=trivia"}`. A number
            may be in another unit: `{"latency_s": "took/1000", "cost_usd": "credits*0.01"}`. Or a YAML file with such lines, or
            with sections `map`, `wide`, `llms` and `split`.
        wide: For tables with one row per query: our column -> a pattern of the file's columns with `{llm}` in it, such as
            `{"performance": "{llm}", "response": "{llm}|model_response"}`. An LLM whose cells are all empty was not asked.
        llms: The LLMs of a wide table; by default those that the patterns find.
        split: The split of records that name none.
    """

    map: Mapping[str, str] | str | Path | None = None
    wide: Mapping[str, str] | None = None
    llms: Sequence[str] | None = None
    split: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        mapping = parse_mapping(self.map, self.wide, self.llms)
        for path, file in labelled(paths):
            columns = column_names(path, file)
            compared = read_comparisons(path, file, columns, mapping, self.split)
            judged = compared or read_judgements(path, file, columns, mapping, self.split)
            yield from judged or Reading.of(path, file, columns, mapping, self.split).read()
