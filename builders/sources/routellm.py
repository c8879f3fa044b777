"""RouteLLM: CSVs of prompts and of whether a weak and a strong LLM were right, as in its MMLU and GSM8K files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.file_names import labels, provenance_beside, split_of_name
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import TableMapping
from llmfusionbench.builders.reading.right_or_wrong import refuse_but_labels
from llmfusionbench.builders.reading.tables import Chunk, column_names, read_chunks
from llmfusionbench.builders.records import Part, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import PROVENANCES

_RESPONSE: Final = "_response"
_OTHERS: Final = ("", "Unnamed: 0", "prompt", "task", "provenance")
_BATTLE: Final = {"idx", "model_a", "model_b", "winner"}


class RouteLLM:
    """Reads RouteLLM's CSVs. The task is that of a column `task`, else the file's name.

    Args:
        split: The split of every query; by default told from the name of each file, else `train`.
        llms: The columns that are LLMs; by default the two that are nothing else.
        provenance: How the answers came about; by default `imported`, or what the file or an export of ours beside it says.
    """

    def __init__(self, *, split: str | None = None, llms: Sequence[str] | None = None, provenance: str | None = None) -> None:
        self.split = split
        self.llms = llms
        self.provenance = provenance

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files.

        Raises:
            InputError: a file cannot be read, has no prompts, holds battles, or does not say which columns are LLMs.
        """
        for path, file in zip(paths, labels(paths), strict=True):
            columns = column_names(path, file)
            llms = self._llms(path, columns)
            made = provenance_beside(path, self.provenance)
            mapping = TableMapping(
                columns={"prompt": "prompt"},
                constants={} if made is None else {"provenance": made},
                wide={"performance": "{llm}", "response": f"{{llm}}{_RESPONSE}"},
                llms=tuple(llms),
            )
            own = [c for c in columns if c in ("prompt", "task", "provenance") or c in llms or _base(c) in llms]
            reading = Reading.of(path, file, own, mapping, self.split or split_of_name(path))
            for chunk in read_chunks(path, file, reading.needed()):
                if isinstance(chunk, Rejected):
                    yield chunk
                    continue
                kept, rejected = refuse_but_labels(chunk, file, llms, [c for c in ("task",) if c in own])
                yield from rejected
                yield from reading.parts(_with_known_provenance(kept))

    def _llms(self, path: Path, columns: Sequence[str]) -> list[str]:
        if set(columns) >= _BATTLE:
            raise InputError(f"{path}: battles, which say who won and hold no performance. Remedy: its CSV of right and wrong")
        if "prompt" not in columns:
            raise InputError(f"{path}: no column prompt. Remedy: another source, or `table` with --map")
        found = [c for c in columns if c not in _OTHERS and _base(c) not in columns]
        if self.llms is not None:
            for name in self.llms:
                if name not in columns:
                    raise InputError(f'{path}: no column "{name}"; it has {", ".join(columns[:40])}')
            return list(self.llms)
        if len(found) != 2:
            raise InputError(
                f"{path}: {len(found)} columns could be LLMs ({', '.join(found[:10])}), expected a weak and a strong one. "
                "Remedy: --option llms=WEAK,STRONG"
            )
        return found


def _base(column: str) -> str | None:
    """The LLM whose answers a column holds, if it is called so."""
    return column.removesuffix(_RESPONSE) if column.endswith(_RESPONSE) else None


def _with_known_provenance(chunk: Chunk) -> Chunk:
    """What a column `provenance` says in other words than ours is nothing."""
    place = chunk.batch.schema.get_field_index("provenance")
    if place < 0:
        return chunk
    said = chunk.batch.column(place)
    if not (pa.types.is_string(said.type) or pa.types.is_large_string(said.type)):
        return chunk.with_column("provenance", pa.nulls(len(said), pa.string()))
    known = pc.is_in(said.cast(pa.string()), pa.array(PROVENANCES))
    return chunk if np.all(known) else chunk.with_column("provenance", pc.if_else(known, said, pa.scalar(None, said.type)))
