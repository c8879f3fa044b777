"""RouterEval: npz files with the scores of many LLMs on the prompts (or their embeddings) of each split.

Arrays that need a pickle are refused. Vectors without prompts are not kept; such a query has its place in the file as its id.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.builders.reading.file_names import known_provenance, labelled, provenance_beside, stem
from llmfusionbench.builders.reading.limits import check_columns, record_bytes
from llmfusionbench.builders.reading.npz import Archive, Member, open_npz
from llmfusionbench.builders.records import Part, Records, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate

SPLITS: Final = {"train": "train", "val": "partial_test", "test": "test"}
"""Their name of a split -> ours."""

_ROWS: Final = 1024


@dataclass(frozen=True, kw_only=True)
class RouterEval:
    """Reads RouterEval's npz files. The task is an array `train_task` ..., the option `task`, or the file's name.

    Args:
        llms: The LLMs in the order of the columns, for files without an array `candidates`.
        task: The task of every query, for files without tasks.
        split: The split of every query, in place of the file's own splits.
        provenance: How the answers came about; by default what the file or an export of ours next to it states, else
            `imported`.
    """

    llms: Sequence[str] | None = None
    task: str | None = None
    split: str | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        for path, file in labelled(paths):
            with open_npz(path) as arrays:
                made = provenance_beside(path, self.provenance) or _stated_provenance(arrays)
                present = [name for name in SPLITS if f"{name}_score" in arrays]
                if not present:
                    raise InputError(f"{path}: no array train_score, val_score or test_score. Remedy: check the file")
                for name in present:
                    score, texts = _split(path, arrays, name)
                    llms = self._llms(path, arrays, score.shape[1])
                    step = max(1, min(_ROWS, record_bytes() // max(1, *(m.row_bytes for m in (score, *texts.values())))))
                    for start in range(0, score.shape[0], step):
                        rows = min(step, score.shape[0] - start)
                        found = {what: _checked(path, member, member.take(rows), start) for what, member in texts.items()}
                        tasks = found.get("task", self.task or stem(path).removesuffix(".npz"))
                        yield from _parts(
                            f"{file}:{name}", start, score.take(rows).astype(np.float64), found.get("prompt"),
                            self.task if self.task is not None else tasks, llms, self.split or SPLITS[name], made,
                        )  # fmt: skip
                    for member in (score, *texts.values()):
                        member.end()

    def _llms(self, path: Path, arrays: Archive, width: int) -> list[str]:
        names = list(self.llms) if self.llms is not None else None
        if names is None and "candidates" in arrays:
            member = _texts(path, arrays, "candidates")
            names = _checked(path, member, member.whole(), 0).tolist()
        check_columns(path, width)
        if names is None:
            raise InputError(f"{path}: has no names for the LLMs of its {width} columns. Remedy: set --option llms=NAME,NAME")
        if len(names) != width or len(set(names)) != width or not all(names):
            raise InputError(f"{path}: {len(set(names))} names for {width} columns of scores. Remedy: one name for each")
        return names


def _parts(
    file: str, first: int, score: npt.NDArray[np.float64], prompts: npt.NDArray[np.str_] | None,
    task: npt.NDArray[np.str_] | str, llms: list[str], split: str, made: str | None,
) -> Iterator[Part]:  # fmt: skip
    """The records of some queries. NaN is a missing score; an infinite score is rejected."""
    queries, width = score.shape
    cells = score.ravel()
    for place in np.flatnonzero(np.isinf(cells)).tolist():
        name = llms[place % width]
        yield Rejected(file, first + place // width, f"score of {name} is infinite, expected 0 to 1", {"llm": name})
    wanted = np.flatnonzero(~np.isinf(cells))
    parsed = [Candidate.parse(name) for name in llms]
    texts = [values for values in (prompts, task) if isinstance(values, np.ndarray)]
    characters = np.add.reduce([np.char.str_len(values) for values in texts]) if texts else np.zeros(queries, np.int64)
    # Every candidate's record has the texts of its query: many candidates are read in several pieces.
    piece = np.cumsum(characters[wanted // width]) // record_bytes()
    for part in np.split(wanted, np.flatnonzero(np.diff(piece)) + 1) if len(wanted) else ():
        rows = part // width
        numbers = pa.array(rows + first)
        column = pa.array(part % width)
        columns = {
            "file": pa.repeat(file, len(part)),
            "row": numbers,
            "task": pa.repeat(task, len(part)) if isinstance(task, str) else _taken(task, rows),
            "split": pa.repeat(split, len(part)),
            "source_id": pa.array([f"{file}:{n}" for n in numbers.to_pylist()], pa.string()) if prompts is None else None,
            "prompt": None if prompts is None else _taken(prompts, rows),
            "metric": pa.repeat("unknown", len(part)),
            "llm": pa.array([c.llm for c in parsed], pa.string()).take(column),
            "mode": pa.array([c.mode for c in parsed], pa.string()).take(column),
            "status": pa.array(["ok", "missing"]).take(pa.array(np.isnan(cells[part])).cast(pa.int8())),
            "performance": pa.array(cells[part], from_pandas=True),
            "provenance": pa.repeat(made, len(part)) if made else None,
        }
        yield Records(pa.table({name: values for name, values in columns.items() if values is not None}))


def _taken(texts: npt.NDArray[np.str_], rows: npt.NDArray[np.int64]) -> pa.Array:
    first, last = int(rows[0]), int(rows[-1]) + 1
    return pa.array(texts[first:last].tolist(), pa.string()).take(pa.array(rows - first))


def _split(path: Path, arrays: Archive, name: str) -> tuple[Member, dict[str, Member]]:
    """The scores [Q, C] of a split, and its prompts [Q] and tasks [Q] if it has them."""
    score = arrays.open(f"{name}_score")
    if len(score.shape) != 2 or score.dtype.kind not in "biuf":
        raise InputError(f"{path}: {score}, expected numbers [queries, LLMs]")
    if not score.shape[1]:
        raise InputError(f"{path}: {score}, expected at least one LLM. Remedy: check the file")
    texts = {what: _texts(path, arrays, f"{name}_{what}") for what in ("prompt", "task") if f"{name}_{what}" in arrays}
    embed = [arrays.open(f"{name}_embed")] if f"{name}_embed" in arrays else []
    for member in (*texts.values(), *embed):
        if member.shape[:1] != score.shape[:1]:
            rows = score.shape[0]
            raise InputError(f"{path}: {member.name} is of {list(member.shape)}, expected the {rows} rows of {name}_score")
    return score, texts


def _texts(path: Path, arrays: Archive, name: str) -> Member:
    """An array of texts."""
    found = arrays.open(name)
    if found.dtype.kind != "U" or len(found.shape) != 1:
        raise InputError(f"{path}: {found}, expected texts. Remedy: check the file")
    return found


def _checked(path: Path, member: Member, texts: npt.NDArray[np.str_], first: int) -> npt.NDArray[np.str_]:
    """`texts`, if UTF-8 can encode them; `first` is the row of the first."""
    for row, text in enumerate(texts.tolist(), first):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{path}: {member.name} is broken at row {row}, expected text that UTF-8 can write") from error
    return texts


def _stated_provenance(arrays: Archive) -> str | None:
    if "provenance" not in arrays:
        return None
    member = arrays.open("provenance")
    if member.dtype.kind != "U" or math.prod(member.shape) != 1:
        return None
    return known_provenance(member.whole().ravel()[0].item())
