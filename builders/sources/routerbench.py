"""RouterBench: a wide table, one row per query with a score, an answer and a cost in USD for every LLM.

Prompts and answers are the repr of a list of texts, which is read as a literal and never run. The published files are pickles,
which may run code: they are read only on request, by an unpickler that runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.file_names import labelled, provenance_beside, split_of_name
from llmfusionbench.builders.reading.lists import unlisted
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import TableMapping
from llmfusionbench.builders.reading.pickle import is_pickle, read_frame
from llmfusionbench.builders.reading.tables import Chunk, column_names, numbered
from llmfusionbench.builders.records import Part, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_RESPONSE, _COST = "|model_response", "|total_cost"
_QUERY: Final = {"prompt": "prompt", "task": "eval_name", "source_id": "sample_id"}


@dataclass(frozen=True, kw_only=True)
class RouterBench:
    """Reads RouterBench's tables: CSV, Parquet, or a pickle of a DataFrame.

    Args:
        split: The split of every query; by default the one that a file's name states, else `train`.
        allow_pickle: Read pickles.
        provenance: How the answers came about; by default what an export of ours next to the file states, else `imported`.
    """

    split: str | None = None
    allow_pickle: bool = False
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        for path, file in labelled(paths):
            frame = self._frame(path)
            columns = column_names(path, file) if frame is None else frame.column_names
            mapping = TableMapping(
                columns=_QUERY,
                wide={"performance": "{llm}", "response": f"{{llm}}{_RESPONSE}", "cost_usd": f"{{llm}}{_COST}"},
                llms=tuple(_llms(path, columns)),
                own_names=False,
            )
            split, made = self.split or split_of_name(path), provenance_beside(path, self.provenance)
            reading = Reading.of(path, file, columns, mapping, split, made)
            chunks = None if frame is None else numbered(frame.select(reading.needed()).to_batches(max_chunksize=4096))
            yield from reading.read(partial(_unlisted, file=file), chunks)

    def _frame(self, path: Path) -> pa.Table | None:
        """The table in a pickle; None if the file is not one."""
        if not is_pickle(path):
            return None
        if not self.allow_pickle:
            raise InputError(
                f"{path}: a pickle, which may run code. Remedy: set --allow-pickle, which only reads tables, or use a CSV"
            )
        return read_frame(path)


def _base(column: str) -> str | None:
    """The LLM that a column of answers or costs belongs to."""
    return next((column.removesuffix(end) for end in (_RESPONSE, _COST) if column.endswith(end)), None)


def _llms(path: Path, columns: Sequence[str]) -> list[str]:
    named = dict.fromkeys(base for c in columns if (base := _base(c)) and base in columns)
    if not named:
        raise InputError(
            f"{path}: no column LLM{_COST} or LLM{_RESPONSE} next to a column LLM. Remedy: use another source, or `table`"
        )
    return [c for c in columns if c in named]


def _unlisted(chunk: Chunk, file: str) -> tuple[Chunk, list[Rejected]]:
    """The chunk with its lists of texts as texts, and the records whose prompt is not such a list."""
    cells = chunk.batch.column("prompt")
    prompts = unlisted(cells)
    wrong = {
        i: f"prompt is {shorten(cells[i].as_py())}, expected the repr of a list of texts"
        for i in np.flatnonzero(prompts.is_null().to_numpy(zero_copy_only=False)).tolist()
    }
    names = [c for c in ("sample_id", "eval_name") if c in chunk.batch.schema.names]
    chunk, rejected = chunk.with_column("prompt", prompts).refuse(wrong, file, names)
    for name in chunk.batch.schema.names:
        if name.endswith(_RESPONSE):
            chunk = chunk.with_column(name, _answers(chunk.batch.column(name)))
    return chunk, rejected


def _answers(cells: pa.Array) -> pa.Array:
    """The answers in the lists. An answer outside a list is kept as it is, and an empty cell is null."""
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        plain = cells.cast(pa.string())
        plain = pc.if_else(pc.equal(plain, ""), pa.scalar(None, pa.string()), plain)
        return pc.coalesce(unlisted(plain), plain)
    stated = pa.array([None if c is None or isinstance(c, list) else str(c) for c in cells.to_pylist()], pa.string())
    return pc.coalesce(unlisted(cells), stated)
