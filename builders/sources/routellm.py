"""RouteLLM: CSV files of prompts and of whether a weak and a strong LLM were right, as in its MMLU and GSM8K files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.file_names import labelled, provenance_beside, split_of_name
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import TableMapping
from llmfusionbench.builders.reading.right_or_wrong import refuse_but_labels
from llmfusionbench.builders.reading.tables import Chunk, column_names
from llmfusionbench.builders.records import Part, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import PROVENANCES

_RESPONSE: Final = "_response"
_QUERY: Final = ("prompt", "task", "provenance")
_OTHERS: Final = ("", "Unnamed: 0", *_QUERY)
_BATTLE: Final = {"idx", "model_a", "model_b", "winner"}


@dataclass(frozen=True, kw_only=True)
class RouteLLM:
    """Reads RouteLLM's CSV files. The task is that of a column `task`, else the file's name.

    Args:
        split: The split of every query; by default the one that a file's name states, else `train`.
        llms: The columns that are LLMs; by default the two that have no other meaning.
        provenance: How the answers came about; by default what the file or an export of ours next to it states, else
            `imported`.
    """

    split: str | None = None
    llms: Sequence[str] | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        for path, file in labelled(paths):
            columns = column_names(path, file)
            llms = self._llms(path, columns)
            mapping = TableMapping(
                columns={column: column for column in _QUERY if column in columns},
                wide={"performance": "{llm}", "response": f"{{llm}}{_RESPONSE}"},
                llms=tuple(llms),
                own_names=False,
            )
            split, made = self.split or split_of_name(path), provenance_beside(path, self.provenance)
            reading = Reading.of(path, file, columns, mapping, split, made)
            names = ["task"] if "task" in columns else []
            yield from reading.read(partial(_checked, file=file, llms=llms, names=names))

    def _llms(self, path: Path, columns: Sequence[str]) -> list[str]:
        if set(columns) >= _BATTLE:
            raise InputError(
                f"{path}: battles, which have a winner but no performance. Remedy: use its CSV of right and wrong answers, "
                "or the source table, which reads battles as judgements of pairs"
            )
        if "prompt" not in columns:
            raise InputError(f"{path}: no column prompt. Remedy: use another source, or `table` with --map")
        found = [c for c in columns if c not in _OTHERS and _base(c) not in columns]
        if self.llms is not None:
            for name in self.llms:
                if name not in columns:
                    raise InputError(f'{path}: no column "{name}"; it has {", ".join(columns[:40])}')
            return list(self.llms)
        if len(found) != 2:
            raise InputError(
                f"{path}: {len(found)} columns could be LLMs ({', '.join(found[:10])}), expected a weak and a strong one. "
                "Remedy: set --option llms=WEAK,STRONG"
            )
        return found


def _base(column: str) -> str | None:
    """The LLM whose answers are in a column, if it has such a name."""
    return column.removesuffix(_RESPONSE) if column.endswith(_RESPONSE) else None


def _checked(chunk: Chunk, *, file: str, llms: Sequence[str], names: Sequence[str]) -> tuple[Chunk, list[Rejected]]:
    """The records whose labels are right or wrong, and the others. A provenance that is not one of ours becomes null."""
    chunk, rejected = refuse_but_labels(chunk, file, llms, names)
    place = chunk.batch.schema.get_field_index("provenance")
    if place < 0:
        return chunk, rejected
    stated = chunk.batch.column(place)
    if not (pa.types.is_string(stated.type) or pa.types.is_large_string(stated.type)):
        return chunk.with_column("provenance", pa.nulls(len(stated), pa.string())), rejected
    known = pc.is_in(stated.cast(pa.string()), pa.array(PROVENANCES))
    return chunk.with_column("provenance", pc.if_else(known, stated, pa.scalar(None, stated.type))), rejected
