"""RouterBench: a wide table, a query a row with a score, an answer and a cost in USD of every LLM.

Prompts and answers are written as the repr of a list of texts, which is read as a literal and never run. The published files
are pickles, which are code: they are read only where that is asked for, and then by an unpickler that runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.file_names import labels, provenance_beside, split_of_name
from llmfusionbench.builders.reading.lists import unlisted
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import TableMapping
from llmfusionbench.builders.reading.pickle import is_pickle, read_frame
from llmfusionbench.builders.reading.tables import Chunk, column_names, read_chunks
from llmfusionbench.builders.records import Part, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_RESPONSE, _COST = "|model_response", "|total_cost"
_QUERY: Final = {"prompt": "prompt", "task": "eval_name", "source_id": "sample_id"}


class RouterBench:
    """Reads RouterBench's tables: CSV, Parquet, or a pickle of a DataFrame.

    Args:
        split: The split of every query; by default told from the name of each file, else `train`.
        allow_pickle: Read pickles.
        provenance: How the answers came about; by default `imported`, or what an export of ours says beside the file.
    """

    def __init__(self, *, split: str | None = None, allow_pickle: bool = False, provenance: str | None = None) -> None:
        self.split = split
        self.allow_pickle = allow_pickle
        self.provenance = provenance

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files.

        Raises:
            InputError: a file cannot be read, is a pickle without leave or with more than a table in it, or names no LLM.
        """
        for path, file in zip(paths, labels(paths), strict=True):
            frame = self._frame(path)
            columns = column_names(path, file) if frame is None else frame.column_names
            made = provenance_beside(path, self.provenance)
            mapping = TableMapping(
                columns=_QUERY,
                constants={} if made is None else {"provenance": made},
                wide={"performance": "{llm}", "response": f"{{llm}}{_RESPONSE}", "cost_usd": f"{{llm}}{_COST}"},
                llms=tuple(_llms(path, columns)),
            )
            own = [c for c in columns if c in _QUERY.values() or c in mapping.llms or _base(c) in mapping.llms]
            reading = Reading.of(path, file, own, mapping, self.split or split_of_name(path))
            needed = reading.needed()
            for chunk in read_chunks(path, file, needed) if frame is None else _frame_chunks(frame, needed):
                if isinstance(chunk, Rejected):
                    yield chunk
                    continue
                plain, rejected = _unlisted(chunk, file)
                yield from rejected
                yield from reading.parts(plain)

    def _frame(self, path: Path) -> pa.Table | None:
        """The table in a pickle; None where the file is no pickle."""
        if not is_pickle(path):
            return None
        if not self.allow_pickle:
            raise InputError(
                f"{path}: a pickle, which is code. Remedy: --allow-pickle, which reads pandas tables and runs nothing, or a CSV"
            )
        return read_frame(path)


def _base(column: str) -> str | None:
    """The LLM that a column is of, if it is called so."""
    return next((column.removesuffix(end) for end in (_RESPONSE, _COST) if column.endswith(end)), None)


def _llms(path: Path, columns: Sequence[str]) -> list[str]:
    named = dict.fromkeys(base for c in columns if (base := _base(c)) and base in columns)
    if not named:
        raise InputError(f"{path}: no column LLM{_COST} or LLM{_RESPONSE} beside one LLM. Remedy: another source, or `table`")
    return [c for c in columns if c in named]


def _frame_chunks(frame: pa.Table, needed: list[str]) -> Iterator[Chunk]:
    row = 0
    for batch in frame.select(needed).to_batches(max_chunksize=4096):
        yield Chunk(batch, np.arange(row, row + batch.num_rows))
        row += batch.num_rows


def _unlisted(chunk: Chunk, file: str) -> tuple[Chunk, list[Rejected]]:
    """The chunk with its lists of texts as texts, and the records whose prompt is no such list."""
    cells = chunk.batch.column("prompt")
    prompts = unlisted(cells)
    wrong = {
        i: f"prompt is {shorten(cells[i].as_py())}, expected the repr of a list of texts"
        for i in np.flatnonzero(prompts.is_null().to_numpy(zero_copy_only=False)).tolist()
    }
    names = [c for c in ("sample_id", "eval_name") if c in chunk.batch.schema.names]
    rejected = [
        Rejected(file, int(chunk.rows[i]), reason, {n: shorten(chunk.batch.column(n)[i].as_py()) for n in names})
        for i, reason in wrong.items()
    ]
    chunk = chunk.with_column("prompt", prompts)
    kept = np.ones(len(chunk.rows), bool)
    kept[list(wrong)] = False
    chunk = chunk.keep(kept)
    for name in chunk.batch.schema.names:
        if name.endswith(_RESPONSE):
            chunk = chunk.with_column(name, _answers(chunk.batch.column(name)))
    return chunk, rejected


def _answers(cells: pa.Array) -> pa.Array:
    """Answers out of their lists; one that is in none is as it stands, and an empty cell is no answer."""
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        plain = cells.cast(pa.string())
        plain = pc.if_else(pc.equal(plain, ""), pa.scalar(None, pa.string()), plain)
        return pc.coalesce(unlisted(plain), plain)
    stated = pa.array([None if c is None or isinstance(c, list) else str(c) for c in cells.to_pylist()], pa.string())
    return pc.coalesce(unlisted(cells), stated)
