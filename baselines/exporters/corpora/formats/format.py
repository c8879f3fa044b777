"""A corpus format: turns a table of samples into a table of records, and describes the files to LLaMA-Factory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Literal

import pyarrow as pa

from llmfusionbench.validation.issue import Issue

Kind = Literal["sft", "preference", "kto"]
Columns = Mapping[str, pa.Array]

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "sft": ("query_id", "task", "candidate", "replicate", "provenance"),
    "preference": ("query_id", "task", "candidate", "replicate", "rejected_candidate", "rejected_replicate", "provenance"),
    "kto": ("query_id", "task", "candidate", "replicate", "provenance"),
}
"""The keys in every record that lead back to its release."""

TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "sft": ("prompt", "response"),
    "preference": ("prompt", "chosen", "rejected"),
    "kto": ("prompt", "completion"),
}
"""The texts of a sample, none of which may be null."""

SEPARATOR: Final = "\n\n"
"""The end of a plain prompt. Plain trainers concatenate prompt and completion, so the answer needs a separator."""


@dataclass(frozen=True)
class Format:
    """One way to write the samples of a kind."""

    name: str
    """Its name for `--format`."""
    kind: Kind
    """Answers, pairs of answers, or answers with a label."""
    readers: tuple[str, ...]
    """The trainers that read it, each shown by a test of ours or by its documentation."""
    build: Callable[[Columns], dict[str, pa.Array]]
    """Makes the columns of the records from the columns of the samples."""
    entry: Mapping[str, Any] | None = None
    """Its entry in LLaMA-Factory's dataset_info.json, without the file name; None where LLaMA-Factory cannot read it."""
    container: Literal["jsonl", "parquet"] = "jsonl"
    """The kind of file that its readers expect."""
    keeps_keys: bool = True
    """Whether a record holds its `KEYS`; False where the reader refuses unknown keys."""
    separator: str = ""
    """Appended to every prompt."""
    issues: Callable[..., list[Issue]] | None = None
    """`issues(lines, file=NAME)`: what its reader would refuse in a file; None where its reader has no rules."""

    def records(self, samples: pa.Table) -> pa.Table:
        """The records of `samples`, row by row: what the trainer reads first, then the keys.

        Args:
            samples: At least the `KEYS` and `TEXTS` of the kind, and `label` for kto; less than 2 GiB of text. `messages`, if
                it is there, holds the turns of queries with more than one.

        Raises:
            ValueError: A column is missing, or a text is null.
        """
        needed = [*TEXTS[self.kind], *(["label"] if self.kind == "kto" else []), *KEYS[self.kind]]
        missing = [name for name in needed if name not in samples.column_names]
        if missing:
            raise ValueError(f"samples for {self.kind}/{self.name} have no column {', '.join(missing)}")
        columns = {name: _whole(samples[name]) for name in samples.column_names}
        for name in needed[: -len(KEYS[self.kind])]:
            if columns[name].null_count:
                raise ValueError(f"samples for {self.kind}/{self.name}: {name} is null in {columns[name].null_count} rows")
        records = self.build(columns)
        if self.keeps_keys:
            records |= {name: columns[name] for name in KEYS[self.kind] if name not in records}
        return pa.table(records)

    def dataset_info(self, name: str, files: Sequence[str]) -> dict[str, Any] | None:
        """`{name: entry}`, LLaMA-Factory's entry for a corpus of this format; None if it cannot read the format.

        Args:
            name: What dataset_info.json calls the corpus.
            files: Its files, relative to dataset_info.json. LLaMA-Factory reads one file or one whole folder.

        Raises:
            ValueError: There are no files, or several that do not share a folder of their own.
        """
        if self.entry is None:
            return None
        folders = {str(PurePosixPath(file).parent) for file in files}
        if not files or (len(files) > 1 and (len(folders) > 1 or folders == {"."})):
            raise ValueError(
                f"{len(files)} files in {len(folders)} folders; expected one file, or several in one folder of their own"
            )
        file_name = files[0] if len(files) == 1 else folders.pop()
        return {name: {"file_name": file_name, **copy.deepcopy(dict(self.entry))}}


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece, without a copy if it is one."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
