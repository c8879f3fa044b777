"""Any table of answers: CSV, TSV, JSON, JSONL or Parquet, one row an answer or one a query, with a mapping of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from llmfusionbench.builders.reading.file_names import labels
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import parse_mapping
from llmfusionbench.builders.reading.tables import column_names, read_chunks
from llmfusionbench.builders.records import Part, Rejected


class Table:
    """Reads tables of any make.

    A column of the file that has the name of one of ours maps by itself. A record needs an LLM, and a prompt or a source_id;
    its task is the file's name where nothing says it, its metric `unknown`.

    Args:
        map: Our column -> the file's, or `=text` for a constant, such as `{"prompt": "question", "task": "=trivia"}`; or a YAML
            file with such lines, or with sections `map`, `wide`, `llms` and `split`.
        wide: For tables with one row a query: our column -> a pattern of the file's with `{llm}` in it, such as
            `{"performance": "{llm}", "response": "{llm}|model_response"}`. An LLM whose cells are all empty was not asked.
        llms: The LLMs of a wide table; by default those that the patterns find.
        split: The split of records that name none.
    """

    def __init__(
        self,
        *,
        map: Mapping[str, str] | str | Path | None = None,  # noqa: A002
        wide: Mapping[str, str] | None = None,
        llms: Sequence[str] | None = None,
        split: str | None = None,
    ) -> None:
        self.map = map
        self.wide = wide
        self.llms = llms
        self.split = split

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files.

        Raises:
            InputError: a file cannot be read, or lacks a column that the mapping names or that a log needs.
            UnknownNameError: the mapping names a column that we do not have.
        """
        mapping = parse_mapping(self.map, self.wide, self.llms)
        for path, file in zip(paths, labels(paths), strict=True):
            reading = Reading.of(path, file, column_names(path, file), mapping, self.split)
            for chunk in read_chunks(path, file, reading.needed()):
                if isinstance(chunk, Rejected):
                    yield chunk
                else:
                    yield from reading.parts(chunk)
